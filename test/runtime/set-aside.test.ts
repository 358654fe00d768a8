import { afterAll, expect, test } from 'vitest';
import { setAside } from '../../src/runtime/set-aside.ts';
import { aLog } from './a-log.ts';

const it = aLog({ perUser: 2, perTeam: 10 });
afterAll(() => it.close());
const { redis, keys, log } = it;

test('a session whose chain does not hold is left alone, and takes nobody a place', async () => {
  expect((await it.open('whole')).is).toBe('stored');
  expect((await it.open('broken')).is).toBe('stored');
  expect(await it.open('third')).toEqual({ is: 'limit', which: 'user', limit: 2 });

  await setAside(redis, keys, 'broken', await log.lines('broken'));
  expect((await it.open('third')).is).toBe('stored');
  expect(await log.claim(it.owner('broken'), 5_000)).toBeNull();
  expect(await redis.zrange(keys.due, '0', '-1')).not.toContain('broken');
  expect((await it.reading.list('T1')).map((about) => about.session)).not.toContain('broken');
  const stop = { do: 'tell', session: 'broken', by: 'U1', text: 'Stop.', ts: null, kind: 'stop', standing: 'requester' } as const;
  expect(await it.deliver('stop', stop)).toEqual({ is: 'closed', session: 'broken' });
});

test('one whose first line says nothing readable is left alone all the same', async () => {
  await setAside(redis, keys, 'whole', ['{"v":1,']);
  expect(await log.claim(it.owner('whole'), 5_000)).toBeNull();
});
