import type { Redis } from 'ioredis';
import { z } from 'zod';
import type { Keys } from './keys.ts';

const opener = z.object({ team: z.string(), by: z.string() });

/**
 * Leaves a session whose chain does not hold as it is, for somebody to look at: nobody acts on it, nobody is woken for it, and it no longer counts against the
 * limits of whoever opened it. `lines` are the stored ones; the first says who that was, as far as it can be read.
 */
export async function setAside(redis: Redis, keys: Keys, sid: string, lines: readonly string[]): Promise<void> {
  const write = redis.multi().hset(keys.st(sid), 'status', 'broken').zrem(keys.due, sid).zrem(keys.stale, sid);
  const opened = opener.safeParse(parse(lines[0]));
  if (opened.success) {
    const { team, by } = opened.data;
    write.srem(keys.liveTeam(team), sid).srem(keys.liveUser(team, by), sid);
  }
  await write.exec();
}

function parse(line: string | undefined): unknown {
  try {
    return JSON.parse(line ?? '');
  } catch {
    return null;
  }
}
