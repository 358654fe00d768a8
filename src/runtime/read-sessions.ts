import type { Redis } from 'ioredis';
import { fold } from '../session/fold.ts';
import type { EventLog } from './event-log.ts';
import { isOver } from './keep-about.ts';
import { shownAt } from './kept.ts';
import type { Keys } from './keys.ts';
import type { About, Reading } from './reading.ts';

/** Reading sessions from the log and the small indexes beside it. */
export function makeReading(redis: Redis, keys: Keys, log: EventLog, { retentionMs = Number.POSITIVE_INFINITY } = {}): Reading {
  async function where(id: string, slot: string): Promise<{ channel: string; ts: string } | null> {
    const shown = await shownAt(redis, keys, id, slot);
    return shown?.ts ? { channel: shown.channel, ts: shown.ts } : null;
  }

  return {
    async session(id) {
      // Whoever reads a session is about to write to it, as like as not, and has to say until when: the clock comes along.
      void log.time(1_000).catch(() => {});
      return fold(id, await log.read(id));
    },
    async lines(id) {
      const lines = await log.lines(id);
      if (lines.length === 0) return null;
      const { head } = await log.tip(id);
      return { lines, head, ended: (await redis.hget(keys.st(id), 'status')) === 'closed' };
    },
    ofAlias: (team, alias) => redis.hget(keys.alias(team), alias.toLowerCase()),
    ofThread: (team, channel, thread) => redis.get(keys.thread(team, channel, thread)),
    async list(team) {
      const all = await redis.hvals(keys.about(team));
      const oldest = log.now() - retentionMs;
      return all
        .map((text) => JSON.parse(text) as About)
        .filter((about) => !about.talk && !isOver(about, oldest))
        .sort((a, b) => (a.openedAt < b.openedAt ? 1 : -1));
    },
    root: (id) => where(id, 'root'),
    shown: where,
  };
}
