import type { Redis } from 'ioredis';
import type { Keys } from './keys.ts';
import type { ShownSlot } from './reading.ts';
import { timeAt } from './redis.ts';

/** On these people can still do something; what only tells is not forced on whoever deleted it. */
const NEEDED = /^(plan|card:|question:|attention:|limit:|offer|kept:)/;

/**
 * Somebody deleted a message that shows part of an open session: it is shown again. Knows nothing of sessions that have ended, and nothing of a message that was
 * replaced by us.
 */
export function makeForget(redis: Redis, keys: Keys): (session: string, ts: string) => Promise<void> {
  return async (session, ts) => {
    const slots = Object.entries(await redis.hgetall(keys.slots(session)));
    const [name] = slots.find(([, text]) => (JSON.parse(text) as ShownSlot).ts === ts) ?? [];
    if (name === undefined || !NEEDED.test(name) || (await redis.hget(keys.st(session), 'status')) !== 'open') return;
    const now = await timeAt(redis, keys.stale);
    // Both or none: forgotten without a look, it would stay away.
    await redis.multi().hdel(keys.slots(session), name).zadd(keys.stale, now, session).exec();
  };
}
