import type { Redis } from 'ioredis';
import type { EventLog } from './event-log.ts';
import { endOf, openerOf, sessionsIn } from './kept.ts';
import type { Keys } from './keys.ts';
import type { ShownSlot } from './reading.ts';
import { release } from './redis.ts';

/** A session that has ended, when (ISO time), and the payloads that its lines name. */
export type Ended = { session: string; endedAt: string; payloads: string[] };

/** So long a payload that no kept record names any more stays: whoever is about to name it again takes it back. */
const ORPHAN_S = 30 * 86_400;

/** Every session that has ended, one at a time. */
export async function* endedSessions({ redis, keys, log }: Store): AsyncGenerator<Ended & { lines: string[] }> {
  for await (const session of sessionsIn(redis, keys)) {
    if ((await redis.hget(keys.st(session), 'status')) !== 'closed') continue;
    const lines = await log.lines(session);
    const endedAt = endOf(lines.at(-1));
    if (endedAt !== null) yield { session, endedAt, payloads: payloadsIn(lines), lines };
  }
}

type Store = { redis: Redis; keys: Keys; log: EventLog };

/** Takes ended sessions out of Redis, and lets go of payloads that nothing names any more. The caller has seen to it that their records stand elsewhere. */
export async function retire({ redis, keys, log }: Store, sessions: readonly Ended[]): Promise<void> {
  for (const { session } of sessions) {
    const opener = openerOf((await log.lines(session, 1))[0]);
    if (!opener) continue;
    const { team, channel, thread, alias } = opener;
    const shown = Object.values(await redis.hgetall(keys.slots(session))).map((text) => JSON.parse(text) as ShownSlot);
    // A thread may have a younger session by now. The place of an MCP client's principal stays: it says which session comes next, so that no id is given twice.
    for (const at of [{ channel, ts: thread }, ...shown]) if (at.ts) await release(redis, keys.thread(team, at.channel, at.ts), session);
    if ((await redis.hget(keys.alias(team), alias)) === session) await redis.hdel(keys.alias(team), alias);
    await redis.hdel(keys.about(team), session);
    await redis.zrem(keys.stale, session);
    await redis.del(keys.log(session), keys.st(session), keys.idem(session), keys.slots(session), keys.show(session), keys.progress(session));
  }
  const orphans = new Set(sessions.flatMap((s) => s.payloads));
  for (const sha256 of orphans) await redis.expire(keys.blob(sha256), ORPHAN_S);
  // Looked at afterwards: who names one from now on takes it back, and who has named it before is found here.
  for await (const session of sessionsIn(redis, keys)) for (const sha256 of payloadsIn(await log.lines(session))) await redis.persist(keys.blob(sha256));
}

function payloadsIn(lines: readonly string[]): string[] {
  return [...new Set(lines.flatMap((line) => [...line.matchAll(/"sha256":"([0-9a-f]{64})"/g)].map((found) => found[1] ?? '')))];
}
