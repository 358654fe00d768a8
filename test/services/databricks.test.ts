import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type DatabricksStandIn, startDatabricks } from '../../src/sandbox/databricks.ts';
import { openTraining } from '../../src/sandbox/launches.ts';
import { type Routes, startStandIn } from '../../src/sandbox/stand-in.ts';
import { databricks } from '../../src/services/databricks.ts';
import { apiJob, jobOf, readState } from '../../src/services/databricks-shapes.ts';
import { isNotFound, UpstreamError } from '../../src/services/http.ts';
import { pollRuns, runPoller } from '../../src/services/poll-runs.ts';

let clock = 1_790_000_000_000;
const training = openTraining({ clock: () => clock });
const seen: string[] = [];
let workspace: DatabricksStandIn;
beforeAll(async () => {
  const client = { id: 'bot', secret: 'hush', expiresInS: 3600 };
  workspace = await startDatabricks({ training, token: 'dapi-test', client, onTraffic: (t) => seen.push(t.what) });
});
afterAll(() => workspace.close());
afterEach(() => workspace.fault(null));

const client = (token = 'dapi-test') => databricks({ host: workspace.url, token });
const start = (parameters: Record<string, string> = {}, jobId = '101') => client().runNow({ jobId, parameters, idempotencyToken: `${Math.random()}` });

async function failure(promise: Promise<unknown>): Promise<UpstreamError> {
  const error = await promise.then(
    () => null,
    (e: unknown) => e,
  );
  expect(error).toBeInstanceOf(UpstreamError);
  return error as UpstreamError;
}

/** A server that gives one answer to everything. */
async function answering(answer: Routes[string], ask: (host: string) => Promise<unknown>): Promise<UpstreamError> {
  const server = await startStandIn({ routes: { 'GET /*all': answer, 'POST /*all': answer } });
  try {
    return await failure(ask(server.url));
  } finally {
    await server.close();
  }
}

describe('ids', () => {
  test('a job id of 19 digits is sent as bare digits and comes back whole', async () => {
    const bodies: string[] = [];
    const server = await startStandIn({
      routes: {
        'POST /api/2.2/jobs/run-now': ({ raw }) => {
          bodies.push(raw.toString());
          return { body: { run_id: 9223372036854775807n } };
        },
      },
    });
    const run = await databricks({ host: server.url, token: 't' }).runNow({ jobId: '9007199254740993123', parameters: { a: '1' }, idempotencyToken: 'k' });
    await server.close();
    expect(bodies).toEqual(['{"job_id":9007199254740993123,"job_parameters":{"a":"1"},"idempotency_token":"k"}']);
    expect(run).toEqual({ runId: '9223372036854775807' });
  });

  test('the job with 19 digits is found, run and read under its exact id', async () => {
    expect(await client().getJob('9007199254740993123')).toMatchObject({ jobId: '9007199254740993123', name: 'ads-eval-nightly' });
    const { runId } = await start({}, '9007199254740993123');
    expect(await client().getRun(runId)).toMatchObject({ runId, jobId: '9007199254740993123' });
    expect((await client().listRuns({ jobId: '9007199254740993123' })).runs.map((r) => r.runId)).toContain(runId);
  });
});

describe('errors become sentences', () => {
  const body = (status: number, answer: object | string, type?: string) =>
    answering(
      () => ({ status, body: answer, ...(type ? { type } : {}) }),
      (host) => databricks({ host, token: 't' }).getJob('42'),
    );

  test.each([
    [
      'error_code and message',
      403,
      { error_code: 'PERMISSION_DENIED', message: 'User x has no rights on job 42' },
      'Databricks refused to look up job 42 (403 PERMISSION_DENIED): User x has no rights on job 42.',
    ],
    ['a bare error', 400, { error: 'bad things' }, 'Databricks could not look up job 42 (400): bad things.'],
    ['SCIM', 404, { detail: 'No such user', status: '404', scimType: 'noTarget' }, 'Databricks could not look up job 42 (404 noTarget): No such user.'],
    ['plain code and message', 400, 'INVALID_STATE: not now', 'Databricks could not look up job 42 (400 INVALID_STATE): not now.'],
    ['HTML', 502, '<html><body><pre>upstream reset</pre></body></html>', 'Databricks is failing (502) and did not look up job 42: upstream reset.'],
    ['nothing at all', 401, '', "Databricks does not accept the bot's credentials (401): it gave no reason."],
    [
      'an OAuth error',
      401,
      { error: 'invalid_client', error_description: 'Wrong secret' },
      "Databricks does not accept the bot's credentials (401 invalid_client): Wrong secret.",
    ],
  ])('%s', async (_, status, answer, words) => {
    expect((await body(status, answer)).message).toBe(words);
  });

  test('a page where JSON was expected, and JSON of another shape, are told apart and never taken for an answer', async () => {
    expect((await body(200, '<html>Please log in</html>')).message).toContain('answered an HTML page where JSON was expected');
    expect((await body(200, { jobs: 3 })).message).toContain('JSON of an unexpected shape at job_id');
    expect((await body(200, '[1, 2')).code).toBe('NOT_JSON');
  });

  test('a long or dirty body is cut to one line', async () => {
    const { message } = await body(400, { error_code: 'X', message: `a\n\u001b[31mb${'c'.repeat(5000)}` });
    expect(message.length).toBeLessThan(400);
    expect(message).not.toMatch(/\p{C}/u);
  });

  test('what may pass is transient, with the wait the backend asks for; what will not is not', async () => {
    const facts = async (status: number, retryAfter?: string) => {
      const headers: Record<string, string> = retryAfter ? { 'retry-after': retryAfter } : {};
      const error = await answering(
        () => ({ status, headers }),
        (host) => databricks({ host, token: 't' }).getJob('1'),
      );
      return [error.transient, error.retryAfterMs];
    };
    expect(await facts(429, '7')).toEqual([true, 7000]);
    expect(await facts(503)).toEqual([true, null]);
    expect(await facts(408)).toEqual([true, null]);
    expect(await facts(403)).toEqual([false, null]);
    expect((await facts(429, new Date(Date.now() + 60_000).toUTCString()))[1]).toBeGreaterThan(50_000);
    expect((await body(400, 'RPC token bucket limit has been exceeded')).transient).toBe(true);
  });

  test('no answer at all is transient; giving up ourselves is no failure of the backend', async () => {
    const gone = await failure(databricks({ host: 'http://127.0.0.1:9', token: 't' }).getJob('1'));
    expect([gone.status, gone.transient]).toEqual([0, true]);
    expect(gone.message).toContain('Databricks did not answer');
    const abort = new AbortController();
    workspace.fault({ target: 'databricks', kind: 'slow', ms: 500 });
    const asking = client().getJob('101', abort.signal);
    abort.abort(new Error('stopped'));
    await expect(asking).rejects.toThrow('stopped');
  });

  test('a redirect to another host is not followed and gets no token', async () => {
    let asked = 0;
    const elsewhere = await startStandIn({
      routes: {
        'GET /*all': () => {
          asked++;
          return { body: {} };
        },
      },
    });
    const error = await answering(
      () => ({ status: 302, headers: { location: `${elsewhere.url}/api/2.2/jobs/get` } }),
      (host) => databricks({ host, token: 't' }).getJob('1'),
    );
    await elsewhere.close();
    expect([error.code, asked]).toEqual(['REDIRECTED', 0]);
  });

  test('not found comes as 404 or as 400 in words', async () => {
    expect(isNotFound(await failure(client().getJob('999')))).toBe(true);
    expect(isNotFound(await failure(client().getRun('999')))).toBe(true);
    expect(isNotFound(await failure(client().getJob('903')))).toBe(false);
  });

  test('a request is sent once, whatever comes of it', async () => {
    workspace.fault({ target: 'databricks', kind: 'status', status: 503 });
    const before = seen.length;
    await failure(client().getJob('101'));
    expect(seen.length - before).toBe(1);
  });
});

describe('logging in by client id', () => {
  const login = (clientSecret = 'hush') => databricks({ host: workspace.url, clientId: 'bot', clientSecret });

  test('one token serves many requests at once', async () => {
    const before = seen.length;
    const service = login();
    await Promise.all([service.getJob('101'), service.getJob('102'), service.getJob('900')]);
    expect(seen.slice(before).filter((what) => what.includes('/oidc/v1/token'))).toHaveLength(1);
  });

  test('a token that is refused is renewed once', async () => {
    let tokens = 0;
    const server = await startStandIn({
      routes: {
        'GET /oidc/.well-known/oauth-authorization-server': () => ({ body: { token_endpoint: '/token' } }),
        'POST /token': () => ({ body: { access_token: `t${++tokens}`, expires_in: 3600 } }),
        'GET /api/2.2/jobs/get': ({ headers }) => (headers.authorization === 'Bearer t1' ? { status: 401 } : { body: { job_id: 5 } }),
      },
    });
    const job = await databricks({ host: server.url, clientId: 'a', clientSecret: 'b' }).getJob('5');
    await server.close();
    expect([job.jobId, tokens]).toEqual(['5', 2]);
  });

  test('a wrong secret is told without telling it', async () => {
    const error = await failure(login('wrong-secret').getJob('101'));
    expect(error.message).toContain('Client authentication failed');
    expect(error.message).not.toContain('wrong-secret');
  });

  test('the secret does not follow a token endpoint to another host', async () => {
    const error = await answering(
      () => ({ body: { token_endpoint: 'http://127.0.0.1:9/token' } }),
      (host) => databricks({ host, clientId: 'a', clientSecret: 'b' }).getJob('1'),
    );
    expect(error.code).toBe('FOREIGN_TOKEN_ENDPOINT');
  });
});

describe('states', () => {
  const state = (life_cycle_state: string, result_state?: string) => readState({ state: { life_cycle_state, ...(result_state ? { result_state } : {}) } });

  test.each([
    ['QUEUED', undefined, 'QUEUED', false],
    ['BLOCKED', undefined, 'PENDING', false],
    ['WAITING_FOR_RETRY', undefined, 'PENDING', false],
    ['TERMINATING', undefined, 'TERMINATING', false],
    ['SOMETHING_NEW', undefined, 'RUNNING', false],
    ['TERMINATED', 'SUCCESS', 'SUCCEEDED', true],
    ['TERMINATED', 'SUCCESS_WITH_FAILURES', 'SUCCEEDED', true],
    ['INTERNAL_ERROR', 'FAILED', 'FAILED', true],
    ['TERMINATED', 'UPSTREAM_FAILED', 'FAILED', true],
    ['TERMINATED', 'UPSTREAM_CANCELED', 'CANCELED', true],
    ['TERMINATED', 'TIMEDOUT', 'TIMED_OUT', true],
    ['TERMINATED', 'MAXIMUM_CONCURRENT_RUNS_REACHED', 'SKIPPED', true],
    ['SKIPPED', undefined, 'SKIPPED', true],
    ['INTERNAL_ERROR', undefined, 'FAILED', true],
    ['TERMINATED', 'A_NEW_RESULT', 'FAILED', true],
  ])('%s/%s is %s', (life, result, status, terminal) => {
    expect(state(life, result)).toMatchObject({ status, terminal });
  });

  test('the newer encoding alone is enough', () => {
    const details = { code: 'USER_CANCELED', type: 'CLIENT_ERROR' };
    expect(readState({ status: { state: 'TERMINATED', termination_details: details } })).toMatchObject({
      status: 'CANCELED',
      terminal: true,
      rawState: 'TERMINATED (USER_CANCELED)',
    });
    expect(readState({ status: { state: 'WAITING' } })).toMatchObject({ status: 'PENDING', terminal: false });
    expect(readState({})).toMatchObject({ terminal: false });
  });

  test('a success with failures says so', () => {
    expect(state('TERMINATED', 'SUCCESS_WITH_FAILURES').message).toBe('It succeeded, but with failed tasks.');
  });
});

describe('runs', () => {
  test('the same token is the same run, also after a lost reply', async () => {
    workspace.fault({ target: 'databricks', kind: 'lost-reply', path: 'run-now', times: 1 });
    const request = { jobId: '101', parameters: {}, idempotencyToken: 'once' };
    const lost = await failure(client().runNow(request));
    expect(lost.transient).toBe(true);
    const { runId } = await client().runNow(request);
    expect(training.launches().at(-1)?.runId).toBe(runId);
    expect(await client().runNow(request)).toEqual({ runId });
  });

  test('a failed run carries its own words, and its task the cause', async () => {
    const { runId } = await start({ fail: 'oom' });
    clock += 10_000;
    const run = await client().getRun(runId);
    expect(run).toMatchObject({ status: 'FAILED', rawState: 'INTERNAL_ERROR/FAILED (RUN_EXECUTION_ERROR)', termination: { type: 'CLIENT_ERROR' } });
    const output = await client().getTaskOutput(run.tasks[0]?.runId ?? '');
    expect(output.error).toContain('CUDA out of memory');
    expect((await failure(client().getTaskOutput(runId))).status).toBe(400);
  });

  test('a job of more than a hundred parameters is read page by page', async () => {
    const page = (from: number) => Array.from({ length: 100 }, (_, n) => ({ name: `p${from + n}`, default: '' }));
    const server = await startStandIn({
      routes: {
        'GET /api/2.2/jobs/get': ({ query }) => {
          const second = query.get('page_token') === 'two';
          return { body: { job_id: 7, settings: { name: 'wide', parameters: page(second ? 100 : 0) }, ...(second ? {} : { next_page_token: 'two' }) } };
        },
      },
    });
    const job = await databricks({ host: server.url, token: 't' }).getJob('7');
    await server.close();
    expect(job.parameters.map((p) => p.name).slice(99, 101)).toEqual(['p99', 'p100']);
    expect(job.parameters).toHaveLength(200);
  });
});

describe('polling many runs', () => {
  test('thirty running ones of a job cost two requests, ended and vanished ones one each', async () => {
    clock += 60_000;
    const runs = [];
    for (let n = 0; n < 30; n++) runs.push((await start()).runId);
    const { runId: ended } = await start({ fail: 'data' });
    clock += 2500;
    const before = seen.length;
    const asked = [...runs, ended, '12345'].map((runId) => ({ runId, jobId: '101' }));
    const states = await pollRuns(client(), asked);
    expect(seen.slice(before).map((what) => what.replace(/\?.*/, ''))).toEqual([
      'GET /api/2.2/jobs/runs/list',
      'GET /api/2.2/jobs/runs/list',
      'GET /api/2.2/jobs/runs/get',
      'GET /api/2.2/jobs/runs/get',
    ]);
    expect(states.get(runs[0] ?? '')).toMatchObject({ status: 'RUNNING', terminal: false });
    expect(states.get(ended)).toMatchObject({ status: 'FAILED', terminal: true });
    expect(states.get('12345')).toMatchObject({ status: 'VANISHED', terminal: true, run: null });
  });

  test('a poller learns the jobs of runs and asks for them together from then on', async () => {
    clock += 60_000;
    const runs = [(await start()).runId, (await start()).runId, (await start()).runId];
    clock += 1000;
    const poll = runPoller(client(), (error) => {
      throw error;
    });
    const counts = [];
    for (let round = 0; round < 2; round++) {
      const before = seen.length;
      expect((await poll(runs)).size).toBe(3);
      counts.push(seen.length - before);
    }
    expect(counts).toEqual([2, 1]);
  });
});

test("what a job's tasks are given is read, whatever kind of task it is", () => {
  const tasks = [
    { task_key: 'a', notebook_task: { notebook_path: '/x', base_parameters: { catalog: 'one' } } },
    { task_key: 'b', python_wheel_task: { named_parameters: { catalog: 'two' } } },
    { task_key: 'c', spark_python_task: { python_file: 'x.py', parameters: ['--catalog', 'three', '--dry-run', '--out-dir=/tmp'] } },
    { task_key: 'd', for_each_task: { inputs: '[1]', task: { task_key: 'e', run_job_task: { job_id: 7, job_parameters: { catalog: 'four' } } } } },
  ];
  const { taskParameters, starts } = jobOf([apiJob.parse({ job_id: 1, settings: { name: 'x', tasks } })]);
  expect(taskParameters.filter((p) => p.name === 'catalog').map((p) => p.value)).toEqual(['one', 'two', 'three', 'four']);
  expect(taskParameters).toContainEqual({ name: 'out_dir', value: '/tmp', argument: true });
  expect(starts).toEqual([{ jobId: '7', parameters: { catalog: 'four' } }]);
});

test.each<[string, Record<string, unknown>, boolean]>([
  ['the base parameters of a notebook', { notebook_task: { base_parameters: { catalog: 'prod' } } }, true],
  ['the keyword arguments of a wheel', { python_wheel_task: { named_parameters: { catalog: 'prod' } } }, true],
  ['the parameters of a query', { sql_task: { parameters: { catalog: 'prod' } } }, true],
  ['the parameters of a job that it starts', { run_job_task: { job_id: 7, job_parameters: { catalog: 'prod' } } }, true],
  ['the arguments of a script', { spark_python_task: { parameters: ['--catalog', 'prod'] } }, false],
  ['the arguments of a jar', { spark_jar_task: { parameters: ['--catalog=prod'] } }, false],
  ['the arguments of spark-submit', { spark_submit_task: { parameters: ['train.py', 'catalog=prod'] } }, false],
  ['the positional arguments of a wheel', { python_wheel_task: { parameters: ['-catalog', 'prod'] } }, false],
  ['the arguments of a script that runs for each of a list', { for_each_task: { task: { spark_python_task: { parameters: ['--catalog', 'prod'] } } } }, false],
  ['the arguments for the tasks of a job that it starts', { run_job_task: { job_id: 7, python_params: ['--catalog', 'prod'] } }, false],
  ["dbt's own catalog", { dbt_task: { commands: ['dbt run'], catalog: 'prod', schema: 'x' } }, false],
  ["dbt's variables", { dbt_task: { commands: ['dbt deps', `dbt run --vars '{"catalog": "prod"}'`] } }, false],
])("a job's own parameter replaces %s only where Databricks hands it down", (_what, task, handedDown) => {
  const { taskParameters } = jobOf([apiJob.parse({ job_id: 1, settings: { name: 'x', tasks: [{ task_key: 't', ...task }] } })]);
  expect(taskParameters.filter((p) => p.name === 'catalog')).toEqual([{ name: 'catalog', value: 'prod', ...(handedDown ? {} : { argument: true }) }]);
});

test.each(['--target prod', '--target=prod', '-t "prod"'])('the target of a dbt command is read: %s', (option) => {
  const tasks = [{ task_key: 't', dbt_task: { commands: [`dbt run --select tag:nightly ${option}`] } }];
  expect(jobOf([apiJob.parse({ job_id: 1, settings: { name: 'x', tasks } })]).taskParameters).toContainEqual({ name: 'target', value: 'prod', argument: true });
});
