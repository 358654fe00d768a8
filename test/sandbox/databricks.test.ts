import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type DatabricksStandIn, startDatabricks } from '../../src/sandbox/databricks.ts';
import { openTraining } from '../../src/sandbox/launches.ts';
import { learningCurve, trainingAt } from '../../src/sandbox/training.ts';

let clock = 1_790_000_000_000;
const folder = mkdtempSync(join(tmpdir(), 'labmate-training-'));
const open = () => openTraining({ folder, clock: () => clock });
let workspace: DatabricksStandIn;

beforeAll(async () => {
  workspace = await startDatabricks({ training: open(), token: 'dapi-test' });
});
afterAll(() => workspace.close());

async function call(path: string, body?: unknown, token = 'dapi-test') {
  const answer = await fetch(`${workspace.url}/api/2.2/jobs/${path}`, {
    ...(body ? { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body) } : {}),
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
  });
  const text = await answer.text();
  return { status: answer.status, text, json: text ? JSON.parse(text) : null };
}

describe('a run', () => {
  test('goes from pending to success in six seconds and echoes its parameters', async () => {
    const { json: started } = await call('run-now', { job_id: 101, job_parameters: { feature_set: 'v2' }, idempotency_token: 'a' });
    expect((await call(`runs/get?run_id=${started.run_id}`)).json).toMatchObject({ state: { life_cycle_state: 'PENDING' }, end_time: 0 });
    clock += 3000;
    expect((await call(`runs/get?run_id=${started.run_id}`)).json.state.life_cycle_state).toBe('RUNNING');
    clock += 3000;
    const { json } = await call(`runs/get?run_id=${started.run_id}`);
    expect(json).toMatchObject({
      job_id: 101,
      state: { life_cycle_state: 'TERMINATED', result_state: 'SUCCESS' },
      status: { state: 'TERMINATED', termination_details: { code: 'SUCCESS' } },
      run_duration: 6000,
    });
    expect(json.job_parameters).toContainEqual({ name: 'feature_set', default: 'v1', value: 'v2' });
  });

  test('is the same for the same idempotency token, another for another', async () => {
    const ids = [];
    for (const token of ['b', 'b', 'c']) ids.push((await call('run-now', { job_id: 101, idempotency_token: token })).json.run_id);
    expect(ids[0]).toBe(ids[1]);
    expect(ids[2]).not.toBe(ids[0]);
  });

  test('that runs out of memory looks like INTERNAL_ERROR, and only its task tells why', async () => {
    const { json: started } = await call('run-now', { job_id: 101, job_parameters: { fail: 'oom' } });
    clock += 6000;
    const { json: run } = await call(`runs/get?run_id=${started.run_id}`);
    expect(run.state).toMatchObject({ life_cycle_state: 'INTERNAL_ERROR', result_state: 'FAILED' });
    expect(run.status.termination_details).toMatchObject({ code: 'RUN_EXECUTION_ERROR', type: 'CLIENT_ERROR' });
    expect(JSON.stringify(run)).not.toContain('CUDA');
    expect((await call(`runs/get-output?run_id=${started.run_id}`)).status).toBe(400);
    const { json: output } = await call(`runs/get-output?run_id=${run.tasks[0].run_id}`);
    expect(output.error).toContain('CUDA out of memory');
    expect(output.error_trace).toContain('train.py", line 148');
  });

  test('is canceled a moment after it was asked to', async () => {
    const { json: started } = await call('run-now', { job_id: 101 });
    clock += 2000;
    expect(await call('runs/cancel', { run_id: started.run_id })).toMatchObject({ status: 200, json: {} });
    expect((await call(`runs/get?run_id=${started.run_id}`)).json.state.life_cycle_state).toBe('TERMINATING');
    clock += 500;
    expect((await call(`runs/get?run_id=${started.run_id}`)).json.state).toMatchObject({ life_cycle_state: 'TERMINATED', result_state: 'CANCELED' });
  });

  test('can vanish half way', async () => {
    const { json: started } = await call('run-now', { job_id: 101, job_parameters: { fail: 'vanish' } });
    clock += 6000;
    expect(await call(`runs/get?run_id=${started.run_id}`)).toMatchObject({ status: 404, json: { error_code: 'RESOURCE_DOES_NOT_EXIST' } });
  });

  test('survives a restart of the stand-in, with its token', async () => {
    const { json: started } = await call('run-now', { job_id: 101, idempotency_token: 'kept' });
    await workspace.close();
    workspace = await startDatabricks({ training: open(), token: 'dapi-test' });
    expect((await call(`runs/get?run_id=${started.run_id}`)).status).toBe(200);
    expect((await call('run-now', { job_id: 101, idempotency_token: 'kept' })).json.run_id).toBe(started.run_id);
  });

  test('has a page behind its link', async () => {
    const { json: started } = await call('run-now', { job_id: 101, job_parameters: { feature_set: '<b>x</b>' } });
    const { json: run } = await call(`runs/get?run_id=${started.run_id}`);
    const page = await (await fetch(run.run_page_url)).text();
    expect(page).toContain(`run ${started.run_id}`);
    expect(page).not.toContain('<b>x</b>');
  });
});

describe('what it refuses', () => {
  test.each([
    ['an unknown job', 'get?job_id=999', undefined, 400, 'INVALID_PARAMETER_VALUE'],
    ['a job without rights', 'get?job_id=903', undefined, 403, 'PERMISSION_DENIED'],
    ['an unknown run', 'runs/get?run_id=5', undefined, 400, 'INVALID_PARAMETER_VALUE'],
    ['more than 24 runs a page', 'runs/list?limit=25', undefined, 400, 'INVALID_PARAMETER_VALUE'],
    ['active and completed at once', 'runs/list?active_only=true&completed_only=true', undefined, 400, 'INVALID_PARAMETER_VALUE'],
    ['a parameter that is no string', 'run-now', { job_id: 101, job_parameters: { epochs: 3 } }, 400, 'MALFORMED_REQUEST'],
    ['a token of 65 characters', 'run-now', { job_id: 101, idempotency_token: 'x'.repeat(65) }, 400, 'INVALID_PARAMETER_VALUE'],
    ['an unknown call', 'nothing', undefined, 404, 'ENDPOINT_NOT_FOUND'],
  ])('%s', async (_, path, body, status, code) => {
    expect(await call(path, body)).toMatchObject({ status, json: { error_code: code } });
  });

  test('a wrong token with 403, a missing one with an empty 401', async () => {
    expect(await call('list', undefined, 'other')).toMatchObject({ status: 403 });
    const answer = await fetch(`${workspace.url}/api/2.2/jobs/list`);
    expect([answer.status, await answer.text()]).toEqual([401, '']);
  });
});

test('lists come in pages, newest first, and are absent when empty', async () => {
  const { json: first } = await call('runs/list?job_id=900&limit=1&completed_only=true');
  expect(first).toMatchObject({ has_more: true, next_page_token: '1' });
  const { json: second } = await call('runs/list?job_id=900&limit=1&completed_only=true&page_token=1');
  expect(second.has_more).toBe(false);
  expect(second.runs[0].start_time).toBeLessThan(first.runs[0].start_time);
  expect((await call('runs/list?job_id=102')).json).toEqual({ has_more: false });
  expect((await call('list?name=ADS-train')).json.jobs).toHaveLength(1);
});

test('a job with 19 digits keeps them in every answer', async () => {
  const { text } = await call('run-now', '{"job_id": 9007199254740993123}');
  const runId = /"run_id":(\d+)/.exec(text)?.[1] ?? '';
  expect(runId).toHaveLength(19);
  expect((await call(`runs/get?run_id=${runId}`)).text).toContain('"job_id":9007199254740993123');
});

describe('the training', () => {
  const last = (parameters: Record<string, string>) => learningCurve(parameters).at(-1)?.metrics['val_f1'] ?? 0;

  test('v2 is 3 % better than the defaults, tiny far worse, other settings a little different', () => {
    expect(last({})).toBe(0.7126);
    expect(last({ feature_set: 'v2' }) / last({})).toBeCloseTo(1.0303, 4);
    expect(last({ feature_set: 'tiny' }) / last({})).toBeCloseTo(0.74, 3);
    expect(last({ learning_rate: '0.02' }) / last({})).toBeCloseTo(0.9989, 3);
    expect(last({ learning_rate: '3' })).toBeNaN();
  });

  test('is the same for everybody, and grows with the clock', () => {
    const launch = { runId: '1', taskRunId: '2', jobId: '101', parameters: { feature_set: 'v2' }, startedAt: 0, durationMs: 6000 };
    expect(trainingAt(launch, 3300).epochs).toEqual(learningCurve({ feature_set: 'v2' }).slice(0, 10));
    expect(trainingAt(launch, 6000)).toMatchObject({ phase: 'ENDED', result: 'SUCCESS', endedAt: 6000 });
  });
});
