import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { openTraining } from '../../src/sandbox/launches.ts';
import { type MlflowStandIn, startMlflow } from '../../src/sandbox/mlflow.ts';
import { startStandIn } from '../../src/sandbox/stand-in.ts';
import { isNotFound, UpstreamError } from '../../src/services/http.ts';
import { mlflow, quote } from '../../src/services/mlflow.ts';

const training = openTraining();
let server: MlflowStandIn;
beforeAll(async () => {
  server = await startMlflow({ training });
});
afterAll(() => server.close());
afterEach(() => server.fault(null));
const client = () => mlflow({ uri: `${server.url}/` });

async function failure(promise: Promise<unknown>): Promise<UpstreamError> {
  const error = await promise.catch((e: unknown) => e);
  expect(error).toBeInstanceOf(UpstreamError);
  return error as UpstreamError;
}

describe('experiments', () => {
  test.each([
    ['its name', 'ads-rank-v3', '1'],
    ['a path', '/Shared/ads/ctr-baseline', '3'],
    ['the end of a path', 'ctr-baseline', '3'],
    ['its id', '2', '2'],
  ])('are found by %s', async (_, asked, id) => {
    expect((await client().findExperiment(asked))?.experimentId).toBe(id);
  });

  test.each(['nope', 'baseline', '%', 'ads-rank-v1', "it's"])('%s is none', async (name) => {
    expect(await client().findExperiment(name)).toBeNull();
  });

  test('two of the same last name are an error that names both', async () => {
    const twins = await startStandIn({
      routes: {
        'GET /api/2.0/mlflow/experiments/get-by-name': () => ({ status: 404, body: { error_code: 'RESOURCE_DOES_NOT_EXIST', message: 'no' } }),
        'POST /api/2.0/mlflow/experiments/search': () => ({
          body: { experiments: ['/a/x', '/b/x'].map((name, n) => ({ experiment_id: String(n), name })) },
        }),
      },
    });
    expect((await failure(mlflow({ uri: twins.url }).findExperiment('x'))).message).toBe('MLflow has 2 experiments called "x": /a/x, /b/x. Name one in full.');
    await twins.close();
  });

  test('are listed by a part of their name', async () => {
    const { experiments } = await client().listExperiments({ name: 'RANK' });
    expect(experiments.map((e) => e.name).sort()).toEqual(['ads-rank-dev', 'ads-rank-v2', 'ads-rank-v3']);
  });
});

describe('runs', () => {
  test('the last values are numbers, NaN included, and empty lists are empty', async () => {
    const { runs } = await client().searchRuns({ experimentIds: ['1'], filter: "params.learning_rate = '5'" });
    expect(runs[0]?.metrics['val_f1']?.value).toBeNaN();
    const infinite = await startStandIn({
      routes: {
        'GET /api/2.0/mlflow/runs/get': () => ({
          body: {
            run: {
              info: { run_id: 'a', experiment_id: '1', status: 'FINISHED', start_time: '1700000000000' },
              data: { metrics: ['Infinity', '-Infinity', '0.5', 3].map((value, n) => ({ key: `m${n}`, value, step: '3', timestamp: 1 })) },
            },
          },
        }),
      },
    });
    const run = await mlflow({ uri: infinite.url }).getRun('a');
    await infinite.close();
    expect(Object.values(run.metrics).map((m) => m.value)).toEqual([Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0.5, 3]);
    expect(run).toMatchObject({ params: {}, tags: {}, datasets: [], startedAt: 1_700_000_000_000, endedAt: null });
  });

  test('pages go on until they are empty, and every run comes once', async () => {
    const ids: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await client().searchRuns({ experimentIds: ['1'], maxResults: 10, cursor });
      ids.push(...page.runs.map((run) => run.runId));
      cursor = page.nextCursor ?? undefined;
    } while (cursor);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.length).toBeGreaterThan(41);
  });

  test('a history comes in the order of its steps', async () => {
    const { runs } = await client().searchRuns({ experimentIds: ['1'], filter: "params.dropout = '0.01'" });
    const history = await client().getMetricHistory(runs[0]?.runId ?? '', 'val_f1');
    expect(history.map((p) => p.step)).toEqual([...Array(20).keys()]);
    expect(Math.max(...history.map((p) => p.value))).toBe(0.744);
    expect(runs[0]?.metrics['val_f1']?.value).toBeLessThan(0.7);
    expect(await client().getMetricHistory(runs[0]?.runId ?? '', 'nothing')).toEqual([]);
  });

  test('a tag is set', async () => {
    const { runs } = await client().searchRuns({ experimentIds: ['1'], maxResults: 1 });
    const runId = runs[0]?.runId ?? '';
    await client().setTag(runId, 'labmate.record.sha256', 'c0861b');
    expect((await client().getRun(runId)).tags['labmate.record.sha256']).toBe('c0861b');
  });

  test('what is quoted stays one value', () => {
    expect(quote("it's")).toBe('"it\'s"');
    expect(() => quote(`'"`)).toThrow('both kinds of quotes');
  });
});

describe('errors', () => {
  test('a run that is not there is told apart from a server that is', async () => {
    const missing = await failure(client().getRun('0'.repeat(32)));
    expect(isNotFound(missing)).toBe(true);
    expect(missing.message).toContain('MLflow could not look up MLflow run 000');
    server.fault({ target: 'mlflow', kind: 'html', status: 500 });
    expect((await failure(client().getRun('0'.repeat(32)))).transient).toBe(true);
  });

  test('a refused filter is told in its own words', async () => {
    const error = await failure(client().searchRuns({ experimentIds: ['1'], filter: "params.a = 'b' or params.a = 'c'" }));
    expect(error.message).toContain("Invalid clause(s) in filter string: 'or'");
    expect(error.transient).toBe(false);
  });

  test('logins are sent, and a refused one is told without the password', async () => {
    const locked = await startMlflow({ training, login: { username: 'bot', password: 'p4ss' } });
    expect((await mlflow({ uri: locked.url, username: 'bot', password: 'p4ss' }).findExperiment('ads-rank-v3'))?.experimentId).toBe('1');
    const error = await failure(mlflow({ uri: locked.url, username: 'bot', password: 'wrong!' }).findExperiment('ads-rank-v3'));
    await locked.close();
    expect(error.message).toBe(
      "MLflow does not accept the bot's credentials (401): You are not authenticated. Please see https://www.mlflow.org/docs/latest/auth/index.html#authenticating-to-mlflow on how to authenticate.",
    );
    const bearer = await startMlflow({ training, token: 'tok' });
    expect(await mlflow({ uri: bearer.url, token: 'tok' }).findExperiment('Default')).toMatchObject({ experimentId: '0' });
    await bearer.close();
  });
});
