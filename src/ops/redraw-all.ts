import { openLog } from '../runtime/event-log.ts';
import { makeKeys } from '../runtime/keys.ts';
import { openBlobs } from '../runtime/payloads.ts';
import { redrawThreads } from '../runtime/redraw.ts';
import { reachRedis } from './reach-redis.ts';

/** `labmate redraw`: how many threads a running gateway will draw anew. */
export async function redrawAll(redis: { url: string; prefix: string }): Promise<number> {
  const connection = await reachRedis(redis.url);
  try {
    const keys = makeKeys(redis.prefix);
    return await redrawThreads({ redis: connection, keys, log: openLog(connection, keys, openBlobs(connection, keys)) });
  } finally {
    connection.disconnect();
  }
}
