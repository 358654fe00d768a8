import type { Redis } from 'ioredis';
import { principalOf } from './kept.ts';
import type { Keys } from './keys.ts';

/**
 * Leaves a session whose chain does not hold as it is, for somebody to look at: nobody acts on it, nobody is woken for it, and it no longer counts against the
 * limits of whoever opened it, and stands in no list. `lines` are the stored ones; the first says who that was, as far as it can be read.
 */
export async function setAside(redis: Redis, keys: Keys, sid: string, lines: readonly string[]): Promise<void> {
  const write = redis.multi().hset(keys.st(sid), 'status', 'broken', 'owner', '').zrem(keys.due, sid).zrem(keys.stale, sid);
  const opened = principalOf(lines[0]);
  if (opened) write.srem(keys.liveTeam(opened.team), sid).srem(keys.liveUser(opened.team, opened.by), sid).hdel(keys.about(opened.team), sid);
  await write.exec();
}
