import type { Redis } from 'ioredis';
import { fold } from '../session/fold.ts';
import { NewerRecord } from '../session/record-version.ts';
import { aboutOf } from './about.ts';
import type { EventLog } from './event-log.ts';
import { every } from './every.ts';
import { jsonOf, openerOf, sessionsIn, shownAt } from './kept.ts';
import type { Keys } from './keys.ts';
import { BrokenChain } from './read-line.ts';
import type { About } from './reading.ts';
import { matching } from './redis.ts';
import { writeAbout } from './write-about.ts';

type Deps = { redis: Redis; keys: Keys; log: EventLog; retentionMs: number };

/** What a rebuild did: entries written, entries dropped because nothing or nothing kept stands behind them, and logs whose chain does not hold. */
export type Rebuilt = { written: number; dropped: number; broken: number };

const EVERY_MS = 6 * 3_600_000;

/**
 * Mends the index that `list` and `find` read from the logs, which are the truth: entries that are missing or behind their log are made anew, those with nothing
 * behind them go. It may run beside everything else: an entry never gives way to an older one.
 */
export async function rebuildAbout(deps: Deps): Promise<Rebuilt> {
  const { redis, keys, log, retentionMs } = deps;
  const rebuilt: Rebuilt = { written: 0, dropped: 0, broken: 0 };
  const oldest = (await log.time()) - retentionMs;
  for await (const key of matching(redis, keys.about('*'))) {
    for (const [sid, text] of Object.entries(await redis.hgetall(key))) {
      const entry = entryOf(text);
      if (entry && !isOver(entry, oldest) && (await redis.exists(keys.st(sid))) === 1) continue;
      rebuilt.dropped += await redis.hdel(key, sid);
    }
  }
  const faults: unknown[] = [];
  for await (const sid of sessionsIn(redis, keys)) {
    try {
      if (await mend(sid, deps, oldest)) rebuilt.written += 1;
    } catch (error) {
      // Of one that does not hold, or that only a later labmate can read, what stands in the index stays; and none keeps another from being mended.
      if (error instanceof BrokenChain) rebuilt.broken += 1;
      else if (!(error instanceof NewerRecord)) faults.push(error);
    }
  }
  if (faults.length > 0) throw faults[0];
  return rebuilt;
}

async function mend(sid: string, { redis, keys, log }: Deps, oldest: number): Promise<boolean> {
  // The first line names the team; the rest is only read where it is needed.
  const team = openerOf((await log.lines(sid, 1))[0])?.team;
  const [entry, { seq }] = await Promise.all([team === undefined ? null : redis.hget(keys.about(team), sid), log.tip(sid)]);
  if (entry && (entryOf(entry)?.seq ?? 0) >= seq) return false;
  const session = fold(sid, await log.read(sid));
  const root = await shownAt(redis, keys, sid, 'root');
  if (!session || isOver(aboutOf(session, null), oldest)) return false;
  return writeAbout(redis, keys, session, root?.ts ?? null);
}

/** Null: nothing that we have written. */
function entryOf(text: string): About | null {
  return jsonOf(text) as About | null;
}

/** Whether an entry is past what is kept. */
export function isOver(about: About, oldest: number): boolean {
  return about.endedAt !== null && Date.parse(about.endedAt) < oldest;
}

/** Mends the index at start and every few hours: lost entries come back, those past their retention go. */
export function keepAbout(deps: Deps & { failed: (error: unknown) => void }): { stop(): void } {
  return every(EVERY_MS, () => rebuildAbout(deps), deps.failed);
}
