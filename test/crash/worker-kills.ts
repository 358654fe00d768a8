import { setTimeout as sleep } from 'node:timers/promises';
import { type Kill, PATIENCE_MS, shaOf } from './kill.ts';
import type { Caught } from './link.ts';
import type { Service, Worker } from './stage.ts';

/** Longer than a lease, so that somebody else has taken over when a stopped worker wakes. */
export const PAST_LEASE_MS = 7_000;

const COMMIT = shaOf('commit');

/** A worker dies with one of its requests on the way: not yet sent, or done and its answer lost. */
const workerAt = (name: string, service: Service, words: string[], weight = 2): Kill[] =>
  (['before', 'after'] as const).map((when) => ({
    name: `worker, ${when} ${name}`,
    weight,
    async strike({ workers }, _, struck) {
      const { who, caught, how } = await firstOf(workers, (w) => w.links[service].hold(words, when));
      struck();
      await who.process.signal('SIGKILL');
      caught.drop();
      await who.process.ready();
      return how;
    },
  }));

/** A worker stands still with a request or its answer in its hands, wakes after others have gone on, and gets what it waited for. */
const frozenAt = (name: string, service: Service, words: string[], when: 'before' | 'after'): Kill => ({
  name: `zombie, ${when} ${name}`,
  weight: 1,
  async strike({ workers }, _, struck) {
    const { who, caught, how } = await firstOf(workers, (w) => w.links[service].hold(words, when));
    struck();
    await who.process.signal('SIGSTOP');
    caught.release();
    await sleep(PAST_LEASE_MS);
    await who.process.signal('SIGCONT');
    await who.process.ready();
    return how;
  },
});

/** Nobody dies: the service has done it, its answer is lost on the way, and whoever waits for it has to find out what became of it. */
const answerLost = (name: string, service: Service, words: string[]): Kill => ({
  name: `lost answer, ${name}`,
  weight: 1,
  async strike({ workers }) {
    const { caught, how } = await firstOf(workers, (w) => w.links[service].hold(words, 'after'));
    caught.drop();
    return how;
  },
});

/** Every effect, by the request that makes it. */
const EFFECTS: readonly { name: string; service: Service; words: string[]; weight?: number }[] = [
  { name: 'the run is started', service: 'databricks', words: ['jobs/run-now'], weight: 4 },
  { name: 'the run is cancelled', service: 'databricks', words: ['runs/cancel'] },
  { name: 'the branch is made', service: 'github', words: ['POST /repos/acme/ads/git/refs'] },
  { name: 'the pull request is opened', service: 'github', words: ['POST /repos/acme/ads/pulls'], weight: 4 },
  { name: 'the row is written', service: 'github', words: ['PUT /repos/acme/ads/contents'] },
  { name: 'the tag is set', service: 'mlflow', words: ['runs/set-tag'] },
  { name: 'its post', service: 'slack', words: ['chat.postMessage'], weight: 3 },
];

/** Around the model, around every effect on its way out and back, and around what is written before and after it. */
export const WORKER_KILLS: readonly Kill[] = [
  ...workerAt('the model is asked', 'claude', ['POST /v1/messages']),
  ...EFFECTS.flatMap(({ name, service, words, weight }) => workerAt(name, service, words, weight)),
  ...EFFECTS.map(({ name, service, words }) => answerLost(name, service, words)),
  ...workerAt('a commit', 'redis', [COMMIT]),
  ...workerAt('the claim of an effect', 'redis', [COMMIT, 'call_started'], 3),
  ...workerAt('the outcome of an effect is written', 'redis', [COMMIT, 'call_finished'], 3),
  ...workerAt('a question is parked', 'redis', [COMMIT, 'call_parked']),
  frozenAt('the claim of an effect', 'redis', [COMMIT, 'call_started'], 'after'),
  frozenAt('the run is started', 'databricks', ['jobs/run-now'], 'after'),
];

/** Lies in wait at every worker; the first that comes by is the one. */
export async function firstOf(
  workers: readonly Worker[],
  lie: (worker: Worker) => Caught,
): Promise<{ who: Worker; caught: Caught; how: undefined | 'anywhere' }> {
  const traps = workers.map((who) => ({ who, caught: lie(who) }));
  const first = await Promise.race([...traps.map((t) => t.caught.reached.then(() => t)), sleep(PATIENCE_MS).then(() => null)]);
  const one = first ?? (traps[0] as (typeof traps)[number]);
  for (const trap of traps) if (trap !== one) trap.caught.release();
  return { ...one, how: first ? undefined : 'anywhere' };
}
