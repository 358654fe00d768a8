import { setTimeout as sleep } from 'node:timers/promises';
import type { Kill } from './kill.ts';
import { KILLS } from './kills.ts';
import type { Random } from './random.ts';
import type { CrashStage } from './stage.ts';
import { EFFECTS, firstOf, type Request } from './worker-kills.ts';

const HOUR_MS = 3_600_000;
/** Longer than any question stays open. */
export const DAY_MS = 25 * HOUR_MS;
const hours = (random: Random) => Math.ceil(random.next() * 8) * HOUR_MS;

function timeOf({ time }: CrashStage) {
  if (!time) throw new Error('this stage has no clock of its own');
  return time;
}

/**
 * Time passes while a request of a worker is on its way there, or its answer on its way back: its lease is over at once, and somebody else takes the call up, with
 * the first one still to arrive.
 */
const whileOnTheWay = (request: Request, when: 'before' | 'after'): Kill => ({
  name: `hours pass ${when === 'before' ? 'before' : 'while'} ${request.name}`,
  weight: 1,
  breaks: 'other',
  needs: request.kinds ? { kinds: request.kinds } : undefined,
  async strike(stage, random) {
    const { caught, how } = await firstOf(stage.workers, request, when);
    timeOf(stage).jump(hours(random));
    await sleep(3_000);
    caught.release();
    await stage.ready();
    return how;
  },
});
const effects = (...names: string[]) => EFFECTS.filter(({ name }) => names.includes(name));

/** Hours and days: trainings end in the night, questions are reminded of and expire, and all the while somebody dies. */
export const TIME_KILLS: readonly Kill[] = [
  {
    name: 'hours pass',
    weight: 3,
    breaks: 'other',
    async strike(stage, random) {
      await sleep(random.next() * 2_000);
      timeOf(stage).jump(hours(random));
      await stage.ready();
    },
  },
  {
    name: 'a day passes',
    weight: 2,
    breaks: 'other',
    async strike(stage, random) {
      await sleep(random.next() * 2_000);
      timeOf(stage).jump(DAY_MS);
      await stage.ready();
    },
  },
  {
    name: 'a worker dies, and is back after hours',
    weight: 2,
    breaks: 'other',
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
    breaks: 'other',
    async strike(stage) {
      await Promise.all(stage.processes.map((p) => p.signal('SIGKILL')));
      timeOf(stage).jump(DAY_MS);
      await stage.ready();
    },
  },
  {
    name: 'Redis dies, and is back after hours',
    weight: 2,
    breaks: 'other',
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
    breaks: 'other',
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
    breaks: 'other',
    async strike(stage) {
      timeOf(stage).jump(-3_000);
      await sleep(4_000);
      await stage.ready();
    },
  },
  ...effects('the run is started', 'the pull request is opened').map((request) => whileOnTheWay(request, 'after')),
  // What is looked up before it is sent again: whoever looks now finds nothing yet.
  ...effects('the branch is made', 'the pull request is opened', 'the row is written', 'its post').map((request) => whileOnTheWay(request, 'before')),
  ...KILLS.filter((k) => ['any process, anywhere', 'gateway, after a click is stored', 'worker, after the run is started'].includes(k.name)).map((k) => ({
    ...k,
    weight: 1,
  })),
];
