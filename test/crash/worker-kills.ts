import { setTimeout as sleep } from 'node:timers/promises';
import { COMMIT, type Kill, PATIENCE_MS } from './kill.ts';
import type { Caught, Word } from './link.ts';
import type { Service, Worker } from './stage.ts';
import type { Kind } from './workload.ts';

/** Longer than a lease, so that somebody else has taken over when a stopped worker wakes. */
export const PAST_LEASE_MS = 7_000;

/** A request of a worker, by the words on its link that it is recognised by; the kinds of experiments that make it, where not all do. */
export type Request = { name: string; service: Service; words: readonly Word[]; kinds?: readonly Kind[]; weight?: number };
const needsOf = ({ kinds }: Request) => (kinds ? { kinds } : undefined);

/** A worker dies with one of its requests on the way: not yet sent, or done and its answer lost. */
const workerAt = (request: Request): Kill[] =>
  (['before', 'after'] as const).map((when) => ({
    name: `worker, ${when} ${request.name}`,
    weight: request.weight ?? 2,
    breaks: 'worker',
    needs: needsOf(request),
    async strike({ workers }, _, struck) {
      const { who, caught, how } = await firstOf(workers, request, when);
      await struck();
      await who.process.signal('SIGKILL');
      caught.drop();
      await who.process.ready();
      return how;
    },
  }));

/** A worker stands still with a request or its answer in its hands, wakes after others have gone on, and gets what it waited for. */
const frozenAt = (request: Request, when: 'before' | 'after'): Kill => ({
  name: `zombie, ${when} ${request.name}`,
  weight: 1,
  breaks: 'zombie',
  needs: needsOf(request),
  async strike({ workers }, _, struck) {
    const { who, caught, how } = await firstOf(workers, request, when);
    await struck();
    await who.process.signal('SIGSTOP');
    caught.release();
    await sleep(PAST_LEASE_MS);
    await who.process.signal('SIGCONT');
    await who.process.ready();
    return how;
  },
});

/** Nobody dies: the service has done it, its answer is lost on the way, and whoever waits for it has to find out what became of it. */
const answerLost = (request: Request): Kill => ({
  name: `lost answer, ${request.name}`,
  weight: 1,
  breaks: 'other',
  needs: needsOf(request),
  async strike({ workers }) {
    const { caught, how } = await firstOf(workers, request, 'after');
    caught.drop();
    return how;
  },
});

const RUN: Request = { name: 'the run is started', service: 'databricks', words: ['jobs/run-now'], kinds: ['train', 'cancel', 'whole'], weight: 4 };
const PULLS: readonly Kind[] = ['pull', 'note'];

/** Every effect, by the request that makes it. */
export const EFFECTS: readonly Request[] = [
  RUN,
  { name: 'the run is canceled', service: 'databricks', words: ['runs/cancel'], kinds: ['cancel'] },
  { name: 'the branch is made', service: 'github', words: ['POST /repos/acme/ads/git/refs'], kinds: PULLS },
  { name: 'the pull request is opened', service: 'github', words: ['POST /repos/acme/ads/pulls'], kinds: PULLS, weight: 4 },
  { name: 'the row is written', service: 'github', words: ['PUT /repos/acme/ads/contents'], kinds: ['note'] },
  { name: 'the tag is set', service: 'mlflow', words: ['runs/set-tag'], kinds: ['tag'] },
  { name: 'its post', service: 'slack', words: ['chat.postMessage'], kinds: ['post'], weight: 3 },
];
const CLAIM: Request = { name: 'the claim of an effect', service: 'redis', words: [COMMIT, '"type":"call_started"'], weight: 3 };

/** Around the model, around every effect on its way out and back, and around what is written before and after it. */
export const WORKER_KILLS: readonly Kill[] = [
  ...workerAt({ name: 'the model is asked', service: 'claude', words: ['POST /v1/messages'] }),
  ...EFFECTS.flatMap(workerAt),
  ...EFFECTS.map(answerLost),
  ...workerAt({ name: 'a commit', service: 'redis', words: [COMMIT] }),
  ...workerAt(CLAIM),
  ...workerAt({ name: 'the outcome of an effect is written', service: 'redis', words: [COMMIT, '"type":"call_finished"'], weight: 3 }),
  ...workerAt({ name: 'a question is parked', service: 'redis', words: [COMMIT, '"type":"call_parked"'] }),
  frozenAt(CLAIM, 'after'),
  frozenAt(RUN, 'after'),
];

type Trap = { who: Worker; caught: Caught };
type Came = Trap & { how: undefined | 'anywhere' };

/** Lies in wait at every worker; the first that comes by is the one. */
export const firstOf = (workers: readonly Worker[], request: Request, when: 'before' | 'after'): Promise<Came> =>
  comesBy(lieInWait(workers, request, when), PATIENCE_MS);

export const lieInWait = (workers: readonly Worker[], { service, words }: Request, when: 'before' | 'after'): Trap[] =>
  workers.map((who) => ({ who, caught: who.links[service].hold(words, when) }));

export async function comesBy(traps: readonly Trap[], patienceMs: number): Promise<Came> {
  const first = await Promise.race([...traps.map((t) => t.caught.reached.then(() => t)), sleep(patienceMs).then(() => null)]);
  const one = first ?? (traps[0] as Trap);
  for (const trap of traps) if (trap !== one) trap.caught.release();
  return { ...one, how: first ? undefined : 'anywhere' };
}
