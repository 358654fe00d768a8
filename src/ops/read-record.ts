import { openLog } from '../runtime/event-log.ts';
import { makeKeys } from '../runtime/keys.ts';
import { openBlobs } from '../runtime/payloads.ts';
import { makeReading } from '../runtime/read-sessions.ts';
import type { Reading } from '../runtime/reading.ts';
import { matching } from '../runtime/redis.ts';
import { placeOf, reachRedis } from './reach-redis.ts';

type Session = NonNullable<Awaited<ReturnType<Reading['session']>>>;

/** A session's record by its short id (e-7k2f) or full id: the exact lines and the session they fold to. Throws a sentence where there is none. */
export async function readRecord(redis: { url: string; prefix: string }, id: string): Promise<{ lines: string[]; session: Session }> {
  const connection = await reachRedis(redis.url);
  try {
    const keys = makeKeys(redis.prefix);
    const reading = makeReading(connection, keys, openLog(connection, keys, openBlobs(connection, keys)));
    const sid = (await ofAlias(connection, keys.alias(''), id.toLowerCase())) ?? id;
    const record = await reading.lines(sid);
    const session = record && (await reading.session(sid));
    if (!record || !session)
      throw new Error(
        `There is no session ${id} in the Redis at ${placeOf(redis.url)} (REDIS_URL) under the prefix "${redis.prefix}" (REDIS_PREFIX). ` +
          'If it belongs to another installation, such as one for trying things out, set both to what that one printed when it started.',
      );
    return { lines: record.lines, session };
  } finally {
    connection.disconnect();
  }
}

/** A short id is unique in its team only; an operator may serve several. */
async function ofAlias(redis: Awaited<ReturnType<typeof reachRedis>>, start: string, alias: string): Promise<string | null> {
  const found = new Set<string>();
  for await (const key of matching(redis, `${start}*`)) {
    const sid = await redis.hget(key, alias);
    if (sid) found.add(sid);
  }
  if (found.size > 1) throw new Error(`${alias} names sessions in several teams: use the full id, one of ${[...found].join(', ')}.`);
  return [...found][0] ?? null;
}
