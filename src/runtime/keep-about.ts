import type { Redis } from 'ioredis';
import { fold } from '../session/fold.ts';
import { aboutOf } from './about.ts';
import type { EventLog } from './event-log.ts';
import { every } from './every.ts';
import type { Keys } from './keys.ts';
import { BrokenChain } from './read-line.ts';
import type { About, ShownSlot } from './reading.ts';
import { matching } from './redis.ts';

type Deps = { redis: Redis; keys: Keys; log: EventLog; retentionMs: number };

/** What a rebuild did: entries written, entries dropped because nothing or nothing kept stands behind them, and logs whose chain does not hold. */
export type Rebuilt = { written: number; dropped: number; broken: number };

const EVERY_MS = 6 * 3_600_000;

/**
 * Builds the index that `list` and `find` read from the logs, which are the truth. With `missing` only entries that are not there are written, so that it can run
 * beside everything else: whatever wrote an entry meanwhile knew at least as much.
 */
export async function rebuildAbout({ redis, keys, log, retentionMs }: Deps, which: 'all' | 'missing' = 'all'): Promise<Rebuilt> {
  const rebuilt: Rebuilt = { written: 0, dropped: 0, broken: 0 };
  const oldest = (await log.time()) - retentionMs;
  for await (const key of matching(redis, keys.about('*'))) {
    for (const [sid, text] of Object.entries(await redis.hgetall(key))) {
      if (!isOver(JSON.parse(text) as About, oldest) && (await redis.exists(keys.st(sid))) === 1) continue;
      rebuilt.dropped += await redis.hdel(key, sid);
    }
  }
  const place = keys.st('');
  for await (const key of matching(redis, keys.st('*'))) {
    const sid = key.slice(place.length);
    try {
      rebuilt.written += await write(sid, { redis, keys, log, retentionMs }, which, oldest);
    } catch (error) {
      // Nobody may act on it, and nobody finds it: what stands in the index of it stays.
      if (!(error instanceof BrokenChain)) throw error;
      rebuilt.broken += 1;
    }
  }
  return rebuilt;
}

async function write(sid: string, { redis, keys, log }: Deps, which: 'all' | 'missing', oldest: number): Promise<number> {
  // The first line names the team; the rest is only read where it is needed.
  const team = which === 'missing' ? await teamOf(sid, redis, keys) : null;
  if (team !== null && (await redis.hexists(keys.about(team), sid)) === 1) return 0;
  const session = fold(sid, await log.read(sid));
  if (!session) return 0;
  const root = await redis.hget(keys.slots(sid), 'root');
  const about = aboutOf(session, root ? (JSON.parse(root) as ShownSlot).ts : null);
  if (isOver(about, oldest)) return 0;
  const key = keys.about(session.opened.team);
  if (which === 'missing') return await redis.hsetnx(key, sid, JSON.stringify(about));
  await redis.hset(key, sid, JSON.stringify(about));
  return 1;
}

async function teamOf(sid: string, redis: Redis, keys: Keys): Promise<string | null> {
  const [first] = await redis.xrange(keys.log(sid), '-', '+', 'COUNT', 1);
  const line = first?.[1][first[1].indexOf('l') + 1];
  const { team } = JSON.parse(line ?? '{}') as { team?: unknown };
  return typeof team === 'string' ? team : null;
}

/** Whether an entry is past what is kept. */
export function isOver(about: About, oldest: number): boolean {
  return about.endedAt !== null && Date.parse(about.endedAt) < oldest;
}

/** Mends the index at start and every few hours: lost entries come back, those past their retention go. */
export function keepAbout(deps: Deps & { failed: (error: unknown) => void }): { stop(): void } {
  return every(EVERY_MS, () => rebuildAbout(deps, 'missing'), deps.failed);
}
