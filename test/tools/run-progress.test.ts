import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { startJobWatch } from '../../src/runtime/job-watch.ts';
import { type StandIn, startStandIn } from '../../src/sandbox/stand-in.ts';
import { databricks } from '../../src/services/databricks.ts';
import { mlflow } from '../../src/services/mlflow.ts';
import { keptHistories } from '../../src/tools/kept-histories.ts';
import { progressReader } from '../../src/tools/run-progress.ts';
import { waitForJob } from '../../src/tools/wait-for-job.ts';
import { aLog } from '../runtime/a-log.ts';
import { facts } from './all-backends.ts';

/** Both backends at one address. Job run 7 logs to MLflow run m7, in experiment 7. */
const refusal = (status: number, error_code: string) => ({ status, body: { error_code, message: 'no' }, headers: {} as Record<string, string> });
let answers: { runs: Record<string, ReturnType<typeof refusal> | 'ended'>; mlflow: Record<string, ReturnType<typeof refusal>> };
let asked: string[] = [];
const step = 3;
let server: StandIn;

const jobRun = (id: string) => ({
  ...{ run_id: Number(id), job_id: 100 + Number(id), start_time: 1_700_000_000_000 },
  state: answers.runs[id] === 'ended' ? { life_cycle_state: 'TERMINATED', result_state: 'SUCCESS' } : { life_cycle_state: 'RUNNING' },
});
const logged = (id: string) => ({
  info: { run_id: `m${id}`, experiment_id: id, status: 'RUNNING' },
  data: { metrics: [{ key: 'val_f1', value: 0.5, step, timestamp: step }] },
});

beforeAll(async () => {
  server = await startStandIn({
    routes: {
      'GET /api/2.2/jobs/runs/get': ({ query }) => {
        const id = query.get('run_id') ?? '';
        asked.push(`run ${id}`);
        const answer = answers.runs[id];
        return typeof answer === 'object' ? answer : { body: jobRun(id) };
      },
      'GET /api/2.2/jobs/runs/list': () => ({ body: {} }),
      'POST /api/2.0/mlflow/experiments/search': () => ({ body: { experiments: ['1', '2', '3'].map((id) => ({ experiment_id: id, name: id })) } }),
      'POST /api/2.0/mlflow/runs/search': ({ body }) => {
        const { filter, experiment_ids: experiments } = body as { filter: string; experiment_ids: string[] };
        const link = /= '(\d+)'/.exec(filter)?.[1];
        if (link) return answers.mlflow[`link ${link}`] ?? { body: { runs: [logged(link)] } };
        const no = experiments.map((id) => answers.mlflow[`experiment ${id}`]).find((found) => found !== undefined);
        return no ?? { body: { runs: [...filter.matchAll(/'m(\d+)'/g)].map((found) => logged(found[1] ?? '')) } };
      },
      'GET /api/2.0/mlflow/metrics/get-history': ({ query }) => {
        const id = (query.get('run_id') ?? '').slice(1);
        asked.push(`history ${id}`);
        return answers.mlflow[`history ${id}`] ?? { body: { metrics: [{ key: 'val_f1', value: 0.5, step: 3, timestamp: 1 }] } };
      },
    },
  });
});
afterAll(() => server.close());
beforeEach(() => {
  answers = { runs: {}, mlflow: {} };
  asked = [];
});

const services = () => ({ databricks: databricks({ host: server.url, token: 't' }), mlflow: mlflow({ uri: server.url }) });
const settings = { defaults: {}, metrics: {}, thresholdReading: 'relative' as const, recordsPath: '', environments: {} };

/** Looks at these runs, a minute later each time. */
function reader(failed: (error: unknown) => void = () => {}) {
  let now = 0;
  const read = progressReader({ ...services(), settings, failed, now: () => now });
  return (ids: readonly string[], laterMs = 60_000) => {
    now += laterMs;
    return read(ids.map((runId) => ({ runId, metrics: ['val_f1'] })));
  };
}

describe('what can not be seen of one run', () => {
  test('a run that may not be looked at any more wakes its own session, with a sentence, and keeps no other asleep', async () => {
    const it = aLog();
    answers.runs = { 1: refusal(403, 'PERMISSION_DENIED'), 2: 'ended' };
    for (const id of ['1', '2']) await it.redis.hset(it.keys.waits, `s${id} c1`, `3 ${JSON.stringify({ run_ids: [id], until: 'all', conditions: [] })}`);
    const woken: string[] = [];
    const failures: unknown[] = [];
    const watch = startJobWatch({
      ...{ redis: it.redis, keys: it.keys, everyMs: 20, failed: (error) => failures.push(error) },
      poll: progressReader({ ...services(), settings }),
      deliver: async (_, command) => {
        if (command.do === 'wake') woken.push(`${command.session} ${JSON.stringify(command.data?.['runs'])}`);
        return { is: 'stored', session: command.session ?? '', seq: 4, alias: '' };
      },
    });
    await vi.waitFor(() => expect(woken).toHaveLength(2), 10_000);
    watch.stop();
    await it.close();
    expect(woken.sort()).toEqual(['s1 [{"run_id":"1","status":"UNREADABLE"}]', 's2 [{"run_id":"2","status":"SUCCEEDED"}]']);
    expect(failures).toEqual([]);
    const again = waitForJob.run({ run_ids: ['1'], until: 'all' } as never, {
      ...{ services: services(), settings, session: facts },
      ...{ signal: new AbortController().signal, now: Date.now },
    });
    await expect(again).rejects.toThrow('Databricks refused to look up run 1 (403 PERMISSION_DENIED): no');
  });

  test('while Databricks is away, nobody behind the run that met it is asked about, until it is back', async () => {
    const failures: unknown[] = [];
    const look = reader((error) => failures.push(error));
    answers.runs = { 2: { ...refusal(429, 'RATE_LIMITED'), headers: { 'retry-after': '40' } } };
    const first = await look(['1', '2', '3']);
    expect([first.get('1')?.status, first.get('2'), first.has('3')]).toEqual(['RUNNING', null, false]);
    expect(failures).toHaveLength(1);
    asked = [];
    expect((await look(['3', '1'], 39_000)).size).toBe(0);
    expect(asked).toEqual([]);
    expect((await look(['3', '1'], 2_000)).size).toBe(2);
  });

  test.each([
    ['a history', 'history 1'],
    ['the link to MLflow', 'link 1'],
    ['the experiment', 'experiment 1'],
  ])('%s that is refused blinds no condition of another run', async (_, which) => {
    const look = reader();
    answers.mlflow = { [which]: refusal(403, 'PERMISSION_DENIED') };
    let seen = await look(['1', '2']);
    for (let round = 0; round < 3; round++) seen = await look(['1', '2']);
    expect(seen.get('1')?.histories['val_f1'] ?? []).toEqual([]);
    expect(seen.get('2')?.histories['val_f1']).toHaveLength(1);
    expect(asked.filter((what) => what === 'history 1').length).toBeLessThan(2);
  });

  test('an MLflow that says "in a year" is asked again within a day', async () => {
    const look = reader();
    answers.mlflow = { 'history 1': { ...refusal(503, 'X'), headers: { 'retry-after': '31536000' } } };
    expect((await look(['1'])).get('1')?.histories).toEqual({});
    answers.mlflow = {};
    expect((await look(['1'], 25 * 3_600_000)).get('1')?.histories['val_f1']).toHaveLength(1);
  });
});

describe('what is kept in memory of histories', () => {
  test('ends with its run', async () => {
    const look = reader();
    await look(['1']);
    answers.runs = { 1: 'ended' };
    await look(['1']);
    asked = [];
    await look(['1']);
    expect(asked).toContain('history 1');
  });

  test('goes when nobody asks any more, and where there is too much of it: what was asked about longest ago first', () => {
    let now = 0;
    const kept = keptHistories(() => now);
    const points = Array.from({ length: 150_000 }, (_, i) => ({ step: i, value: 0 }));
    for (const run of ['a', 'b']) kept.keep(`${run} loss`, 'x', points);
    expect(kept.get('a loss', 'another')).toBeNull();
    expect(kept.get('a loss', 'x')).toBe(points);
    kept.keep('c loss', 'x', points);
    expect(['a', 'b', 'c'].filter((run) => kept.get(`${run} loss`, 'x'))).toEqual(['a', 'c']);
    now += 300_000;
    kept.keep('d loss', 'x', []);
    expect(['a', 'c', 'd'].filter((run) => kept.get(`${run} loss`, 'x'))).toEqual(['d']);
  });
});
