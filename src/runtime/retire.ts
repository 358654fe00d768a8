import type { Redis } from 'ioredis';
import type { EventLog } from './event-log.ts';
import type { Keys } from './keys.ts';
import type { ShownSlot } from './reading.ts';
import { matching } from './redis.ts';

/** A session that has ended, when (ISO time), and the payloads that its lines name. */
export type Ended = { session: string; endedAt: string; payloads: string[] };

/** So long a payload that no kept record names any more stays: whoever is about to name it again takes it back. */
const ORPHAN_S = 30 * 86_400;

/** Every session that has ended, one at a time; the payloads of all others are put into `kept`. */
export async function* endedSessions({ redis, keys, log }: Store, kept: Set<string>): AsyncGenerator<Ended & { lines: string[] }> {
  const place = keys.st('');
  for await (const key of matching(redis, keys.st('*'))) {
    const session = key.slice(place.length);
    const lines = await log.lines(session);
    const payloads = [...new Set(lines.flatMap((line) => [...line.matchAll(/"sha256":"([0-9a-f]{64})"/g)].map((found) => found[1] ?? '')))];
    const last = endOf(lines.at(-1));
    if (last === null || (await redis.hget(key, 'status')) !== 'closed') for (const sha256 of payloads) kept.add(sha256);
    else yield { session, endedAt: last, payloads, lines };
  }
}

type Store = { redis: Redis; keys: Keys; log: EventLog };

function endOf(line: string | undefined): string | null {
  const last = JSON.parse(line ?? '{}') as { type?: unknown; at?: unknown };
  return last.type === 'ended' && typeof last.at === 'string' ? last.at : null;
}

/** Takes ended sessions out of Redis, and lets go of payloads that nothing kept names. The caller has seen to it that their records stand elsewhere. */
export async function retire({ redis, keys }: Store, sessions: readonly Ended[], kept: ReadonlySet<string>): Promise<void> {
  for (const { session } of sessions) {
    const { team, channel, thread, alias } = await openerOf(redis, keys, session);
    const root = await redis.hget(keys.slots(session), 'root');
    const ts = thread ?? (root ? (JSON.parse(root) as ShownSlot).ts : null);
    // The thread may have a younger session, whose key this is now.
    if (ts && (await redis.get(keys.thread(team, channel, ts))) === session) await redis.del(keys.thread(team, channel, ts));
    if ((await redis.hget(keys.alias(team), alias)) === session) await redis.hdel(keys.alias(team), alias);
    await redis.hdel(keys.about(team), session);
    await redis.zrem(keys.stale, session);
    // The scripts note a thread for a session that has none, too.
    await redis.del(
      keys.thread(team, 'none', session),
      keys.log(session),
      keys.st(session),
      keys.idem(session),
      keys.slots(session),
      keys.show(session),
      keys.progress(session),
    );
  }
  for (const sha256 of kept) await redis.persist(keys.blob(sha256));
  for (const sha256 of new Set(sessions.flatMap((s) => s.payloads))) if (!kept.has(sha256)) await redis.expire(keys.blob(sha256), ORPHAN_S);
}

async function openerOf(redis: Redis, keys: Keys, session: string): Promise<{ team: string; channel: string; thread: string | null; alias: string }> {
  const [first] = await redis.xrange(keys.log(session), '-', '+', 'COUNT', 1);
  const line = first?.[1][first[1].indexOf('l') + 1] ?? '{}';
  return JSON.parse(line) as { team: string; channel: string; thread: string | null; alias: string };
}
