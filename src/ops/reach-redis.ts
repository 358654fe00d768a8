import { BRISK, connect, examineRedis } from '../runtime/redis.ts';
import { within } from '../within.ts';

type Connection = ReturnType<typeof connect>;

const PATIENCE_MS = 4_000;

/** A connection to a Redis that answers and will do; an Error with one sentence where it does not within 4 s. `warn` gets what is merely unwise. */
export async function reachRedis(url: string, warn: (sentence: string) => void = () => {}): Promise<Connection> {
  const redis = connect(url, BRISK);
  let last = 'no answer';
  redis.on('error', (error: Error) => {
    last = reasonOf(error);
  });
  const ready = new Promise<boolean>((resolve) => redis.once('ready', () => resolve(true)));
  if (!(await within(PATIENCE_MS, ready, () => false))) {
    redis.disconnect();
    throw new Error(`REDIS_URL: no usable Redis at ${placeOf(url)} (${last}). Start it, or correct the address or the password.`);
  }
  const { faults, warnings } = await examineRedis(redis);
  for (const warning of warnings) warn(warning);
  if (faults.length === 0) return redis;
  redis.disconnect();
  throw new Error(`REDIS_URL: ${faults.join(' ')}`);
}

function reasonOf(error: Error): string {
  const inner = error instanceof AggregateError ? error.errors[0] : error;
  const code = (inner as NodeJS.ErrnoException).code;
  return code ?? (error.message.split('\n')[0] || 'no answer');
}

/** The address without its login and its options: a password may stand in both, and hold an @; in a login, a # as well. */
export function placeOf(url: string): string {
  return url
    .replace(/\?.*$/s, '')
    .replace(/\/\/.*@/s, '//')
    .replace(/#.*$/s, '');
}
