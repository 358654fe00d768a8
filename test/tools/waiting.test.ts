import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type DatabricksStandIn, startDatabricks } from '../../src/sandbox/databricks.ts';
import { openTraining } from '../../src/sandbox/launches.ts';
import { type MlflowStandIn, startMlflow } from '../../src/sandbox/mlflow.ts';
import { databricks } from '../../src/services/databricks.ts';
import { mlflow } from '../../src/services/mlflow.ts';
import type { SessionFacts, ToolContext } from '../../src/tools/define-tool.ts';
import { progressReader } from '../../src/tools/run-progress.ts';
import { waitForJob } from '../../src/tools/wait-for-job.ts';
import { recordOf } from '../session/logs.ts';

let clock = Date.parse('2026-11-20T09:00:00Z');
const training = openTraining({ clock: () => clock, durationMs: 6_000 });
let workspace: DatabricksStandIn;
let tracking: MlflowStandIn;
let asked: string[] = [];
beforeAll(async () => {
  const onTraffic = (seen: { what?: string; path?: string }) => void asked.push(JSON.stringify(seen));
  workspace = await startDatabricks({ training, onTraffic: onTraffic as never });
  tracking = await startMlflow({ training, onTraffic: onTraffic as never });
});
afterAll(() => Promise.all([workspace.close(), tracking.close()]));
beforeEach(() => {
  clock += 3_600_000;
  asked = [];
});

const facts: SessionFacts = {
  ...{ id: 's1', alias: 'e-7k2f', team: 'T1', channel: 'C1', thread: '1.1', requester: 'U1', prompt: '', call: 'c1' },
  ...{ runs: [], woken: [], approvedBy: [], postsOutside: 0, links: () => new Map() },
  record: recordOf(),
};
const context = (): ToolContext => ({
  services: { databricks: databricks({ host: workspace.url, token: 't' }), mlflow: mlflow({ uri: tracking.url }) },
  settings: {
    ...{ defaults: { job: '101', experiment: 'ads-rank-v3' }, metrics: { val_f1: 'max' }, thresholdReading: 'relative', recordsPath: 'experiments' },
    environments: {},
  },
  session: facts,
  signal: new AbortController().signal,
  now: () => clock,
});
const start = (parameters: Record<string, string> = {}) =>
  training.launch({ jobId: '101', parameters: { config: 'base_config.json', ...parameters }, token: null }).launch.runId;
const wait = (input: object, session: Partial<SessionFacts> = {}) =>
  waitForJob.run(waitForJob.input.parse(input) as never, { ...context(), session: { ...facts, ...session } });

describe('conditions', () => {
  test('are parked with the direction they need, and a deadline keeps the time of the first wait', async () => {
    const runId = start();
    const first = await wait({ run_ids: [runId], deadline: '4h', metric: 'val_f1', conditions: [{ metric: 'val_f1', kind: 'stalled', steps: 3 }] });
    const until = new Date(clock + 4 * 3_600_000).toISOString();
    expect(first).toMatchObject({
      waiting: { deadline: until, metric: 'val_f1', conditions: [{ metric: 'val_f1', kind: 'stalled', steps: 3, direction: 'max' }] },
    });
    clock += 1_000;
    expect(await wait({ run_ids: [runId], deadline: '4h' }, { deadline: until })).toMatchObject({ waiting: { deadline: until } });
  });

  test.each([
    [{ metric: 'val_f1', kind: 'below' }, 'does not say below what'],
    [{ metric: 'val_f1', kind: 'stalled' }, 'does not say for how many steps'],
    [{ metric: 'quux', kind: 'stalled', steps: 3 }, 'whether higher or lower is better'],
  ])('%j is refused with what is missing', async (condition, why) => {
    await expect(wait({ run_ids: [start()], conditions: [condition] })).rejects.toThrow(why);
  });

  test('that came true before the end are told at the end', async () => {
    const runId = start({ feature_set: 'tiny' });
    clock += 10_000;
    const answer = await wait({ run_ids: [runId], conditions: [{ metric: 'val_f1', kind: 'below', value: 0.6, after_step: 5 }] });
    expect(answer.data).toMatchObject({ woken_by: 'job', still_running: false, tripped: [{ run_id: runId, metric: 'val_f1', step: 6 }] });
    expect(answer.text).toMatch(/^val_f1 below 0\.6 after step 5 came true on run \d+: 0\.\d+ at step 6\./);
    expect(waitForJob.output.safeParse(answer.data).success).toBe(true);
  });

  test('that held all along are told as that, at the end: nothing dropped', async () => {
    const runId = start({ feature_set: 'tiny' });
    clock += 10_000;
    const answer = await wait({ run_ids: [runId], conditions: [{ metric: 'val_f1', kind: 'below', value: 0.6 }] });
    expect(answer.data).toMatchObject({ tripped: [{ run_id: runId, metric: 'val_f1', step: 19, all_along: true }] });
    expect(answer.text).toMatch(/^val_f1 below 0\.6 came true on run \d+: 0\.\d+ at step 19, its last: it was never otherwise\./);
    expect(waitForJob.output.safeParse(answer.data).success).toBe(true);
  });
});

describe('several runs', () => {
  test('the best is named with the gap to the next; what failed or diverged does not compete', async () => {
    const ids = [start(), start({ feature_set: 'v2' }), start({ fail: 'oom' }), start({ fail: 'nan' })];
    clock += 10_000;
    const { data, text } = await wait({ run_ids: ids, metric: 'val_f1' });
    const ranking = data['ranking'] as { best: unknown; curves: { points: unknown[] }[] };
    expect(ranking).toMatchObject({
      ...{ metric: 'val_f1', direction: 'max', considered: 2, of: 4 },
      best: { run_id: ids[1], value: 0.734192 },
      runner_up: { run_id: ids[0], value: 0.7126 },
    });
    expect(ranking.curves.map((c) => c.points.length)).toEqual([20, 20, 8, 20]);
    expect(text).toContain('Best of 4, of which 2 finished with a finite value');
    expect(text).toContain('+0.02159 from the next');
  });

  test('a direction that stands nowhere is guessed from the name, and said to be a guess', async () => {
    const ids = [start(), start({ feature_set: 'v2' })];
    clock += 10_000;
    const input = waitForJob.input.parse({ run_ids: ids, metric: 'train_loss' }) as never;
    const odd = context();
    const plain = await waitForJob.run(input, { ...odd, settings: { ...odd.settings, metrics: {} } });
    expect(plain.data['ranking']).toMatchObject({ metric: 'train_loss', direction: 'min', direction_source: 'name-guess' });
    expect(plain.text).toContain('Lower is better: a guess from its name.');
  });
});

describe('looking at runs for all who wait', () => {
  const reader = () => {
    const { services, settings } = context();
    return progressReader({ databricks: services.databricks!, mlflow: services.mlflow, settings, now: () => clock });
  };

  test('state, past durations, curve and epochs; what did not grow is not read again', async () => {
    const runId = start({ epochs: '20' });
    clock += 3_000;
    const look = reader();
    const one = (await look([{ runId, metrics: [] }])).get(runId);
    expect(one).toMatchObject({ status: 'RUNNING', terminal: false, usual: { of: expect.any(Number) }, metric: 'val_f1', epochs: 20 });
    const logged = one?.histories['val_f1']?.length ?? 0;
    expect(logged).toBeGreaterThan(5);
    const histories = () => asked.filter((a) => a.includes('get-history')).length;
    expect(histories()).toBe(1);
    await look([{ runId, metrics: [] }]);
    expect(histories()).toBe(1);
    clock += 1_000;
    expect((await look([{ runId, metrics: [] }])).get(runId)?.histories['val_f1']?.length).toBeGreaterThan(logged);
    expect(histories()).toBe(2);
  });

  test('many runs of a job cost one search and a page, not one request each', async () => {
    const ids = [start(), start({ seed: '1' }), start({ seed: '2' })];
    clock += 3_000;
    const look = reader();
    const runs = ids.map((runId) => ({ runId, metrics: ['val_f1'] }));
    await look(runs);
    asked = [];
    clock += 10;
    expect((await look(runs)).size).toBe(3);
    expect(asked).toHaveLength(2);
  });

  test('without MLflow the states are told all the same, and it is left alone for a while', async () => {
    const runId = start();
    clock += 3_000;
    const look = reader();
    tracking.fault({ target: 'mlflow', kind: 'error-500' } as never);
    try {
      expect((await look([{ runId, metrics: [] }])).get(runId)).toMatchObject({ status: 'RUNNING', metric: null, histories: {} });
      asked = [];
      await look([{ runId, metrics: [] }]);
      expect(asked.filter((a) => a.includes('mlflow'))).toEqual([]);
    } finally {
      tracking.fault(null as never);
    }
    clock += 60_000;
    expect((await look([{ runId, metrics: [] }])).get(runId)?.metric).toBe('val_f1');
  });
});
