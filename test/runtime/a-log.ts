import { randomUUID } from 'node:crypto';
import { inject } from 'vitest';
import { makeDeliver } from '../../src/runtime/deliver.ts';
import { openLog } from '../../src/runtime/event-log.ts';
import { makeKeys } from '../../src/runtime/keys.ts';
import { openBlobs } from '../../src/runtime/payloads.ts';
import { makeReading } from '../../src/runtime/read-sessions.ts';
import { connect, PATIENT, type ScriptSource } from '../../src/runtime/redis.ts';

/** A log of its own on the tests' Redis, under a fresh prefix. `source` gives other scripts than the product's. */
export function aLog(limits = { perUser: 1_000, perTeam: 1_000 }, source?: ScriptSource) {
  const redis = connect(inject('redisUrl'), PATIENT);
  const keys = makeKeys(`t-${randomUUID().slice(0, 8)}`);
  const blobs = openBlobs(redis, keys);
  const log = openLog(redis, keys, blobs, undefined, source);
  const rung: string[] = [];
  const deliver = makeDeliver({
    redis,
    keys,
    log,
    ring: async (sid) => {
      rung.push(sid);
    },
    model: 'claude-sonnet-5-5',
    limits,
  });
  const reading = makeReading(redis, keys, log);
  const owner = (sid: string) => ({ sid, team: 'T1', user: 'U1' });
  const open = async (sid: string, prompt = 'Run it') =>
    deliver(`open-${sid}`, { do: 'open', session: sid, team: 'T1', channel: 'C0ML', thread: null, by: 'U1', prompt, door: 'command' });
  /** All of it as it stands now. What is answered puts it back so: a failover that loses what was acknowledged since. */
  const copy = async () => {
    const all = await redis.keys(`${keys.log('').replace('log:', '')}*`);
    const kept = await Promise.all(all.map(async (key) => ({ key, was: await redis.dumpBuffer(key) })));
    return async () => {
      const write = redis.multi().del(...(await redis.keys(`${keys.log('').replace('log:', '')}*`)));
      for (const { key, was } of kept) write.restore(key, 0, was);
      await write.exec();
    };
  };
  return { redis, keys, blobs, log, deliver, reading, rung, owner, open, copy, close: () => redis.quit() };
}
