import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { digestOf } from '../../src/policy/digest.ts';
import { placeJob } from '../../src/policy/environments.ts';
import { type DatabricksStandIn, startDatabricks } from '../../src/sandbox/databricks.ts';
import { type GithubStandIn, startGithub } from '../../src/sandbox/github.ts';
import { openTraining } from '../../src/sandbox/launches.ts';
import { type MlflowStandIn, startMlflow } from '../../src/sandbox/mlflow.ts';
import { mlflowRunIdOf } from '../../src/sandbox/seed-jobs.ts';
import { databricks } from '../../src/services/databricks.ts';
import { github } from '../../src/services/github.ts';
import { mlflow } from '../../src/services/mlflow.ts';
import { cancelJobRun } from '../../src/tools/cancel-job-run.ts';
import type { Plan, Question, ReadTool, SessionFacts, ToolAnswer, ToolContext, WriteTool } from '../../src/tools/define-tool.ts';
import { getJobStatus } from '../../src/tools/get-job-status.ts';
import { listDatabricksJobs } from '../../src/tools/list-databricks-jobs.ts';
import { runDatabricksJob } from '../../src/tools/run-databricks-job.ts';
import { waitForJob } from '../../src/tools/wait-for-job.ts';
import { recordOf } from '../session/logs.ts';

let clock = 1_790_000_000_000;
const training = openTraining({ clock: () => clock });
let workspace: DatabricksStandIn;
let tracking: MlflowStandIn;
let repos: GithubStandIn;
let ctx: ToolContext;

const environments = {
  dev: { jobs: ['101', 'ads-*'], tags: { env: 'dev' } },
  prod: { jobs: ['900'], tags: { env: 'prod' }, runAs: ['sp-prod-*'] },
};
const noSession: SessionFacts = {
  id: 's1',
  alias: 'e-7k2f',
  team: 'T1',
  channel: 'C1',
  thread: '1.1',
  requester: 'U1',
  prompt: '',
  call: 'c1',
  runs: [],
  woken: [],
  approvedBy: [],
  record: recordOf(),
  postsOutside: 0,
  links: () => new Map(),
};

beforeAll(async () => {
  // A job without a parameter for a config file, so that the file's values fill its own.
  const plain = {
    id: '110',
    name: 'ads-plain',
    tags: { env: 'dev' },
    runAs: 'sp-ads-dev',
    parameters: ['feature_set', 'learning_rate', 'dropout', 'epochs'].map((name) => ({ name, default: '' })),
    maxConcurrentRuns: 1,
    experiment: null,
  };
  const full = { ...plain, id: '111', name: 'ads-full', parameters: [...plain.parameters, { name: 'owner', default: 'x' }, { name: 'notes', default: '' }] };
  const starter = (id: string, name: string, ...starts: { job: string; parameters: Record<string, string> }[]) => ({ ...plain, id, name, starts });
  const starters = [
    starter('120', 'ads-then-features', { job: '102', parameters: { feature_set: '{{job.parameters.feature_set}}' } }),
    starter('121', 'ads-then-prod', { job: '900', parameters: {} }),
    starter('122', 'ads-deep', { job: '121', parameters: {} }),
    starter('123', 'ads-for-ever', { job: '123', parameters: {} }),
    starter('124', 'ads-to-nowhere', { job: '4711', parameters: {} }),
    starter('125', 'ads-both', { job: '120', parameters: { feature_set: 'v1' } }, { job: '120', parameters: { feature_set: 'v2' } }),
  ];
  workspace = await startDatabricks({ training, jobs: [plain, full, ...starters] });
  tracking = await startMlflow({ training });
  repos = await startGithub({});
});
afterAll(() => Promise.all([workspace.close(), tracking.close(), repos.close()]));

beforeEach(() => {
  clock += 3_600_000;
  ctx = {
    services: {
      databricks: databricks({ host: workspace.url, token: 't' }),
      mlflow: mlflow({ uri: tracking.url }),
      github: github({ token: 'ghp_sandbox', baseUrl: repos.url }),
    },
    settings: {
      defaults: { job: '101', experiment: 'ads-rank-v3', repository: 'acme/ads', base: 'main' },
      metrics: { val_f1: 'max' },
      thresholdReading: 'relative',
      recordsPath: 'experiments',
      environments,
      actIn: ['dev'],
    },
    session: noSession,
    signal: new AbortController().signal,
    now: () => clock,
  };
});

const plan = (tool: WriteTool, input: object, more: Partial<SessionFacts> = {}) =>
  tool.plan(tool.input.parse(input) as never, { ...ctx, session: { ...noSession, ...more } });
const planned = async (tool: WriteTool, input: object, more: Partial<SessionFacts> = {}) => {
  const answer = await plan(tool, input, more);
  expect(answer.kind, 'text' in answer ? answer.text : '').toBe('plan');
  return answer as Plan;
};
const asked = async (tool: WriteTool, input: object) => {
  const answer = await plan(tool, input);
  expect(answer.kind).toBe('question');
  return answer as Question;
};
const read = (tool: ReadTool, input: object, session: SessionFacts | null = noSession) => tool.run(tool.input.parse(input) as never, { ...ctx, session });
const finished = async (answer: Promise<ToolAnswer>) => {
  const given = await answer;
  expect(given.kind).toBe('done');
  return given as Extract<ToolAnswer, { kind: 'done' }>;
};
const start = (parameters: Record<string, string> = {}) => training.launch({ jobId: '101', parameters, token: null }).launch;

describe('run_databricks_job plans', () => {
  test('the ablation of the example: config pinned, one change, the job as policy needs it', async () => {
    const {
      arguments: args,
      touches,
      preview,
    } = await planned(runDatabricksJob, { job_id: '101', config: 'base_config.json', parameters: { feature_set: 'v2' } });
    const file = await ctx.services.github?.getFile({ repo: 'acme/ads', path: 'base_config.json' });
    expect(args).toEqual({
      job_id: '101',
      parameters: { config: `base_config.json@${file?.commit}`, feature_set: 'v2' },
      config: { repository: 'acme/ads', path: 'base_config.json', commit: file?.commit, sha: file?.sha },
    });
    expect(touches).toMatchObject({
      job: { id: '101', name: 'ads-train', tags: { env: 'dev' }, runAs: 'sp-ads-dev', parameters: { feature_set: 'v2', learning_rate: '0.01' } },
      typicalMinutes: 0.1025,
    });
    expect(preview).toEqual({
      summary: 'Run job 101 (ads-train) with config base_config.json, feature_set=v2',
      facts: [
        { label: 'Job', value: 'ads-train (101)' },
        { label: 'Runs as', value: 'sp-ads-dev' },
        { label: 'Usually takes', value: '6.2 s (median of 4 successful runs)' },
        { label: 'Config', value: `base_config.json in acme/ads at commit ${file?.commit.slice(0, 12)}, blob ${file?.sha.slice(0, 12)}` },
      ],
      changes: [
        { name: 'config', from: 'base_config.json', to: `base_config.json@${file?.commit}` },
        { name: 'feature_set', from: 'v1', to: 'v2' },
      ],
      last: {
        what: expect.stringMatching(/^run \d+ \(succeeded, \d{4}-\d\d-\d\d \d\d:\d\d UTC\)$/),
        changes: [
          { name: 'config', from: 'base_config.json', to: `base_config.json@${file?.commit}` },
          { name: 'feature_set', from: 'v1', to: 'v2' },
          { name: 'seed', from: '7', to: '42' },
        ],
      },
      adds: ['an idempotency token, so that sending it twice starts one run', "when the experiment has ended: its record's head, as a tag of the MLflow run"],
      target: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
  });

  test('what it costs, where somebody has said so: by how long it usually takes, and what differs from the run that was started last', async () => {
    ctx.settings.jobCostPerHour = { '101': 4.2 };
    start({ feature_set: 'v2', learning_rate: '0.5' });
    const { preview } = await planned(runDatabricksJob, { job_id: '101', parameters: { feature_set: 'v2' } });
    ctx.settings.jobCostPerHour = undefined;
    expect(preview.facts).toContainEqual({ label: 'Usually costs', value: 'about $0.0072 (at $4.2 an hour)' });
    expect(preview.last?.what).toContain('(');
    expect(preview.last?.changes).toContainEqual({ name: 'learning_rate', from: '0.5', to: '0.01' });
    expect(preview.last?.changes.map((c) => c.name)).not.toContain('feature_set');
  });

  test('the same bytes again, although the branch has moved on since', async () => {
    const input = { job_id: '101', config: 'base_config.json', parameters: { feature_set: 'v2', learning_rate: 0.01 } };
    const first = await planned(runDatabricksJob, input);
    const files = [{ path: 'base_config.json', content: '{"feature_set":"other"}' }];
    const main = await ctx.services.github?.getBranch({ repo: 'acme/ads', branch: 'main' });
    await ctx.services.github?.commitFiles({ repo: 'acme/ads', parent: main?.sha ?? '', branch: 'moved', message: 'moved', files });
    ctx.settings.defaults.base = 'moved';
    const again = await planned(runDatabricksJob, input, { resolved: first.arguments });
    expect(digestOf('run_databricks_job', again.arguments)).toBe(digestOf('run_databricks_job', first.arguments));
    // What was asked for stands in the title, also where the job would do the same by itself.
    const title = 'Run job 101 (ads-train) with config base_config.json, feature_set=v2, learning_rate=0.01';
    expect([first.preview.summary, again.preview.summary]).toEqual([title, title]);
    expect(digestOf('x', (await planned(runDatabricksJob, input)).arguments)).not.toBe(digestOf('x', first.arguments));
  });

  test('what a person has edited, not what the model had asked for', async () => {
    const edited = { job_id: '101', parameters: { feature_set: 'v3' } };
    const input = { job_id: '101', parameters: { feature_set: 'v2' } };
    expect((await planned(runDatabricksJob, input, { resolved: edited })).arguments).toEqual(edited);
    const misspelt = { job_id: '101', parameters: { feature_sets: 'v3' } };
    expect(await plan(runDatabricksJob, input, { resolved: misspelt })).toMatchObject({ kind: 'question', data: { unknown: ['feature_sets'] } });
  });

  test('a config that the model put among the parameters is pinned like any other', async () => {
    const { arguments: args } = await planned(runDatabricksJob, { job_id: '101', parameters: { config: './configs/large.json' } });
    expect(args).toMatchObject({
      parameters: { config: expect.stringMatching(/^configs\/large\.json@[0-9a-f]{40}$/) },
      config: { path: 'configs/large.json' },
    });
  });

  test('a file that only one folder has is found by its name, and values that differ from the job are shown', async () => {
    const { arguments: args, preview } = await planned(runDatabricksJob, { job_id: '101', config: 'large.json', parameters: { dropout: '0.1' } });
    expect(args).toMatchObject({ config: { path: 'configs/large.json' } });
    expect(preview.facts).toContainEqual({ label: 'Two values of learning_rate', value: "0.003 in the file, 0.01 by the job's own default" });
    expect(preview.facts.some((f) => f.label.includes('dropout'))).toBe(false);
  });

  test("a job without a parameter for it takes the file's values, overrides above them", async () => {
    const { arguments: args } = await planned(runDatabricksJob, { job_id: '111', config: 'base_config.json', parameters: { feature_set: 'v2' } });
    expect(args['parameters']).toEqual({
      feature_set: 'v2',
      learning_rate: '0.01',
      dropout: '0.2',
      epochs: '20',
      owner: 'ads-ranking',
      notes: 'weekly baseline',
    });
  });

  test('numbers and ids keep what was typed', async () => {
    const { arguments: args } = await planned(runDatabricksJob, { job_id: '9007199254740993123', parameters: { learning_rate: 0.003, epochs: 5 } });
    expect(args).toEqual({ job_id: '9007199254740993123', parameters: { learning_rate: '0.003', epochs: '5' } });
  });
});

describe('run_databricks_job asks instead of guessing', () => {
  test.each([
    [
      'a config that is not there',
      { config: 'nope.json' },
      'acme/ads has no file "nope.json". It has base_config.json, configs/dup_config.json, configs/large.json, legacy/dup_config.json. Ask which config is meant; do not choose one.',
    ],
    [
      'one that is elsewhere',
      { config: 'wrong/large.json' },
      'acme/ads has no file "wrong/large.json". It has configs/large.json. Ask which config is meant; do not choose one.',
    ],
    [
      'two candidates',
      { config: 'dup_config.json' },
      'acme/ads has 2 files that "dup_config.json" could mean: configs/dup_config.json, legacy/dup_config.json. Ask which one is meant.',
    ],
    ['a path out of the repository', { config: '../secrets.json' }, '"../secrets.json" is not a path inside acme/ads. Ask which file is meant.'],
    [
      'two configs',
      { config: 'base_config.json', parameters: { config: 'configs/large.json' } },
      'Two configs are named: base_config.json, and configs/large.json as parameter config. Ask which one is meant.',
    ],
    [
      'a misspelt parameter',
      { parameters: { feature_sett: 'v2' } },
      'Job 101 (ads-train) has no parameter "feature_sett". It has config, feature_set, learning_rate, dropout, epochs, batch_size, seed, fail. The name nearest to feature_sett is feature_set. Ask; do not choose.',
    ],
    [
      'a word where the job has a number',
      { parameters: { learning_rate: 'high' } },
      'learning_rate is a number in job 101 (ads-train), 0.01 by default, and "high" is not. Ask which number is meant; do not choose.',
    ],
  ])('%s', async (_, input, text) => {
    const question = await asked(runDatabricksJob, { job_id: '101', ...input });
    expect(question.text).toBe(text);
    // People read a question, and no word of what the model is to do.
    expect(question.ask).toContain('?');
    expect(question.ask).not.toMatch(/\bAsk\b|do not choose|they mean/);
  });

  test('values of the file that the job has no parameter for', async () => {
    const { text, data } = await asked(runDatabricksJob, { job_id: '110', config: 'base_config.json' });
    expect(text).toContain('base_config.json holds owner, notes, for which job 110 (ads-plain) has no parameter.');
    expect(data).toEqual({ unknown: ['owner', 'notes'], fitting: { feature_set: 'v1', learning_rate: '0.01', dropout: '0.2', epochs: '20' } });
  });

  test('a config without a repository to look in', async () => {
    ctx.settings.defaults.repository = undefined;
    expect((await asked(runDatabricksJob, { job_id: '101', config: 'base_config.json' })).text).toContain('names no repository under defaults');
  });

  test('keys that name the prototype are only unknown names', async () => {
    const input = JSON.parse('{"job_id":"101","parameters":{"constructor":"1"}}');
    expect((await asked(runDatabricksJob, input)).data).toMatchObject({ unknown: ['constructor'] });
  });

  test('a job that is not there is an error that says what to do', async () => {
    await expect(plan(runDatabricksJob, { job_id: '999' })).rejects.toThrow(
      'JOB_NOT_FOUND: Databricks has no job 999. Next: look for the job with list_databricks_jobs.',
    );
    expect(() => runDatabricksJob.input.parse({ job_id: 'abc' })).toThrow('1 to 19 digits');
    expect(() => runDatabricksJob.input.parse({ job_id: '101', confirmed: true })).toThrow();
  });
});

test('run_databricks_job runs once for a key, and gives the page of the run', async () => {
  const ready = await planned(runDatabricksJob, { job_id: '101', parameters: { feature_set: 'v2' } });
  const key = 'f'.repeat(64);
  const first = await finished(runDatabricksJob.run(ready, ctx, key));
  const again = await finished(runDatabricksJob.run(ready, ctx, key));
  expect(again.data['run_id']).toBe(first.data['run_id']);
  expect(first.data).toMatchObject({ status: 'started', run_url: expect.stringContaining('/jobs/101/runs/'), resolved_parameters: { feature_set: 'v2' } });
  expect((await fetch(String(first.data['run_url']))).status).toBe(200);
  expect(runDatabricksJob.output.safeParse(first.data).success).toBe(true);
});

describe('get_job_status', () => {
  test('of a failed run tells the cause, which stands only in its task', async () => {
    const { runId } = start({ fail: 'oom' });
    clock += 10_000;
    const { text, data } = await finished(read(getJobStatus, { run_id: runId }));
    expect(data).toMatchObject({
      status: 'FAILED',
      raw_state: 'INTERNAL_ERROR/FAILED (RUN_EXECUTION_ERROR)',
      causes: [{ task: 'train', error: expect.stringContaining('CUDA out of memory'), trace_tail: expect.stringContaining('line 148, in main') }],
    });
    expect(text).toMatch(/^Run \d+ of job 101: FAILED after [\d.]+ s \(RUN_EXECUTION_ERROR\)\.\n/);
    expect(text).toContain("The job's own code failed.");
    expect(getJobStatus.output.safeParse(data).success).toBe(true);
  });

  test('does not blame the code for a lost cluster', async () => {
    const { runId } = start({ fail: 'cluster' });
    clock += 10_000;
    const { text } = await finished(read(getJobStatus, { run_id: runId }));
    expect(text).toContain('The cluster or the cloud failed, not the code');
    expect(text).toContain('No MLflow run is linked to it');
  });

  test('links the MLflow run by its tag, while it trains and after', async () => {
    const launch = start({ feature_set: 'v2' });
    clock += 3000;
    expect((await finished(read(getJobStatus, { run_id: launch.runId }))).data).toMatchObject({ status: 'RUNNING', mlflow_run_ids: [mlflowRunIdOf(launch)] });
    clock += 3000;
    const { text, data } = await finished(read(getJobStatus, { run_id: launch.runId }));
    expect(text).toMatch(/^Run \d+ of job 101: SUCCEEDED after 6 s\.\n/);
    expect(data).toMatchObject({
      status: 'SUCCEEDED',
      duration_s: 6,
      mlflow_run_ids: [mlflowRunIdOf(launch)],
    });
  });

  test('of a run that vanished is a sentence, not an error', async () => {
    const { runId } = start({ fail: 'vanish' });
    clock += 10_000;
    const { text, data } = await finished(read(getJobStatus, { run_id: runId }));
    expect(data).toMatchObject({ status: 'VANISHED', terminal: true });
    expect(text).toContain(`Databricks knows no run ${runId}`);
  });

  test('says what Databricks knows where MLflow refuses, and waits where MLflow only fails', async () => {
    const { runId } = start();
    clock += 10_000;
    tracking.fault({ target: 'mlflow', kind: 'status', status: 403 });
    const { data } = await finished(read(getJobStatus, { run_id: runId }));
    expect(data).toMatchObject({ status: 'SUCCEEDED', mlflow_note: expect.stringContaining('403') });
    tracking.fault(null);
    tracking.fault({ target: 'mlflow', kind: 'status', status: 503 });
    await expect(read(getJobStatus, { run_id: runId })).rejects.toThrow('MLflow is failing (503');
    tracking.fault(null);
  });
});

describe('wait_for_job', () => {
  test('parks while runs go on, and is done when they have ended', async () => {
    const { runId } = start();
    const parked = await read(waitForJob, { run_ids: [runId], deadline: '4h' });
    expect(parked).toMatchObject({
      kind: 'wait',
      waiting: { for: 'job', run_ids: [runId], until: 'all', conditions: [], deadline: new Date(clock + 4 * 3_600_000).toISOString() },
    });
    clock += 10_000;
    const { data } = await finished(read(waitForJob, { run_ids: [runId] }, { ...noSession, woken: [{ why: 'job' }] }));
    expect(data).toMatchObject({ still_running: false, woken_by: 'job', runs: [{ run_id: runId, status: 'SUCCEEDED' }] });
    expect(waitForJob.output.safeParse(data).success).toBe(true);
  });

  test('for any of several is done with the first', async () => {
    const [failing, longer] = [start({ fail: 'data' }), start()];
    clock += 2000;
    const both = { run_ids: [failing.runId, longer.runId] };
    expect((await read(waitForJob, both)).kind).toBe('wait');
    const { data, text } = await finished(read(waitForJob, { ...both, until: 'any' }));
    expect(data).toMatchObject({ still_running: true, woken_by: 'job', runs: [{ status: 'FAILED' }, { status: 'RUNNING' }] });
    expect(text).toContain("KeyError: 'clicks_7d'");
  });

  test('is interrupted by a message while the run goes on', async () => {
    const { runId } = start();
    const session = { ...noSession, interrupted: { by: 'U1', text: 'how is it going?' } };
    const { data } = await finished(read(waitForJob, { run_ids: [runId] }, session));
    expect(data).toMatchObject({ still_running: true, woken_by: 'message', interrupted: { by: 'U1', text: 'how is it going?' } });
  });

  test('an end beats an interruption', async () => {
    const { runId } = start();
    clock += 10_000;
    const session = { ...noSession, interrupted: { by: 'U1', text: 'how is it going?' } };
    expect((await finished(read(waitForJob, { run_ids: [runId] }, session))).data).toMatchObject({ still_running: false, woken_by: 'job' });
  });

  test('is woken by its deadline or a tripwire, with what tripped', async () => {
    const { runId } = start();
    const wake = (why: string, data?: Record<string, unknown>) => finished(read(waitForJob, { run_ids: [runId] }, { ...noSession, woken: [{ why, data }] }));
    expect((await wake('deadline')).data).toMatchObject({ still_running: true, woken_by: 'deadline' });
    expect((await wake('tripwire', { metric: 'val_f1', value: 0.4 })).data).toMatchObject({ woken_by: 'tripwire', why: { metric: 'val_f1', value: 0.4 } });
  });

  test('waits on after a wake that found nothing ended', async () => {
    const { runId } = start();
    expect((await read(waitForJob, { run_ids: [runId] }, { ...noSession, woken: [{ why: 'job' }] })).kind).toBe('wait');
  });

  test('without a session looks again for a while, then says when to ask again', async () => {
    const { runId } = start();
    const input = waitForJob.input.parse({ run_ids: [runId] }) as never;
    const times = [clock, clock + 44_000];
    const patient = { ...ctx, session: null, now: () => times.shift() ?? clock };
    expect((await finished(waitForJob.run(input, patient))).data).toMatchObject({ still_running: true, woken_by: 'poll', poll_after_s: 60 });

    setTimeout(() => {
      clock += 10_000;
    }, 500);
    const { data } = await finished(waitForJob.run(input, { ...ctx, session: null, now: Date.now }));
    expect(data).toMatchObject({ still_running: false, woken_by: 'job' });
  });

  test.each(['soon', '4', '90', '1.5', 'tomorrow 5', '2027-02-30T00:00:00Z', '0h', '2020-01-01T00:00:00Z'])('refuses the deadline %s', async (deadline) => {
    await expect(read(waitForJob, { run_ids: ['1'], deadline })).rejects.toThrow(/^BAD_DEADLINE: .* Next: give an ISO time to come such as/);
  });

  test.each([
    ['2099-07-01T12:00:00Z', '2099-07-01T12:00:00.000Z'],
    ['2099-07-01T12:00', '2099-07-01T12:00:00.000Z'],
    ['2099-07-01 12:00:00', '2099-07-01T12:00:00.000Z'],
    ['2099-07-01', '2099-07-01T00:00:00.000Z'],
    ['2099-07-01T12:00:00.5+02:00', '2099-07-01T10:00:00.500Z'],
    ['2099-07-01t12:00:00-0130', '2099-07-01T13:30:00.000Z'],
  ])('reads the deadline %s the same wherever it runs', async (deadline, at) => {
    const { runId } = start();
    expect(await read(waitForJob, { run_ids: [runId], deadline })).toMatchObject({ waiting: { deadline: at } });
  });
});

describe('cancel_job_run', () => {
  test('knows its own runs, and where the job belongs', async () => {
    const { runId } = start();
    clock += 2000;
    const own = await planned(cancelJobRun, { run_id: runId, reason: 'not needed' }, { runs: [runId] });
    expect(own).toMatchObject({ arguments: { run_id: runId, reason: 'not needed' }, touches: { own: true, job: { id: '101', tags: { env: 'dev' } } } });
    expect((await planned(cancelJobRun, { run_id: runId })).touches.own).toBe(false);
    const { data } = await finished(cancelJobRun.run(own, ctx, 'k'));
    expect(data).toEqual({ status: 'cancel_requested', run_id: runId });
    clock += 1000;
    expect((await finished(read(getJobStatus, { run_id: runId }))).data['status']).toBe('CANCELED');
  });

  test('of an ended or unknown run says so', async () => {
    const { runId } = start();
    clock += 10_000;
    await expect(plan(cancelJobRun, { run_id: runId })).rejects.toThrow('has ended already (SUCCEEDED)');
    await expect(plan(cancelJobRun, { run_id: '4711' })).rejects.toThrow('RUN_NOT_FOUND');
  });
});

describe('a job that starts others', () => {
  test('is judged by them too, and its card names them', async () => {
    const { touches, preview } = await planned(runDatabricksJob, { job_id: '120', parameters: { feature_set: 'v2' } });
    expect(preview.facts).toContainEqual({ label: 'Starts', value: 'ads-features (102)' });
    expect(touches.job?.starts).toMatchObject([{ id: '102', parameters: { feature_set: 'v2', days: '30' } }]);
    expect(touches.job && placeJob(touches.job, environments, ['dev']).environment).toBe('dev');
  });

  test.each([
    ['121', 'it starts job 900 (ads-train-prod), and of that one its id 900 is listed there in labmate.json'],
    ['122', 'it starts job 900 (ads-train-prod), and of that one its id 900 is listed there in labmate.json'],
    ['124', 'it starts job 4711 (job 4711, which Databricks does not show), and of that one it stands in no environment of labmate.json, which counts as prod'],
  ])('job %s belongs to prod', async (job_id, why) => {
    const { touches } = await planned(runDatabricksJob, { job_id, parameters: {} });
    expect(touches.job && placeJob(touches.job, environments, ['dev'])).toMatchObject({ environment: 'prod', why });
  });

  test('one that is started twice starts others with what it was given each time', async () => {
    const { touches } = await planned(runDatabricksJob, { job_id: '125', parameters: {} });
    const given = touches.job?.starts?.map(({ id, parameters }) => [id, parameters['feature_set']]);
    expect(given).toEqual(['v1', 'v2'].map((v) => ['120', v]).concat(['v1', 'v2'].map((v) => ['102', v])));
  });

  test('one that starts itself is not followed for ever', async () => {
    await expect(plan(runDatabricksJob, { job_id: '123', parameters: {} })).rejects.toThrow('STARTS_TOO_MUCH');
  });
});

describe('list_databricks_jobs', () => {
  test('places each job by its own definition and leaves out what may not be seen', async () => {
    const { data } = await finished(read(listDatabricksJobs, {}));
    const jobs = data['jobs'] as { job_id: string; environment: string }[];
    expect(jobs.map((j) => [j.job_id, j.environment])).toEqual([
      ['101', 'dev'],
      ['102', 'dev'],
      ['900', 'prod'],
      ['9007199254740993123', 'dev'],
      ['110', 'dev'],
      ['111', 'dev'],
      ...['120', '121', '122', '123', '124', '125'].map((id) => [id, 'dev']),
    ]);
    expect(listDatabricksJobs.output.safeParse(data).success).toBe(true);
  });

  test('finds by exact name, else by a part of it, else says so', async () => {
    const names = async (name: string) => ((await finished(read(listDatabricksJobs, { name }))).data['jobs'] as { name: string }[]).map((j) => j.name);
    expect(await names('ADS-TRAIN')).toEqual(['ads-train']);
    expect(await names('train')).toEqual(['ads-train', 'ads-train-prod']);
    expect((await finished(read(listDatabricksJobs, { name: 'nothing' }))).text).toBe('No job is called "nothing", nor has it in its name.');
  });
});
