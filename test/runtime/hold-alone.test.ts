import { afterAll, expect, test } from 'vitest';
import { holdAlone, release } from '../../src/runtime/redis.ts';
import { aLog } from './a-log.ts';

const { redis, keys, close } = aLog();
afterAll(close);
const key = keys.watch;

test('what one holds nobody else has, and who holds it keeps it by asking again', async () => {
  expect([await holdAlone(redis, key, 'a', 60_000), await holdAlone(redis, key, 'b', 60_000), await holdAlone(redis, key, 'a', 90_000)]).toEqual([
    true,
    false,
    true,
  ]);
  expect(await redis.pttl(key)).toBeGreaterThan(60_000);
  await release(redis, key, 'a');
  expect(await holdAlone(redis, key, 'b', 60_000)).toBe(true);
});

test('who stood still past their time lets go of nothing that is another one’s by now', async () => {
  await redis.set(key, 'b');
  await release(redis, key, 'a');
  expect(await redis.get(key)).toBe('b');
});
