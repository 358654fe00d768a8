import type { Redis } from 'ioredis';
import type { EventLog } from './event-log.ts';
import { every } from './every.ts';
import { sessionsIn } from './kept.ts';
import type { Keys } from './keys.ts';

/** The list of who is due is made from what is kept of each session; should it be lost, it is made anew. Answers how many were missing. */
export async function rebuildDue({ redis, keys, log }: { redis: Redis; keys: Keys; log: EventLog }): Promise<number> {
  let missing = 0;
  for await (const sid of sessionsIn(redis, keys)) if (await log.remind(sid)) missing += 1;
  return missing;
}

const EVERY_MS = 600_000;

/** Looks at start and every ten minutes. A session on its way is in the list anyway, so this finds only what was lost. */
export function keepDue(deps: { redis: Redis; keys: Keys; log: EventLog; failed: (error: unknown) => void }): { stop(): void } {
  return every(EVERY_MS, () => rebuildDue(deps), deps.failed);
}
