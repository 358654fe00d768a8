import type { Redis } from 'ioredis';
import type { EventLog } from './event-log.ts';
import { sessionsIn } from './kept.ts';
import type { Keys } from './keys.ts';
import type { ShownSlot } from './reading.ts';

/**
 * Has every open thread drawn anew from its log. After a restore the log is older than what Slack shows: a card may say "approved" where the question is open again.
 * Answers how many sessions that is.
 */
export async function redrawThreads({ redis, keys, log }: { redis: Redis; keys: Keys; log: EventLog }): Promise<number> {
  let redrawn = 0;
  for await (const sid of sessionsIn(redis, keys)) {
    if ((await redis.hget(keys.st(sid), 'status')) !== 'open') continue;
    for (const [slot, text] of Object.entries(await redis.hgetall(keys.slots(sid)))) {
      const shown = JSON.parse(text) as ShownSlot;
      // Files stand as they are; a message is edited when its content is not what is known to stand there.
      if (shown.ts !== null) await redis.hset(keys.slots(sid), slot, JSON.stringify({ ...shown, hash: '' }));
    }
    // As in makeForget: no turn at it that goes on now is the last.
    await redis.zadd(keys.stale, (await log.time()) - 0.5, sid);
    redrawn += 1;
  }
  return redrawn;
}
