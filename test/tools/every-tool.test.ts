import { afterAll, beforeAll, expect, test } from 'vitest';
import { catalog } from '../../src/tools/catalog.ts';
import { allBackends } from './all-backends.ts';

// Each tool once, by a real MCP client that holds the answer against the schema it was shown, and by our own server against the whole one.

let world: Awaited<ReturnType<typeof allBackends>>;
let free: Awaited<ReturnType<typeof world.connect>>;
let careful: Awaited<ReturnType<typeof world.connect>>;
let ended: string;
let going: string;
beforeAll(async () => {
  world = await allBackends();
  free = await world.connect({ auto: true });
  careful = await world.connect();
  ended = world.trained({ feature_set: 'v2' });
  going = world.training.launch({ jobId: '101', parameters: {}, token: null }).launch.runId;
});
afterAll(() => world.close());

const some = () => world.seeded('sweep-03');
const calls: Record<string, () => Record<string, unknown>> = {
  run_databricks_job: () => ({ job_id: '101', config: 'configs/large.json', parameters: { feature_set: 'v2' }, note: 'The team asked for it' }),
  wait_for_job: () => ({ run_ids: [ended] }),
  get_job_status: () => ({ run_id: ended }),
  cancel_job_run: () => ({ run_id: going }),
  list_databricks_jobs: () => ({}),
  fetch_mlflow_run: () => ({ run_id: some() }),
  find_best_run: () => ({ experiment: 'ads-rank-v3', metric: 'val_f1' }),
  compare_runs: () => ({ baseline_run_id: some(), candidate_run_id: ended, primary_metric: 'val_f1', threshold: { value: 1 } }),
  create_github_pr: () => ({ title: 'feat: v2', body: 'val_f1 0.73' }),
  get_github_file: () => ({ path: 'base_config.json' }),
  get_grafana_panel: () => ({ dashboard_uid: 'ads-features', panel_id: '1' }),
  post_to_slack: () => ({ channel: '#ml-experiments', text: 'val_f1 0.73' }),
  ask_person: () => ({ question: 'Which one?', options: ['a', 'b'] }),
  get_job_output: () => ({ run_id: ended }),
  list_experiments: () => ({}),
  search_runs: () => ({ experiment: 'ads-rank-v3' }),
  get_metric_history: () => ({ run_id: some(), metric: 'val_f1' }),
  diagnose_run: () => ({ run_id: some() }),
  get_run_artifact: () => ({ run_id: some() }),
  tag_run: () => ({ run_id: some(), key: 'team.note', value: 'tried again' }),
  update_tracking_doc: () => ({ path: 'docs/experiments.md', row_key: 'v2', columns: { val_f1: '0.7342' } }),
  search_dashboards: () => ({ query: 'ads' }),
  get_experiment_record: () => ({ session_id: 'e-test' }),
  get_approval: () => ({ confirmation_id: 's1/1' }),
};

test('no tool is left out here', () => {
  expect(Object.keys(calls)).toEqual(catalog.map((tool) => tool.name));
});

test.each(Object.keys(calls))('%s answers as its schema says, in text that a model can hold', async (name) => {
  const { data, text, failed } = await free.call(name, calls[name]!());
  expect(failed, text).toBe(false);
  expect(Object.keys(data).length).toBeGreaterThan(0);
  expect(text.length).toBeGreaterThan(10);
  expect(text.length).toBeLessThanOrEqual(8_500);
  // NaN and infinities would be null in JSON; here they are words.
  expect(numbersIn(data).filter((n) => !Number.isFinite(n))).toEqual([]);
});

test('a metric that is not a number is a word in every answer', async () => {
  const run_id = world.seeded('sweep-44');
  expect((await free.call('fetch_mlflow_run', { run_id })).data).toMatchObject({ metrics: { val_f1: 'NaN' }, non_finite: expect.arrayContaining(['val_f1']) });
  expect((await free.call('get_metric_history', { run_id, metric: 'val_f1' })).data['points'].at(-1)).toMatchObject({ step: 19, value: 'NaN' });
  expect((await free.call('search_runs', { experiment: 'ads-rank-v3', filter: "params.learning_rate = '5'" })).data['runs'][0].metrics.val_f1).toBe('NaN');
  expect((await free.call('diagnose_run', { run_id })).data).toMatchObject({
    trend: 'diverging',
    non_finite: [
      { metric: 'train_loss', first_step: 3, count: 17 },
      { metric: 'val_loss', first_step: 3, count: 17 },
    ],
  });
});

test.each(['run_databricks_job', 'cancel_job_run', 'create_github_pr', 'tag_run', 'update_tracking_doc'])(
  '%s waits for a yes where no rule lets it run',
  async (name) => {
    const others: Record<string, Record<string, unknown>> = {
      tag_run: { run_id: some(), key: 'team.other', value: 'x' },
      update_tracking_doc: { path: 'docs/experiments.md', row_key: 'v3', columns: { val_f1: '0.7' } },
      cancel_job_run: { run_id: world.training.launch({ jobId: '101', parameters: {}, token: null }).launch.runId },
    };
    const { data, failed } = await careful.call(name, others[name] ?? calls[name]!());
    expect(failed).toBe(false);
    expect(data).toMatchObject({ status: 'requires_confirmation', requires_confirmation: true, confirmation: { summary: expect.any(String) } });
  },
);

test.each([
  ['get_job_output', { run_id: '1' }, 'RUN_NOT_FOUND'],
  ['search_runs', { experiment: 'ads-rank-v33' }, 'EXPERIMENT_NOT_FOUND'],
  ['search_runs', { experiment: 'ads-rank-v3', filter: "params.a = 'x' or params.b = 'y'" }, 'BAD_FILTER'],
  ['get_metric_history', { run_id: '0'.repeat(32), metric: 'val_f1' }, 'RUN_NOT_FOUND'],
  ['get_metric_history', { run_id: 'best', metric: 'val_f1' }, 'NOT_A_RUN_ID'],
  ['tag_run', { run_id: '0'.repeat(32), key: 'a', value: 'b' }, 'RUN_NOT_FOUND'],
  ['update_tracking_doc', { path: 'docs/none.md', row_key: 'a', columns: {} }, 'NOT_FOUND'],
  ['get_experiment_record', { session_id: 'e-none' }, 'SESSION_NOT_FOUND'],
  ['get_approval', { confirmation_id: 's1/9' }, 'APPROVAL_NOT_FOUND'],
] as const)('%s says what is wrong and what to do next', async (name, input, code) => {
  const { text, failed } = await free.call(name, input);
  expect(failed).toBe(true);
  expect(text).toMatch(new RegExp(`^${code}: .+ Next: .+ \\((not )?retryable\\)$`, 's'));
});

function numbersIn(value: unknown): number[] {
  if (typeof value === 'number') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(numbersIn) : [];
}
