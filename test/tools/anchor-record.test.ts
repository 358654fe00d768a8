import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { startNarrator } from '../../src/runtime/narrate-worker.ts';
import { makePeople } from '../../src/runtime/people.ts';
import { mlflowRunIdOf } from '../../src/sandbox/seed-jobs.ts';
import type { SessionEvent } from '../../src/session/events.ts';
import { anchorRecord } from '../../src/tools/anchor-record.ts';
import { aLog } from '../runtime/a-log.ts';
import { finished, replied, started } from '../session/logs.ts';
import { allBackends, settings } from './all-backends.ts';

let all: Awaited<ReturnType<typeof allBackends>>;
const store = aLog();
const { log, redis, keys } = store;
let narrator: ReturnType<typeof startNarrator> | undefined;
beforeAll(async () => {
  all = await allBackends();
});
afterEach(async () => {
  await narrator?.stop();
  for (const part of [all.tracking, all.hub]) part.fault(null);
});
afterAll(async () => {
  await all.close();
  await store.close();
});

/** A session that started a run, which logged to these MLflow runs, and opened a pull request; it has just ended. */
async function endedWith(...mlflowRuns: string[]): Promise<string> {
  const id = `s-${randomUUID().slice(0, 8)}`;
  await store.open(id);
  const { approval: _, ...run } = started('c1');
  const { approval: __, ...pull } = started('c3', 'create_github_pr');
  const events: SessionEvent[] = [
    replied(1, [
      { id: 'c1', tool: 'run_databricks_job' },
      { id: 'c2', tool: 'wait_for_job' },
      { id: 'c3', tool: 'create_github_pr' },
    ]),
    { ...run, rule: 'a rule' },
    finished('c1', { run_id: '77' }),
    finished('c2', { runs: [{ run_id: '77', mlflow_run_ids: mlflowRuns }] }),
    { ...pull, rule: 'a rule', arguments: { repo: 'acme/ads', branch: 'labmate/x' } },
    finished('c3', { number: 7 }),
    { type: 'ended', outcome: 'done', text: '' },
  ];
  const lease = await log.claim(store.owner(id), 5_000);
  await log.commit(store.owner(id), lease!.fence, await log.tip(id), events, { is: '' });
  return id;
}

/** Keeps threads as the gateway does; answers what was said, and how many rounds there were. */
function keeping(first: (round: number) => Promise<unknown> = async () => {}) {
  const said: { slot: string }[] = [];
  const rounds = { count: 0, failed: [] as unknown[] };
  narrator = startNarrator({
    ...store,
    people: makePeople(),
    everyMs: 10,
    failed: (_, error) => void rounds.failed.push(error),
    show: async (session, slots, _, now) => {
      await first(++rounds.count);
      const again = await anchorRecord(session, { services: all.services, settings }, slots, now, (facts) => void said.push(facts as { slot: string }));
      return again === null ? null : { againInMs: again };
    },
  });
  return { said, rounds };
}
const tagOf = (run: string) => all.services.mlflow!.getRun(run).then((r) => r.tags['labmate.record.sha256']);

test('an anchor that is refused for good is said once and not tried again, and keeps no other from being set', async () => {
  const whole = all.tracking.runs().find((run) => !run.deleted)!;
  const gone = all.tracking.runs().find((run) => run.deleted)!;
  // An archived repository takes no change.
  all.hub.fault({ target: 'github', kind: 'status', status: 403, path: '/pulls' });
  const id = await endedWith(gone.runId, whole.runId);
  const { said, rounds } = keeping();
  await expect.poll(() => redis.zscore(keys.stale, id)).toBeNull();
  expect(await tagOf(whole.runId)).toBe((await log.tip(id)).head);
  expect(said.map((s) => s.slot)).toEqual(['anchor:acme/ads#7', `anchor:${gone.runId}`]);
  expect(rounds).toEqual({ count: 1, failed: [] });
});

test('while a backend is away its thread counts as shown, and it is tried ever more rarely until it answers', async () => {
  const run = all.tracking.runs().find((r) => !r.deleted)!;
  all.tracking.fault({ target: 'mlflow', kind: 'status', status: 500 });
  const id = await endedWith(run.runId);
  const { said, rounds } = keeping();
  await expect.poll(() => rounds.count).toBe(1);
  await expect.poll(async () => Number(await redis.zscore(keys.stale, id)) - (await log.time())).toBeGreaterThan(1_000);
  await expect.poll(() => rounds.count, { timeout: 10_000 }).toBe(2);
  // Twice as long as it has been tried for.
  await expect.poll(async () => Number(await redis.zscore(keys.stale, id)) - (await log.time())).toBeGreaterThan(1_900);
  expect(said).toHaveLength(2);
  all.tracking.fault(null);
  await expect.poll(() => redis.zscore(keys.stale, id), { timeout: 10_000 }).toBeNull();
  expect(await tagOf(run.runId)).toBe((await log.tip(id)).head);
});

test('whoever has lost the thread to another puts nothing more', async () => {
  const run = all.tracking.runs().find((r) => !r.deleted)!;
  const id = await endedWith(run.runId);
  const before = await tagOf(run.runId);
  const tags: unknown[] = [];
  // As when what comes first gets no answer for longer than a turn lasts.
  all.hub.fault({ target: 'github', kind: 'status', status: 500, path: '/pulls' });
  const { said, rounds } = keeping(async (round) => {
    if (round === 1) return void (await redis.del(keys.show(id)));
    tags.push(await tagOf(run.runId));
    all.hub.fault(null);
  });
  await expect.poll(() => redis.zscore(keys.stale, id)).toBeNull();
  expect([said, rounds, tags]).toEqual([[], { count: 2, failed: [] }, [before]]);
  expect(await tagOf(run.runId)).toBe((await log.tip(id)).head);
});

/** A session that was stopped while the run it had started went on. */
async function leftRunning() {
  const { launch } = all.training.launch({ jobId: '101', parameters: {}, token: null });
  const id = `s-${randomUUID().slice(0, 8)}`;
  await store.open(id);
  const { approval: _, ...run } = started('c1');
  const events: SessionEvent[] = [
    replied(1, [{ id: 'c1', tool: 'run_databricks_job' }]),
    { ...run, rule: 'a rule' },
    finished('c1', { run_id: launch.runId, status: 'RUNNING' }),
    { type: 'ended', outcome: 'stopped', text: 'Stopped.' },
  ];
  const lease = await log.claim(store.owner(id), 5_000);
  await log.commit(store.owner(id), lease!.fence, await log.tip(id), events, { is: '' });
  return { launch, id };
}

test('a run that was left running gets it, too, once it is known where it logs', async () => {
  const { launch, id } = await leftRunning();
  // Databricks can't say at first.
  all.jobs.fault({ target: 'databricks', kind: 'status', status: 500 });
  const { said } = keeping();
  await expect.poll(() => said.map((s) => s.slot)).toContain(`anchor:run ${launch.runId}`);
  all.jobs.fault(null);
  all.training.skip(3_000);
  await expect.poll(() => tagOf(mlflowRunIdOf(launch)), { timeout: 10_000 }).toBe((await log.tip(id)).head);
  await expect.poll(() => redis.zscore(keys.stale, id), { timeout: 10_000 }).toBeNull();
});

test('a login that is not accepted writes nothing off: an operator mends it, and then it is set', async () => {
  all.tracking.fault({ target: 'mlflow', kind: 'status', status: 401 });
  const { launch, id } = await leftRunning();
  all.training.skip(60_000);
  const { said } = keeping();
  await expect.poll(() => said.map((s) => s.slot)).toContain(`anchor:run ${launch.runId}`);
  all.tracking.fault(null);
  await expect.poll(() => tagOf(mlflowRunIdOf(launch)), { timeout: 10_000 }).toBe((await log.tip(id)).head);
});
