import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startDatabricks } from '../../src/sandbox/databricks.ts';
import { openTraining } from '../../src/sandbox/launches.ts';
import { type MlflowStandIn, startMlflow } from '../../src/sandbox/mlflow.ts';
import { startStandIn } from '../../src/sandbox/stand-in.ts';
import { databricks } from '../../src/services/databricks.ts';
import { mlflow } from '../../src/services/mlflow.ts';
import { bestMessage } from '../../src/slack/views/best.ts';
import { compareRuns } from '../../src/tools/compare-runs.ts';
import type { Services, ToolSettings } from '../../src/tools/define-tool.ts';
import { fetchMlflowRun } from '../../src/tools/fetch-mlflow-run.ts';
import { findBestRun } from '../../src/tools/find-best-run.ts';
import { getMetricHistory } from '../../src/tools/get-metric-history.ts';
import { toolServer } from '../../src/tools/server.ts';

// The tools as the model meets them: a real MCP client and server, a real client of MLflow's API, and a stand-in that answers as MLflow 2.x does.

const settings: ToolSettings = {
  defaults: { experiment: 'ads-rank-v3' },
  metrics: { val_f1: 'max', val_loss: 'min' },
  thresholdReading: 'relative',
  recordsPath: 'experiments',
  environments: {},
};
const permissions = {
  approvers: {},
  executionExpiresAfterMs: 900_000,
  environments: {},
  actIn: [],
  allow: { experiments: ['*'], dashboards: [], channels: [], branches: ['*'], paths: ['*'] },
  repositories: [],
  policy: { default: 'ask' as const, rules: [] },
};

let clock = Date.UTC(2026, 10, 1);
const training = openTraining({ clock: () => clock, durationMs: 6000 });
let server: MlflowStandIn;
let jobs: Awaited<ReturnType<typeof startDatabricks>>;
const open: (() => Promise<void>)[] = [];
beforeAll(async () => {
  server = await startMlflow({ training });
  jobs = await startDatabricks({ training });
});
afterAll(async () => {
  for (const close of [...open, () => server.close(), () => jobs.close()]) await close();
});
beforeEach(() => server.fault(null));

async function ask(
  tool: string,
  input: Record<string, unknown>,
  services: Services = { mlflow: mlflow({ uri: server.url }) },
  own: Partial<ToolSettings> = {},
) {
  const host = toolServer(
    [fetchMlflowRun, findBestRun, compareRuns, getMetricHistory],
    { services, settings: { ...settings, ...own }, permissions, now: () => clock },
    () => null,
  );
  const client = new Client({ name: 'test', version: '1' });
  const [here, there] = InMemoryTransport.createLinkedPair();
  await host.connect(there);
  await client.connect(here);
  await client.listTools();
  const answer = await client.callTool({ name: tool, arguments: input });
  await client.close();
  const text = (answer.content as { text: string }[])[0]!.text;
  // biome-ignore lint/suspicious/noExplicitAny: answers are read by their paths, and each path is then held to a value.
  return { text, data: (answer.structuredContent ?? {}) as Record<string, any>, failed: answer.isError === true };
}

const seeded = (name: string) => server.runs().find((run) => run.name === name)!.runId;
function trained(parameters: Record<string, string>) {
  const { launch } = training.launch({ jobId: '101', parameters, token: null });
  clock += 10_000;
  return { runId: launch.runId, mlflowRunId: server.runs().find((run) => run.tags['mlflow.databricks.jobRunID'] === launch.runId)!.runId };
}

describe('find_best_run', () => {
  it('finds the defaults of ads-rank-v3, past every run that would win by carelessness', async () => {
    const { data, text } = await ask('find_best_run', { experiment: 'ads-rank-v3', metric: 'val_f1' });
    expect(data).toMatchObject({
      found: true,
      experiment: 'ads-rank-v3',
      value: 0.7126,
      runner_up: { value: expect.any(Number) },
      mode: 'max',
      mode_source: 'config',
      rule: 'highest last finite val_f1 of finished runs that are not nested; among equals the first started',
    });
    expect(data['run_url']).toBe(`${server.url}/#/experiments/1/runs/${data['run_id']}`);
    const fair = server
      .runs()
      .filter(
        (r) =>
          r.experimentId === '1' && r.status === 'FINISHED' && !r.deleted && !r.tags['mlflow.parentRunId'] && !Number.isNaN(r.history['val_f1']!.at(-1)!.value),
      );
    expect(data['considered']).toBe(fair.length);
    expect(text).toContain(`Best val_f1 in ads-rank-v3: 0.7126, run ${data['run_id']}`);
    expect(text).toContain(`best of ${fair.length}`);
  });

  it('leaves out the candidate by its MLflow id or by its Databricks run id', async () => {
    const candidate = trained({ feature_set: 'v2', seed: '42' });
    const best = async (more: Record<string, unknown>) => (await ask('find_best_run', { experiment: 'ads-rank-v3', metric: 'val_f1', ...more })).data['run_id'];
    expect(await best({})).toBe(candidate.mlflowRunId);
    const other = await best({ exclude_run_ids: [candidate.mlflowRunId.toUpperCase()] });
    expect(other).not.toBe(candidate.mlflowRunId);
    expect(await best({ exclude_run_ids: [candidate.runId] })).toBe(other);
    const { data } = await ask('find_best_run', { experiment: 'ads-rank-v3', metric: 'val_f1', exclude_run_ids: [candidate.runId, candidate.mlflowRunId] });
    expect(data['rule']).toContain('without 1 excluded;');
  });

  it.each([
    ['a mistyped metric', { metric: 'val_fl' }, { found: false, considered: 0, near_metrics: ['val_f1'] }, 'The name nearest is val_f1.'],
    [
      'a metric like no other',
      { metric: 'ndcg' },
      { found: false, near_metrics: [], metrics: ['train_loss', 'val_auc', 'val_f1', 'val_loss'] },
      'Its metrics: train_loss, val_auc, val_f1, val_loss.',
    ],
    [
      'a mistyped experiment',
      { experiment: 'ads-rank-v33' },
      { found: false, near_experiments: expect.arrayContaining(['ads-rank-v3']) },
      'MLflow has no experiment called ads-rank-v33. The name',
    ],
    [
      'an experiment like no other',
      { experiment: 'weather' },
      { found: false, near_experiments: [], experiments: expect.arrayContaining(['ads-rank-v3']) },
      'Some that exist: ',
    ],
    [
      'a filter that nothing passes',
      { filter: "params.feature_set = 'v9'" },
      { found: false, considered: 0, outside_filter: expect.any(Number) },
      'that would compete do not pass the filter.',
    ],
    ['a metric with a backtick', { metric: 'val`f1' }, { found: false, near_metrics: ['val_f1'] }, 'Nothing was chosen in its place'],
  ])('answers %s with what may have been meant, not with some run', async (_, input, data, text) => {
    const answer = await ask('find_best_run', { experiment: 'ads-rank-v3', metric: 'val_f1', ...input });
    expect(answer.data).toMatchObject(data);
    expect(answer.data['run_id']).toBeUndefined();
    expect(answer.text).toContain(text);
    expect(answer.failed).toBe(false);
  });

  it('takes the direction from the request, then labmate.json, then the name, and says which', async () => {
    const worst = await ask('find_best_run', { experiment: 'ads-rank-v3', metric: 'val_f1', mode: 'min' });
    expect(worst.data).toMatchObject({ mode: 'min', mode_source: 'prompt' });
    expect(worst.data['value']).toBeLessThan(0.6);
    const guessed = await ask('find_best_run', { experiment: 'ads-rank-v3', metric: 'val_auc' });
    expect(guessed.data).toMatchObject({ mode: 'max', mode_source: 'name-guess' });
    expect(guessed.text).toContain('a guess from its name: say so');
  });

  it('names a runner-up of the same value once, for the model and for people', async () => {
    const run = (id: string, startedAt: number) => ({
      info: { run_id: id.repeat(32), experiment_id: '7', status: 'FINISHED', start_time: startedAt },
      data: { metrics: [{ key: 'val_f1', value: 0.7, step: 0, timestamp: 0 }] },
    });
    let runs = [run('a', 1), run('b', 2)];
    const own = await startStandIn({
      routes: {
        'GET /api/2.0/mlflow/experiments/get-by-name': () => ({ body: { experiment: { experiment_id: '7', name: 'x' } } }),
        'POST /api/2.0/mlflow/runs/search': () => ({ body: { runs } }),
      },
    });
    open.push(() => own.close());
    const best = async () => {
      const { text, data } = await ask('find_best_run', { experiment: 'x', metric: 'val_f1' }, { mlflow: mlflow({ uri: own.url }) });
      return [text, JSON.stringify(bestMessage(data, { experiment: 'x', metric: 'val_f1' })?.blocks)];
    };
    for (const said of await best()) {
      expect(said).toContain(`Runner-up: 0.7, run ${'b'.repeat(32)}.`);
      expect(said).not.toContain('more with the same value');
    }
    runs = [...runs, run('c', 3)];
    for (const said of await best()) expect(said).toContain(`1 more with the same value: ${'c'.repeat(32)}.`);
  });

  it('asks for the direction where nothing tells it', async () => {
    const own = await startStandIn({
      routes: {
        'GET /api/2.0/mlflow/experiments/get-by-name': () => ({ body: { experiment: { experiment_id: '7', name: 'x' } } }),
        'POST /api/2.0/mlflow/runs/search': () => ({
          body: {
            runs: [
              {
                info: { run_id: 'a'.repeat(32), experiment_id: '7', status: 'FINISHED' },
                data: { metrics: [{ key: 'ctr', value: 0.1, step: 0, timestamp: 0 }] },
              },
            ],
          },
        }),
      },
    });
    open.push(() => own.close());
    const answer = await ask('find_best_run', { experiment: 'x', metric: 'ctr' }, { mlflow: mlflow({ uri: own.url }) });
    expect(answer.failed).toBe(true);
    expect(answer.text).toMatch(/^DIRECTION_UNKNOWN: whether higher or lower ctr is better .* Next: ask the person .* \(not retryable\)$/);
  });

  it('lets a filter narrow the field, and explains one that MLflow refuses', async () => {
    const tiny = await ask('find_best_run', { experiment: '1', metric: 'val_f1', filter: "params.feature_set = 'tiny'" });
    expect(tiny.data).toMatchObject({ found: true, considered: 2 });
    const refused = await ask('find_best_run', { experiment: '1', metric: 'val_f1', filter: "params.feature_set = 'tiny' or params.seed = '1'" });
    expect(refused).toMatchObject({ failed: true, text: expect.stringMatching(/^BAD_FILTER: .*Next: correct the filter: AND only/) });
  });

  /** An MLflow with so many runs, the best of them nested. */
  async function manyRuns(all: number, nested: number) {
    const runs = Array.from({ length: all }, (_, i) => ({
      info: { run_id: i.toString(16).padStart(32, '0'), experiment_id: '7', status: 'FINISHED', start_time: i },
      data: { metrics: [{ key: 'val_f1', value: 1 - i / 1e4, step: 0, timestamp: 0 }], tags: i < nested ? [{ key: 'mlflow.parentRunId', value: 'p' }] : [] },
    }));
    const own = await startStandIn({
      routes: {
        'GET /api/2.0/mlflow/experiments/get-by-name': () => ({ body: { experiment: { experiment_id: '7', name: 'x' } } }),
        'POST /api/2.0/mlflow/runs/search': ({ body }) => {
          const from = Number((body as { page_token?: string }).page_token ?? 0);
          const page = runs.slice(from, from + 1000);
          return { body: { ...(page.length ? { runs: page, next_page_token: String(from + 1000) } : {}) } };
        },
      },
    });
    open.push(() => own.close());
    return await ask('find_best_run', { experiment: 'x', metric: 'val_f1' }, { mlflow: mlflow({ uri: own.url }) });
  }

  it('counts over all pages', async () => {
    const { data } = await manyRuns(2300, 1200);
    expect(data).toMatchObject({ value: 0.88, considered: 1100 });
    expect(data['considered_is_at_least']).toBeUndefined();
  });

  it('says that it has not looked at all, where the first runs are all left out', async () => {
    expect((await manyRuns(5100, 5050)).text).toBe(
      'TOO_MANY_RUNS: x has more runs than are looked at, and none of the first 5000 competes for the best val_f1: 5000 nested. ' +
        'Next: narrow the search with filter, or pass include_children where nested runs are meant. (not retryable)',
    );
  });
});

describe('fetch_mlflow_run', () => {
  it('gives last values with their step, parameters, and what was logged beside them', async () => {
    const id = seeded('sweep-46');
    const { data, text } = await ask('fetch_mlflow_run', { run_id: id });
    expect(data).toMatchObject({
      run_id: id,
      run_name: 'sweep-46',
      experiment_id: '1',
      status: 'FINISHED',
      last_step: 19,
      metrics: { val_f1: 0.69, val_loss: expect.any(Number) },
      params: { feature_set: 'v1', dropout: '0.01' },
      tags: { 'mlflow.source.git.branch': 'main' },
      datasets: [{ name: 'ads.clicks', digest: 'a41c9f02', context: 'training' }],
      non_finite: [],
      run_url: `${server.url}/#/experiments/1/runs/${id}`,
    });
    expect(data['tags']['mlflow.user']).toBeUndefined();
    expect(text).toContain('| val_f1 | 0.69 | 19 |');
    expect(text).toContain('dropout=0.01');
  });

  it('has NaN as a word and says so', async () => {
    const { data, text } = await ask('fetch_mlflow_run', { run_id: seeded('sweep-44') });
    expect(data['metrics']['val_f1']).toBe('NaN');
    expect(data['non_finite']).toContain('val_f1');
    expect(text).toContain('Not finite: ');
  });

  it('says which of the metrics asked for the run does not have', async () => {
    const { data, text } = await ask('fetch_mlflow_run', { run_id: seeded('sweep-00'), metrics: ['val_f1', 'val_fl'] });
    expect(Object.keys(data['metrics'])).toEqual(['val_f1']);
    expect(data['missing']).toEqual(['val_fl']);
    expect(text).toContain('It has no metric val_fl');
  });

  it('says of a run that goes on that it does', async () => {
    const { data, text } = await ask('fetch_mlflow_run', { run_id: seeded('sweep-42') });
    expect(data['status']).toBe('RUNNING');
    expect(text).toContain('The run is RUNNING: its figures may still change or be partial.');
  });

  it.each([false, true])('finds the run that a Databricks run logged, by its tag (Databricks reachable: %s)', async (withJobs) => {
    const { runId, mlflowRunId } = trained({ feature_set: 'v2', learning_rate: '0.02' });
    const services = { mlflow: mlflow({ uri: server.url }), ...(withJobs ? { databricks: databricks({ host: jobs.url, token: 't' }) } : {}) };
    const { data, text } = await ask('fetch_mlflow_run', { run_id: runId }, services);
    expect(data['run_id']).toBe(mlflowRunId);
    expect(text).toContain(`${runId} is a Databricks run id; MLflow run ids have 32 hex digits. It logged MLflow run ${mlflowRunId}`);
  });

  it.each([
    [
      'digits that no run is tagged with',
      '9007199254740993123',
      'NOT_AN_MLFLOW_RUN: 9007199254740993123 is a Databricks run id; MLflow run ids have 32 hex digits.',
    ],
    ['an id nobody has', 'f'.repeat(32), `RUN_NOT_FOUND: MLflow has no run ${'f'.repeat(32)}.`],
    ['a name', 'sweep-00', 'NOT_A_RUN_ID: "sweep-00" is not an MLflow run id, which has 32 hex digits.'],
  ])('says of %s which id is wanted', async (_, run_id, text) => {
    const answer = await ask('fetch_mlflow_run', { run_id });
    expect(answer.failed).toBe(true);
    expect(answer.text).toContain(text);
  });

  it('bounds a run with very many and very long entries, and counts what it left out', async () => {
    const metrics = Array.from({ length: 300 }, (_, i) => ({ key: `m${i}`, value: i, step: 1, timestamp: 1 }));
    const params = Array.from({ length: 100 }, (_, i) => ({ key: `p${i}`, value: 'x'.repeat(6000) }));
    const own = await startStandIn({
      routes: {
        'GET /api/2.0/mlflow/runs/get': () => ({
          body: { run: { info: { run_id: 'a'.repeat(32), experiment_id: '7', status: 'FINISHED' }, data: { metrics, params } } },
        }),
      },
    });
    open.push(() => own.close());
    const { data, text } = await ask('fetch_mlflow_run', { run_id: 'a'.repeat(32) }, { mlflow: mlflow({ uri: own.url }) });
    expect(JSON.stringify(data).length).toBeLessThan(8000);
    expect(text.length).toBeLessThan(8000);
    expect(data['truncated']).toBe(true);
    expect(Object.keys(data['metrics']).length + Object.keys(data['params']).length + data['omitted']).toBe(400);
  });

  it('and get_metric_history show times that were logged in nanoseconds as they are', async () => {
    const ns = '1700000000000000000';
    const info = { run_id: 'a'.repeat(32), experiment_id: '7', status: 'FINISHED', start_time: ns };
    const own = await startStandIn({
      routes: {
        'GET /api/2.0/mlflow/runs/get': () => ({ body: { run: { info } } }),
        'GET /api/2.0/mlflow/metrics/get-history': () => ({ body: { metrics: [{ key: 'loss', value: 1, step: 0, timestamp: ns }] } }),
      },
    });
    open.push(() => own.close());
    const services = { mlflow: mlflow({ uri: own.url }) };
    expect((await ask('fetch_mlflow_run', { run_id: info.run_id }, services)).data).toMatchObject({ started_at: ns });
    expect((await ask('get_metric_history', { run_id: info.run_id, metric: 'loss' }, services)).data['points']).toEqual([{ step: 0, value: 1, timestamp: ns }]);
  });

  it('tells an outage apart from a missing run', async () => {
    server.fault({ target: 'mlflow', kind: 'html', status: 502 });
    const answer = await ask('fetch_mlflow_run', { run_id: seeded('sweep-00') });
    expect(answer.failed).toBe(true);
    expect(answer.text).toMatch(/MLflow .*\(retryable\)$/);
  });
});

describe('compare_runs', () => {
  const one = { primary_metric: 'val_f1', threshold: { value: 1 }, expected_changes: ['feature_set'] };
  const best = async () =>
    (await ask('find_best_run', { experiment: 'ads-rank-v3', metric: 'val_f1', filter: "params.feature_set = 'v1'" })).data['run_id'] as string;

  it("rules the seed's ablation an improvement, with both readings and nothing to object", async () => {
    const candidate = trained({ feature_set: 'v2', learning_rate: '0.01', dropout: '0.2', epochs: '20', batch_size: '256', seed: '42' });
    const baseline = await best();
    const { data, text } = await ask('compare_runs', { baseline_run_id: baseline, candidate_run_id: candidate.mlflowRunId, ...one });
    expect(data['primary']).toMatchObject({
      metric: 'val_f1',
      direction: 'max',
      direction_source: 'config',
      baseline: 0.7126,
      candidate: 0.734192,
      delta: 0.021592,
      // (0.734192 - 0.7126) / 0.7126 * 100 by Python's decimal.
      delta_pct: expect.closeTo(3.03003087285995, 12),
      delta_points: expect.closeTo(2.1592, 9),
      threshold: { value: 1, kind: 'relative' },
      threshold_source: 'config',
      readings_disagree: false,
      verdict: 'improved',
    });
    expect(data['metrics'][0]).toMatchObject({ key: 'val_f1', best_candidate: { value: expect.any(Number), step: expect.any(Number) }, flag: 'better' });
    expect(data['params']['changed']).toEqual([{ key: 'feature_set', baseline: 'v1', candidate: 'v2' }]);
    expect(data['warnings']).toEqual([]);
    expect(data['noise']).toMatchObject({ n_candidate: 1 });
    expect(data['curve']['baseline'].length).toBe(20);
    expect(data['curve']['candidate'].at(-1)).toEqual([19, 0.734192]);
    expect(text).toMatch(
      /^\*\*Improved:\*\* val_f1 0\.734192 against 0\.7126 \(\+0\.02159, \+3\.03 % relative, \+2\.159 percentage points\): better by more than 1 % relative/,
    );
    expect(text).toContain('Parameters that differ: feature_set v1 -> v2 (5 alike).');
  });

  it('takes a Databricks run id for either side, and says so', async () => {
    const candidate = trained({ feature_set: 'v2', seed: '42' });
    const { data } = await ask('compare_runs', { baseline_run_id: await best(), candidate_run_id: candidate.runId, ...one });
    expect(data['candidate']['run_id']).toBe(candidate.mlflowRunId);
    expect(data['notes']).toEqual([expect.stringContaining('is a Databricks run id')]);
  });

  it('says that more changed than the ablation meant', async () => {
    const candidate = trained({ feature_set: 'v2', learning_rate: '0.02', dropout: '0.2', epochs: '10', batch_size: '256', seed: '42' });
    const { data } = await ask('compare_runs', { baseline_run_id: await best(), candidate_run_id: candidate.mlflowRunId, ...one });
    expect(data['warnings']).toEqual([
      'More changed than was meant to: epochs (20 -> 10), learning_rate (0.01 -> 0.02) also differ.',
      'The runs trained for a different number of steps: val_f1 was last logged at step 19 in the baseline and 9 in the candidate.',
      expect.stringMatching(/^Only the baseline was repeated\. The single run of the candidate lies 0\.87 standard deviations .* within what its seeds do/),
    ]);
  });

  it('warns of a run that ended worse than its best, and of one in another experiment', async () => {
    const older = server.runs().find((run) => run.experimentId === '2')!.runId;
    const { data } = await ask('compare_runs', { baseline_run_id: older, candidate_run_id: seeded('sweep-46'), ...one });
    expect(data['warnings']).toContain('The candidate ended worse than its best: val_f1 0.69 at the end, 0.744 at step 9, more than 1 % relative apart.');
    expect(data['warnings']).toContain('The runs are of different experiments: 2 and 1.');
  });

  it('is inconclusive where a figure is NaN or the metric does not exist', async () => {
    const nan = await ask('compare_runs', { baseline_run_id: await best(), candidate_run_id: seeded('sweep-44'), ...one });
    expect(nan.data['primary']).toMatchObject({
      candidate: 'NaN',
      verdict: 'inconclusive',
      verdict_reason: 'val_f1 is NaN against 0.7126: only finite numbers can be compared.',
    });
    const typo = await ask('compare_runs', { baseline_run_id: await best(), candidate_run_id: seeded('sweep-00'), ...one, primary_metric: 'val_fl' });
    expect(typo.data['primary']).toMatchObject({
      baseline: null,
      candidate: null,
      verdict: 'inconclusive',
      verdict_reason: 'There is nothing to compare: neither run has val_fl.',
    });
    expect(typo.data['warnings']).toContain('Metrics with a name near val_fl: val_f1.');
  });

  it('reads "1 %" as points where the team does', async () => {
    const candidate = trained({ feature_set: 'v2', seed: '42' });
    const { data } = await ask(
      'compare_runs',
      { baseline_run_id: await best(), candidate_run_id: candidate.mlflowRunId, ...one, threshold: { value: 2.5 } },
      undefined,
      { thresholdReading: 'points' },
    );
    expect(data['primary']).toMatchObject({
      threshold: { value: 2.5, kind: 'points' },
      threshold_source: 'config',
      verdict: 'within_threshold',
      readings_disagree: true,
      readings: { relative: { verdict: 'improved' }, points: { verdict: 'within_threshold' } },
    });
  });

  it('fits its answer whatever the runs hold, and keeps verdict and warnings', async () => {
    const many = (n: number) => ({
      metrics: Array.from({ length: 400 }, (_, i) => ({ key: `metric_with_a_long_name_${i}`, value: i + n, step: 1, timestamp: 1 })),
      params: Array.from({ length: 100 }, (_, i) => ({ key: `param_${i}`, value: `${n}${'\u00fc'.repeat(5990)}` })),
      tags: Array.from({ length: 100 }, (_, i) => ({ key: `tag_${i}`, value: `${n}${'x'.repeat(4000)}` })),
    });
    const own = await startStandIn({
      routes: {
        'GET /api/2.0/mlflow/runs/get': ({ query }) => ({
          body: { run: { info: { run_id: query.get('run_id'), experiment_id: '7', status: 'FINISHED' }, data: many(Number(query.get('run_id')![0])) } },
        }),
        'GET /api/2.0/mlflow/metrics/get-history': () => ({ body: {} }),
        'POST /api/2.0/mlflow/runs/search': () => ({ body: {} }),
      },
    });
    open.push(() => own.close());
    const input = {
      baseline_run_id: '1'.padEnd(32, 'a'),
      candidate_run_id: '2'.padEnd(32, 'a'),
      primary_metric: 'metric_with_a_long_name_7',
      direction: 'max',
      threshold: { value: 1 },
    };
    const { data, text } = await ask('compare_runs', input, { mlflow: mlflow({ uri: own.url }) });
    expect(JSON.stringify(data).length).toBeLessThan(8000);
    expect(text.length).toBeLessThan(8000);
    expect(data['primary']).toMatchObject({ baseline: 8, candidate: 9, verdict: 'improved' });
    expect(data['metrics'][0]['key']).toBe('metric_with_a_long_name_7');
    expect(data['metrics'].length + data['omitted']['metrics']).toBe(400);
    expect(data['warnings'][0]).toMatch(/^100 parameters differ/);
  });

  it('refuses a negative threshold and an unknown argument in words the model can read', async () => {
    const input = { baseline_run_id: 'a'.repeat(32), candidate_run_id: 'b'.repeat(32) };
    expect(await ask('compare_runs', { ...input, threshold: { value: -1 } })).toMatchObject({ failed: true, text: expect.stringContaining('threshold') });
    expect(await ask('compare_runs', { ...input, treshold: 1 })).toMatchObject({ failed: true, text: expect.stringContaining('treshold') });
  });
});
