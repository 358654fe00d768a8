import { Redis } from 'ioredis';
import { afterAll, expect, inject, it } from 'vitest';
import { readRecord } from '../../src/ops/read-record.ts';
import { makeDeliver } from '../../src/runtime/deliver.ts';
import { openLog } from '../../src/runtime/event-log.ts';
import { makeKeys } from '../../src/runtime/keys.ts';
import { openBlobs } from '../../src/runtime/payloads.ts';
import { lineHash } from '../../src/session/chain.ts';

const prefix = `record-${process.pid}`;
const redis = new Redis(inject('redisUrl'));
afterAll(() => redis.quit());

function opener() {
  const keys = makeKeys(prefix);
  const log = openLog(redis, keys, openBlobs(redis, keys));
  const deliver = makeDeliver({ redis, keys, log, ring: async () => {}, model: 'claude-test', limits: { perUser: 9, perTeam: 9 } });
  return async (session: string, team: string) => {
    const delivered = await deliver(`open-${session}`, { do: 'open', session, team, channel: 'C1', thread: null, by: 'U1', prompt: 'try v2', door: 'command' });
    if (delivered.is !== 'stored') throw new Error(delivered.is);
    return delivered.alias;
  };
}

it('finds a session by its short id, in any case, and by its full id', async () => {
  const alias = await opener()('s-one', 'T1');
  const place = { url: inject('redisUrl'), prefix };
  const { lines, session } = await readRecord(place, alias.toUpperCase());
  expect(lines.map((line) => JSON.parse(line) as { type: string }).map(({ type }) => type)).toEqual(['opened']);
  expect(session).toMatchObject({ id: 's-one', head: lineHash(lines[0] ?? '') });
  expect((await readRecord(place, 's-one')).lines).toEqual(lines);
});

it('says so where there is none', async () => {
  await expect(readRecord({ url: inject('redisUrl'), prefix }, 'e-none')).rejects.toThrow(
    `There is no session e-none in the Redis at ${inject('redisUrl').replace(/\/\/.*@/, '//')} (REDIS_URL) under the prefix "${prefix}" (REDIS_PREFIX). If it belongs to another installation, `,
  );
});
