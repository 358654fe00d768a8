import type { Redis } from 'ioredis';
import type { EventLog } from './event-log.ts';
import type { Keys } from './keys.ts';
import type { About } from './reading.ts';
import { matching } from './redis.ts';

/** What the whole installation is at, whichever process is asked. Ages in ms, 0 where nothing is late. */
export type Census = {
  /** Sessions not ended, by where they stand: "waiting for approval", "training", … */
  byState: Record<string, number>;
  approvals: { count: number; oldestMs: number };
  /** Sessions at which somebody should have looked by now, and for how long they have been waiting for it. */
  due: { count: number; oldestMs: number };
  /** The same for threads that do not show yet what the log says. */
  stale: { count: number; oldestMs: number };
  /** Calls that wait for a training run. */
  watched: number;
};

/** Counts from the small indexes beside the logs; sessions that have ended are not read. */
export async function takeCensus({ redis, keys, log }: { redis: Redis; keys: Keys; log: EventLog }): Promise<Census> {
  const now = await log.time();
  const byState: Record<string, number> = {};
  const approvals = { count: 0, oldestMs: 0 };
  const place = keys.about('');
  for await (const key of matching(redis, keys.about('*'))) {
    for await (const about of aliveIn(redis, keys, key.slice(place.length))) {
      byState[about.state] = (byState[about.state] ?? 0) + 1;
      if (!about.asks) continue;
      approvals.count += about.asks.count;
      approvals.oldestMs = Math.max(approvals.oldestMs, now - Date.parse(about.asks.since));
    }
  }
  const [due, stale, watched] = await Promise.all([late(redis, keys.due, now), late(redis, keys.stale, now), redis.hlen(keys.waits)]);
  return { byState, approvals, due, stale, watched };
}

/** A hundred at a time: an installation may have ten thousand asleep. */
async function* aliveIn(redis: Redis, keys: Keys, team: string): AsyncGenerator<About> {
  const alive = await redis.smembers(keys.liveTeam(team));
  for (let i = 0; i < alive.length; i += 100) {
    for (const text of await redis.hmget(keys.about(team), ...alive.slice(i, i + 100))) if (text) yield JSON.parse(text) as About;
  }
}

async function late(redis: Redis, key: string, now: number): Promise<{ count: number; oldestMs: number }> {
  const [count, first] = await Promise.all([redis.zcount(key, '-inf', String(now)), redis.zrange(key, '0', '0', 'WITHSCORES')]);
  return { count, oldestMs: count > 0 ? Math.max(0, now - Number(first[1])) : 0 };
}
