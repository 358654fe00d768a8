import { setTimeout as sleep } from 'node:timers/promises';
import { GATEWAY_KILLS } from './gateway-kills.ts';
import type { Kill } from './kill.ts';
import type { Random } from './random.ts';
import type { CrashStage } from './stage.ts';
import { PAST_LEASE_MS, WORKER_KILLS } from './worker-kills.ts';

/** Redis takes no writes for a while: out of memory, or a replica after a failover. */
const redisRefuses = (
  name: string,
  refuse: (redis: CrashStage['redis']) => Promise<unknown>,
  allow: (redis: CrashStage['redis']) => Promise<unknown>,
): Kill => ({
  name: `Redis ${name}`,
  weight: 1,
  breaks: 'other',
  async strike({ redis, ready }, random, struck) {
    await sleep(random.next() * 1_000);
    await struck();
    await refuse(redis);
    await sleep(4_000);
    await allow(redis);
    await ready();
  },
});

/** A deploy of a later version, or the way back where that one runs already. */
export const DEPLOY: Kill = {
  name: 'deploy, forward or back',
  weight: 1,
  breaks: 'other',
  strike: (stage, _, struck) => stage.deploy(!stage.isLater(), struck),
};

export const KILLS: readonly Kill[] = [
  ...WORKER_KILLS,
  ...GATEWAY_KILLS,
  {
    name: 'zombie, anywhere',
    weight: 1,
    breaks: 'zombie',
    async strike({ workers }, random, struck) {
      const who = random.pick(workers);
      await sleep(random.next() * 1_500);
      await struck();
      await who.process.signal('SIGSTOP');
      await sleep(PAST_LEASE_MS);
      await who.process.signal('SIGCONT');
      await who.process.ready();
    },
  },
  {
    name: 'any process, anywhere',
    weight: 8,
    breaks: 'other',
    async strike({ processes }, random, struck) {
      const who = random.pick(processes);
      await sleep(random.next() * 2_000);
      await struck();
      await who.signal('SIGKILL');
      await who.ready();
    },
  },
  {
    name: 'all processes at once',
    weight: 2,
    breaks: 'other',
    async strike({ processes }, random, struck) {
      await sleep(random.next() * 2_000);
      await struck();
      await Promise.all(processes.map((p) => p.signal('SIGKILL')));
      await Promise.all(processes.map((p) => p.ready()));
    },
  },
  {
    name: 'the same worker as soon as it is back, three times',
    weight: 1,
    breaks: 'worker',
    async strike({ workers }, random, struck) {
      const who = random.pick(workers);
      await struck();
      for (let i = 0; i < 3; i++) {
        await who.process.signal('SIGKILL');
        await sleep(200);
        await who.process.ready();
        await sleep(random.next() * 500);
      }
    },
  },
  {
    name: 'a process is told to end',
    weight: 2,
    breaks: 'other',
    async strike({ processes }, random, struck) {
      const who = random.pick(processes);
      await sleep(random.next() * 1_000);
      await struck();
      await who.signal('SIGTERM');
      await sleep(500);
      await who.ready();
    },
  },
  DEPLOY,
  {
    name: 'Redis',
    weight: 3,
    breaks: 'redis',
    async strike(stage, random, struck) {
      await sleep(random.next() * 1_000);
      await struck();
      await stage.killRedis(random.next() * 2_000);
      await stage.ready();
    },
  },
  redisRefuses(
    'is full',
    (redis) => redis.config('SET', 'maxmemory', '1'),
    (redis) => redis.config('SET', 'maxmemory', '0'),
  ),
  redisRefuses(
    'is read-only',
    (redis) => redis.call('REPLICAOF', '127.0.0.1', '1'),
    (redis) => redis.call('REPLICAOF', 'NO', 'ONE'),
  ),
  {
    name: 'half-open link to Redis',
    weight: 1,
    breaks: 'half-open',
    async strike({ workers, gatewayLink, ready }, random, struck) {
      const link = random.pick([...workers.map((w) => w.links.redis), gatewayLink]);
      await sleep(random.next() * 1_000);
      await struck();
      link.stall();
      // Whoever hangs on it notices by its socket's own time limit, and is ready again after that.
      await sleep(1_000);
      await ready();
    },
  },
  {
    name: 'slow link to Redis',
    weight: 1,
    breaks: 'other',
    async strike({ workers, gatewayLink, ready }, random, struck) {
      const link = random.pick([...workers.map((w) => w.links.redis), gatewayLink]);
      await struck();
      link.slow(200);
      await sleep(4_000);
      link.slow(0);
      await ready();
    },
  },
];

/** Each kind of kill as often as its weight says, in an order that the seed decides. */
export function schedule(count: number, random: Random, kills: readonly Kill[] = KILLS): Kill[] {
  const order: Kill[] = [];
  while (order.length < count) {
    const bag = kills.flatMap((k) => Array.from({ length: k.weight }, () => k));
    for (let i = bag.length - 1; i > 0; i--) {
      const j = Math.floor(random.next() * (i + 1));
      [bag[i], bag[j]] = [bag[j] as Kill, bag[i] as Kill];
    }
    order.push(...bag);
  }
  return order.slice(0, count);
}
