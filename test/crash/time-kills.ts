import { setTimeout as sleep } from 'node:timers/promises';
import type { Kill } from './kill.ts';
import { KILLS } from './kills.ts';
import type { Random } from './random.ts';
import type { CrashStage } from './stage.ts';
import { firstOf } from './worker-kills.ts';

const HOUR_MS = 3_600_000;
/** Longer than any question stays open. */
export const DAY_MS = 25 * HOUR_MS;
const hours = (random: Random) => Math.ceil(random.next() * 8) * HOUR_MS;

function timeOf({ time }: CrashStage) {
  if (!time) throw new Error('this stage has no clock of its own');
  return time;
}

/** Time passes while a worker's request is done and its answer is on its way: its lease is over, and somebody else takes the call up. */
const whileOnTheWay = (name: string, service: 'databricks' | 'github', words: string[]): Kill => ({
  name: `hours pass while ${name}`,
  weight: 1,
  async strike(stage, random) {
    const { caught, how } = await firstOf(stage.workers, (w) => w.links[service].hold(words, 'after'));
    timeOf(stage).jump(hours(random));
    await sleep(3_000);
    caught.release();
    await stage.ready();
    return how;
  },
});

/** Hours and days: trainings end in the night, questions are reminded of and expire, and all the while somebody dies. */
export const TIME_KILLS: readonly Kill[] = [
  {
    name: 'hours pass',
    weight: 3,
    async strike(stage, random) {
      await sleep(random.next() * 2_000);
      timeOf(stage).jump(hours(random));
      await stage.ready();
    },
  },
  {
    name: 'a day passes',
    weight: 2,
    async strike(stage, random) {
      await sleep(random.next() * 2_000);
      timeOf(stage).jump(DAY_MS);
      await stage.ready();
    },
  },
  {
    name: 'a worker dies, and is back after hours',
    weight: 2,
    async strike(stage, random) {
      const { process } = random.pick(stage.workers);
      await sleep(random.next() * 1_000);
      await process.signal('SIGKILL');
      timeOf(stage).jump(hours(random));
      await process.ready();
    },
  },
  {
    name: 'all processes die, and are back after a day',
    weight: 1,
    async strike(stage) {
      await Promise.all(stage.processes.map((p) => p.signal('SIGKILL')));
      timeOf(stage).jump(DAY_MS);
      await stage.ready();
    },
  },
  {
    name: 'Redis dies, and is back after hours',
    weight: 2,
    async strike(stage, random) {
      await sleep(random.next() * 1_000);
      const back = stage.killRedis(500);
      timeOf(stage).jump(hours(random));
      await back;
      await stage.ready();
    },
  },
  {
    name: 'a worker stands still for a day',
    weight: 1,
    async strike(stage, random) {
      const { process } = random.pick(stage.workers);
      await process.signal('SIGSTOP');
      timeOf(stage).jump(DAY_MS);
      await sleep(4_000);
      await process.signal('SIGCONT');
      await process.ready();
    },
  },
  {
    name: 'the clock is put back by seconds',
    weight: 1,
    async strike(stage) {
      timeOf(stage).jump(-3_000);
      await sleep(4_000);
      await stage.ready();
    },
  },
  whileOnTheWay('the run is started', 'databricks', ['jobs/run-now']),
  whileOnTheWay('the pull request is opened', 'github', ['POST /repos/acme/ads/pulls']),
  ...KILLS.filter((k) => ['any process, anywhere', 'gateway, after a click is stored', 'worker, after the run is started'].includes(k.name)).map((k) => ({
    ...k,
    weight: 1,
  })),
];
