import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openTraining } from '../../src/sandbox/launches.ts';
import { type MlflowStandIn, startMlflow } from '../../src/sandbox/mlflow.ts';
import { mlflowRunIdOf } from '../../src/sandbox/seed-jobs.ts';

let clock = 1_790_000_000_000;
const training = openTraining({ clock: () => clock });
let server: MlflowStandIn;
beforeAll(async () => {
  server = await startMlflow({ training });
});
afterAll(() => server.close());

async function call(path: string, body?: unknown) {
  const answer = await fetch(`${server.url}/api/2.0/mlflow/${path}`, {
    ...(body ? { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } } : {}),
  });
  const text = await answer.text();
  return { status: answer.status, text, json: text.startsWith('{') ? JSON.parse(text) : null };
}
type Run = { info: { run_id: string; run_name: string; status: string }; data: { metrics?: { key: string; value: unknown }[] } };
const search = async (more: object) => ((await call('runs/search', { experiment_ids: ['1'], ...more })).json.runs ?? []) as Run[];
const f1 = (run: Run | undefined) => run?.data.metrics?.find((m) => m.key === 'val_f1')?.value;

describe('runs/search', () => {
  test('a careful reader finds the defaults as the best of 41', async () => {
    const runs = await search({ filter: "attributes.status = 'FINISHED' and metrics.`val_f1` > -1e308", order_by: ['metrics.`val_f1` DESC'] });
    const honest = runs.filter((run) => typeof f1(run) === 'number' && !JSON.stringify(run).includes('parentRunId'));
    expect(honest).toHaveLength(41);
    expect(f1(honest[0])).toBe(0.7126);
  });

  test('a careless one is fooled by a nested, a failed and a running run', async () => {
    const runs = await search({ order_by: ['metrics.val_f1 DESC'] });
    expect(runs.slice(0, 3).map((run) => [f1(run), run.info.status])).toEqual([
      [0.811, 'FAILED'],
      [0.802, 'RUNNING'],
      [0.791, 'FINISHED'],
    ]);
    expect(f1(runs.at(-1))).toBe('NaN');
  });

  test('an unknown metric orders by start time, without a word', async () => {
    const [first] = await search({ order_by: ['metrics.val_f11 DESC'], max_results: 1 });
    const all = await search({});
    expect(first?.info.run_id).toBe(all[0]?.info.run_id);
  });

  test('a full last page still has a token, max_results over 50,000 is refused', async () => {
    const { json } = await call('runs/search', { experiment_ids: ['2'], max_results: 3 });
    expect(json.runs).toHaveLength(3);
    expect((await call('runs/search', { experiment_ids: ['2'], max_results: 3, page_token: json.next_page_token })).json).toEqual({});
    expect((await call('runs/search', { experiment_ids: ['2'], max_results: 50_001 })).status).toBe(400);
  });

  test.each([
    ["metrics.val_f1 > 0.5 or params.seed = '1'", 'or'],
    ['tags.x IS NULL', 'IS'],
    ['params.seed = 42', 'quoted string'],
    ["status IN ('FINISHED')", 'run_id'],
    ['nonsense.x = 1', 'Invalid entity type'],
  ])('refuses the filter %s', async (filter, words) => {
    const { status, json } = await call('runs/search', { experiment_ids: ['1'], filter });
    expect([status, json.error_code]).toEqual([400, 'INVALID_PARAMETER_VALUE']);
    expect(json.message).toContain(words);
  });

  test('refuses an order by a bare metric', async () => {
    expect((await call('runs/search', { experiment_ids: ['1'], order_by: ['val_f1 DESC'] })).status).toBe(400);
  });

  test('finds by run ids, quoted names and patterns', async () => {
    const [a, b] = await search({ max_results: 2 });
    expect(await search({ filter: `attributes.run_id IN ('${a?.info.run_id}', '${b?.info.run_id}')` })).toHaveLength(2);
    expect(await search({ filter: "attributes.run_name LIKE 'sweep-0%' AND params.learning_rate != '0.01'" })).toHaveLength(9);
    expect(await search({ filter: "tags.`mlflow.source.git.branch` ILIKE 'MAIN' and params.feature_set = 'tiny'" })).toHaveLength(2);
  });
});

describe('a launched job', () => {
  test('logs to a run of its own while it trains, linked by its run id', async () => {
    const { launch } = training.launch({ jobId: '101', parameters: { feature_set: 'v2', learning_rate: '0.01' }, token: null });
    const filter = `tags.\`mlflow.databricks.jobRunID\` = '${launch.runId}'`;
    expect(await search({ filter })).toEqual([]);
    clock += 3300;
    expect((await search({ filter }))[0]?.info).toMatchObject({ run_id: mlflowRunIdOf(launch), status: 'RUNNING' });
    const history = `metrics/get-history?run_id=${mlflowRunIdOf(launch)}&metric_key=val_f1`;
    expect((await call(history)).json.metrics).toHaveLength(10);
    clock += 2700;
    const [run] = await search({ filter });
    expect(run?.info.status).toBe('FINISHED');
    expect(f1(run)).toBeCloseTo(0.7126 * 1.0303, 5);
    expect((await call(history)).json.metrics).toHaveLength(20);
  });
});

test('empty arrays are left out', async () => {
  clock += 10_000;
  const { launch } = training.launch({ jobId: '101', parameters: {}, token: null });
  clock += 350;
  const { json } = await call(`runs/get?run_id=${mlflowRunIdOf(launch)}`);
  expect(Object.keys(json.run.data)).toEqual(['tags']);
  expect((await call(`metrics/get-history?run_id=${mlflowRunIdOf(launch)}&metric_key=val_f1`)).json).toEqual({});
});

test('a tag is kept and shown, a bad one refused', async () => {
  const [run] = await search({ max_results: 1 });
  const run_id = run?.info.run_id;
  expect((await call('runs/set-tag', { run_id, key: 'labmate.record.sha256', value: 'abc' })).json).toEqual({});
  expect((await call(`runs/get?run_id=${run_id}`)).json.run.data.tags).toContainEqual({ key: 'labmate.record.sha256', value: 'abc' });
  expect((await call('runs/set-tag', { run_id, key: 'a$b', value: '' })).status).toBe(400);
});

test('errors are JSON for its own, HTML for unknown routes and plain text for strangers', async () => {
  expect((await call('experiments/get-by-name?experiment_name=nope')).json).toEqual({
    error_code: 'RESOURCE_DOES_NOT_EXIST',
    message: "Could not find experiment with name 'nope'",
    sqlstate: 'KAM00',
    error_class: 'RESOURCE_NOT_FOUND',
  });
  expect((await call('experiments/search', {})).status).toBe(400);
  expect(await call('nothing')).toMatchObject({ status: 404, json: null });
  const locked = await startMlflow({ training, login: { username: 'u', password: 'p' } });
  const answer = await fetch(`${locked.url}/api/2.0/mlflow/experiments/get?experiment_id=1`);
  expect([answer.status, answer.headers.get('www-authenticate'), (await answer.text()).slice(0, 25)]).toEqual([
    401,
    'Basic realm="mlflow"',
    'You are not authenticated',
  ]);
  await locked.close();
});
