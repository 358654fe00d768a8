import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type DatabricksStandIn, startDatabricks } from '../../src/sandbox/databricks.ts';
import { openTraining } from '../../src/sandbox/launches.ts';
import { peers } from './peers.ts';

// Our Databricks stand-in as the vendor's own client meets it: what it can't read, a real workspace would not have sent.

/** As much of the SDK as is used; it brings types that a Node of 20 can't load everywhere. */
type Run = {
  run_id: number;
  state?: { life_cycle_state?: string; result_state?: string };
  status?: { state?: string; termination_details?: { code?: string; type?: string } };
  tasks?: { task_key: string; run_id: number }[];
  job_parameters?: { name?: string; value?: string; default?: string }[];
  run_page_url?: string;
};
type Waiter<T> = T & { wait(options?: object): Promise<Run> };
type Jobs = {
  runNow(request: object): Promise<Waiter<{ run_id: number; number_in_job: number }>>;
  getRun(request: object): Promise<Run>;
  getRunOutput(request: object): Promise<{ error?: string; error_trace?: string; logs?: string; notebook_output?: { result?: string } }>;
  cancelRun(request: object): Promise<Waiter<object>>;
  get(request: object): Promise<{ job_id: number; settings?: { name?: string; parameters?: { name: string; default: string }[] } }>;
  list(request: object): AsyncIterable<{ job_id: number; settings?: { name?: string } }>;
  listRuns(request: object): AsyncIterable<Run>;
};
type Sdk = { WorkspaceClient: new (config: object, options: object) => { jobs: Jobs; currentUser: unknown } };
type ApiError = { errorCode: string; statusCode: number; message: string };

const peer = peers.databricksSdk;

describe.skipIf(peer.skipped !== undefined)("the Databricks stand-in, driven by the vendor's SDK", () => {
  const training = openTraining({ durationMs: 1500 });
  let workspace: DatabricksStandIn;
  let sdk: Sdk;
  let jobs: Jobs;
  const open = (login: object) => new sdk.WorkspaceClient({ host: workspace.url, ...login }, { product: 'labmate-test', productVersion: '0.0.1' }).jobs;
  const refused = async (asked: Promise<unknown>) => {
    const error = (await asked.then(
      () => null,
      (e: unknown) => e,
    )) as ApiError | null;
    return error && { code: error.errorCode, status: error.statusCode, message: error.message };
  };
  beforeAll(async () => {
    if (peer.skipped !== undefined) return;
    sdk = ((await import(pathToFileURL(peer.entry).href)) as { default: Sdk }).default;
    workspace = await startDatabricks({ training, token: 'dapi-live', client: { id: 'app', secret: 'hush' } });
    jobs = open({ token: 'dapi-live', authType: 'pat' });
  });
  afterEach(() => workspace?.fault(null));
  afterAll(() => workspace?.close());

  test('starts one run for one idempotency token, however often it is sent', async () => {
    const asked = { job_id: 101, job_parameters: { feature_set: 'v2' }, idempotency_token: 'live-1' };
    const [first, again] = [await jobs.runNow(asked), await jobs.runNow(asked)];
    expect(again.run_id).toBe(first.run_id);
    expect(first.run_id).toBeGreaterThan(0);
    const other = await jobs.runNow({ ...asked, idempotency_token: 'live-2' });
    expect(other.run_id).not.toBe(first.run_id);
  });

  test('waits for a run by its own waiter, and reads its state in both encodings, its parameters and its output', async () => {
    const started = await jobs.runNow({ job_id: 101, job_parameters: { feature_set: 'v2' } });
    const run = await started.wait();
    expect(run.state).toMatchObject({ life_cycle_state: 'TERMINATED', result_state: 'SUCCESS' });
    expect(run.status).toMatchObject({ state: 'TERMINATED', termination_details: { code: 'SUCCESS', type: 'SUCCESS' } });
    expect(run.job_parameters?.find((p) => p.name === 'feature_set')).toMatchObject({ value: 'v2', default: expect.any(String) });
    expect(run.run_page_url).toBe(`${workspace.url}/jobs/101/runs/${run.run_id}`);
    const [task] = run.tasks!;
    const output = await jobs.getRunOutput({ run_id: task!.run_id });
    expect(JSON.parse(output.notebook_output!.result!)).toMatchObject({ run_id: expect.stringMatching(/^[0-9a-f]{32}$/) });
    expect(output.logs).toContain('val_f1=');
    expect(await refused(jobs.getRunOutput({ run_id: run.run_id }))).toMatchObject({ status: 400, code: 'INVALID_PARAMETER_VALUE' });
  });

  test('cancels a run, which ends a moment later', async () => {
    const started = await jobs.runNow({ job_id: 101, job_parameters: { feature_set: 'v1' } });
    await jobs.cancelRun({ run_id: started.run_id });
    const waited = await started.wait().catch(() => null);
    const run = waited ?? (await jobs.getRun({ run_id: started.run_id }));
    expect(run.state).toMatchObject({ life_cycle_state: 'TERMINATED', result_state: 'CANCELED' });
    expect(run.status?.termination_details).toMatchObject({ code: 'USER_CANCELED' });
  });

  test('lists jobs and runs page by page', async () => {
    const all = async <T>(list: AsyncIterable<T>) => {
      const items: T[] = [];
      for await (const item of list) items.push(item);
      return items;
    };
    const found = await all(jobs.list({ limit: 1 }));
    expect(found.map((job) => job.job_id)).toContain(101);
    expect(new Set(found.map((job) => job.job_id)).size).toBe(found.length);
    expect(await all(jobs.list({ name: 'nobody has this name' }))).toEqual([]);
    const runs = await all(jobs.listRuns({ job_id: 101, limit: 2 }));
    expect(runs.length).toBeGreaterThan(2);
    expect((await jobs.get({ job_id: 101 })).settings?.parameters?.map((p) => p.name)).toContain('feature_set');
  });

  test('is made to wait by 429 with Retry-After, and then answered', async () => {
    workspace.fault({ target: 'databricks', kind: 'status', status: 429, path: 'runs/get', times: 1, ms: 1000 });
    const { run_id } = await jobs.runNow({ job_id: 101, job_parameters: {} });
    const began = Date.now();
    expect(await jobs.getRun({ run_id })).toMatchObject({ run_id });
    expect(Date.now() - began).toBeGreaterThan(900);
  });

  test('logs in machine to machine, and is refused with a wrong secret', async () => {
    const machine = open({ clientId: 'app', clientSecret: 'hush', authType: 'oauth-m2m' });
    expect((await machine.get({ job_id: 101 })).job_id).toBe(101);
    const wrong = open({ clientId: 'app', clientSecret: 'other', authType: 'oauth-m2m' });
    expect(await refused(wrong.get({ job_id: 101 }))).not.toBeNull();
  });

  test('reads its error codes', async () => {
    expect(await refused(jobs.get({ job_id: 4711 }))).toMatchObject({
      status: 400,
      code: 'INVALID_PARAMETER_VALUE',
      message: expect.stringContaining('does not exist'),
    });
    expect(await refused(jobs.getRun({ run_id: 4711 }))).toMatchObject({ status: 400, code: 'INVALID_PARAMETER_VALUE' });
    expect(await refused(jobs.runNow({ job_id: 101, job_parameters: { epochs: 3 } }))).toMatchObject({ status: 400, code: 'MALFORMED_REQUEST' });
    expect(await refused(jobs.runNow({ job_id: 101, idempotency_token: 'x'.repeat(65) }))).toMatchObject({ status: 400, code: 'INVALID_PARAMETER_VALUE' });
    expect(await refused(open({ token: 'other', authType: 'pat' }).get({ job_id: 101 }))).toMatchObject({ status: 403 });
  });
});
