import type { SandboxClock } from './clock.ts';
import { type Product, type Role, startProduct } from './product.ts';
import type { RunningRedis } from './redis.ts';

/** The real Redis, gateway and worker of a sandbox, and what may befall them while it runs. */
export type Machine = {
  /** As `kill -9` would; it is started again by itself. */
  kill(role: Role): Promise<void>;
  /** Moves the time of all of them forward: they are stopped and started again with their clocks ahead, as after a machine that slept. */
  skip(ms: number): Promise<void>;
  /** Why time cannot be skipped; null where it can. */
  cannotSkip: string | null;
  /** Stops the product, lets `between` work, and starts it again. */
  anew(between: () => Promise<void>): Promise<void>;
  stop(): Promise<void>;
};

export async function startMachine(options: {
  redis: RunningRedis;
  clock: SandboxClock;
  variables: Record<string, string>;
  dir: string;
  say: (line: string) => void;
}): Promise<Machine> {
  const { redis, clock, variables, dir, say } = options;
  const begin = (): Promise<Product> => startProduct({ variables: { ...variables, ...clock.environment() }, dir, say });
  let product = await begin();
  /** One thing at a time: a skip during a reset would start two products. */
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const done = last.then(work, work);
    last = done.catch(() => {});
    return done;
  };
  const anew = (between: () => Promise<void>) =>
    inTurn(async () => {
      await product.stop();
      try {
        await between();
      } finally {
        product = await begin();
      }
    });
  const cannotSkip = redis.restart
    ? clock.cannot
    : 'The Redis of REDIS_URL is yours, so its clock is left alone. Without REDIS_URL the sandbox starts its own.';

  return {
    kill: (role) => inTurn(() => product.kill(role)),
    async skip(ms) {
      if (cannotSkip !== null || !redis.restart) throw new Error(cannotSkip ?? '');
      const { restart } = redis;
      await anew(async () => {
        clock.skip(ms);
        await restart(clock.environment()).catch(async (cause: unknown) => {
          clock.skip(-ms);
          await restart(clock.environment());
          throw new Error('Redis does not run under libfaketime on this machine, so no time was skipped.', { cause });
        });
      });
    },
    cannotSkip,
    anew,
    stop: () => product.stop(),
  };
}
