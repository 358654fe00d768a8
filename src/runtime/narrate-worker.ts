import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import { fold } from '../session/fold.ts';
import type { Session } from '../session/state.ts';
import { aboutOf } from './about.ts';
import type { EventLog } from './event-log.ts';
import type { Keys } from './keys.ts';
import type { Show, ShownSlot, Slots } from './reading.ts';

/** How long one process may take over one thread before another may help out. */
const TURN_MS = 30_000;
const AFTER_FAILURE_MS = 2_000;

/**
 * Keeps every thread at what its log says. A session stays in `stale` until exactly its last line is shown, so a crash after the last event still
 * ends in a final message.
 */
export function startNarrator(deps: {
  redis: Redis;
  keys: Keys;
  log: EventLog;
  show: Show;
  failed: (session: string, error: unknown) => void;
  everyMs?: number;
}): { stop(): Promise<void> } {
  const { redis, keys, log } = deps;
  let stopped = false;
  const busy = new Map<string, Promise<void>>();

  const round = async () => {
    while (!stopped) {
      try {
        const stale = await redis.zrangebyscore(keys.stale, '-inf', await log.time(), 'LIMIT', 0, 50);
        for (const sid of stale) {
          if (busy.has(sid)) continue;
          busy.set(
            sid,
            one(sid).finally(() => busy.delete(sid)),
          );
        }
      } catch (error) {
        deps.failed('all', error);
        await new Promise((r) => setTimeout(r, 1_000));
      }
      await new Promise((r) => setTimeout(r, deps.everyMs ?? 100));
    }
  };

  const one = async (sid: string) => {
    const me = randomUUID();
    try {
      if ((await redis.set(keys.show(sid), me, 'PX', TURN_MS, 'NX')) !== 'OK') return;
      try {
        const session = fold(sid, await log.read(sid));
        if (!session) return;
        const again = await deps.show(session, slotsOf(redis, keys, session), log.take, log.now());
        await log.shown(sid, session.seq, again ? log.now() + Math.max(50, again.againInMs) : null);
      } finally {
        if ((await redis.get(keys.show(sid))) === me) await redis.del(keys.show(sid));
      }
    } catch (error) {
      deps.failed(sid, error);
      await redis.zadd(keys.stale, log.now() + AFTER_FAILURE_MS, sid).catch(() => {});
    }
  };

  const running = round();
  return {
    async stop() {
      stopped = true;
      await running;
      await Promise.allSettled(busy.values());
    },
  };
}

function slotsOf(redis: Redis, keys: Keys, session: Session): Slots {
  const key = keys.slots(session.id);
  const { team, channel, thread } = session.opened;
  return {
    async all() {
      const all = await redis.hgetall(key);
      return Object.fromEntries(Object.entries(all).map(([slot, text]) => [slot, JSON.parse(text) as ShownSlot]));
    },
    async set(slot, shown) {
      await redis.hset(key, slot, JSON.stringify(shown));
      if (slot !== 'root' || shown.ts === null || thread !== null) return;
      // A slash command has no thread of its own: from now on replies to our root message find the session.
      await redis.set(keys.thread(team, channel, shown.ts), session.id);
      await redis.hset(keys.about(team), session.id, JSON.stringify(aboutOf(session, shown.ts)));
    },
    async drop(slot) {
      await redis.hdel(key, slot);
    },
  };
}
