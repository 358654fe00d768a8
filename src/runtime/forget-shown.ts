import type { Redis } from 'ioredis';
import type { Keys } from './keys.ts';
import type { ShownSlot } from './reading.ts';
import { release, timeAt } from './redis.ts';

/** On these people can still do something; what only tells is not forced on whoever deleted it. */
const NEEDED = /^(plan|card:|question:|attention:|limit:|offer|kept:)/;

/**
 * Somebody deleted a message that shows part of an open session: it is shown again. Knows nothing of sessions that have ended, and nothing of a message that was
 * replaced by us.
 */
export function makeForget(redis: Redis, keys: Keys): (team: string, session: string, ts: string) => Promise<void> {
  return async (team, session, ts) => {
    const slots = Object.entries(await redis.hgetall(keys.slots(session)));
    const [name, text = ''] = slots.find(([, shown]) => (JSON.parse(shown) as ShownSlot).ts === ts) ?? [];
    if (name === undefined || !NEEDED.test(name) || (await redis.hget(keys.st(session), 'status')) !== 'open') return;
    await leaveThread(redis, keys, { team, session, slot: name, ts, channel: (JSON.parse(text) as ShownSlot).channel });
    // Between two milliseconds, where nothing else is: whoever draws the thread now sees in the list that somebody has it looked at anew.
    const now = (await timeAt(redis, keys.stale)) - 0.5;
    // Both or none: forgotten without a look, it would stay away.
    await redis.multi().hdel(keys.slots(session), name).zadd(keys.stale, now, session).exec();
  };
}

/** A card outside its session's thread was a thread of its own; what is said where it stood is said to nobody from now on, unless to a younger session. */
export async function leaveThread(
  redis: Redis,
  keys: Keys,
  { team, session, slot, channel, ts }: { team: string; session: string; slot: string; channel: string; ts: string | null },
): Promise<void> {
  if (ts !== null && slot.startsWith('card:')) await release(redis, keys.thread(team, channel, ts), session);
}
