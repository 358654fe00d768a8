import type { Redis } from 'ioredis';
import type { Keys } from './keys.ts';

/** Nobody waits longer than this for the watcher to look by itself. */
const KEPT_MS = 30_000;

/** Has whichever process watches the training runs look at all of them now. Many at once are as one. */
export async function nudge(redis: Redis, keys: Keys): Promise<void> {
  await redis.set(keys.nudge, '1', 'PX', KEPT_MS);
}

/** For the process that watches: was it nudged since it asked last? */
export async function nudged(redis: Redis, keys: Keys): Promise<boolean> {
  return (await redis.getdel(keys.nudge)) !== null;
}
