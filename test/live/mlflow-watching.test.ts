import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { type DatabricksStandIn, startDatabricks } from '../../src/sandbox/databricks.ts';
import { openTraining } from '../../src/sandbox/launches.ts';
import { databricks } from '../../src/services/databricks.ts';
import { type MLflow, mlflow } from '../../src/services/mlflow.ts';
import { progressReader } from '../../src/tools/run-progress.ts';
import { aToolbox } from './a-toolbox.ts';

// A job that logs to a real tracking server while it trains: what the watcher of sleeping sessions sees, and what the tools make of its id.

const real = inject('mlflow');

describe.skipIf(!real)('a job that logs to a real MLflow', () => {
  let workspace: DatabricksStandIn;
  let tracking: MLflow;
  const post = async (path: string, body: object) => {
    const answer = await fetch(`${real!.url}/api/2.0/mlflow/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    expect(answer.status, await answer.clone().text()).toBe(200);
    // biome-ignore lint/suspicious/noExplicitAny: a foreign answer, read by its paths.
    return (await answer.json()) as any;
  };
  /** In an experiment that no other file counts. */
  const logging = async (jobRunId: string, name: string, parent?: string) => {
    const tags = [{ key: 'mlflow.databricks.jobRunID', value: jobRunId }, ...(parent ? [{ key: 'mlflow.parentRunId', value: parent }] : [])];
    const { run } = await post('runs/create', { experiment_id: '0', run_name: name, start_time: Date.now(), tags });
    return run.info.run_id as string;
  };
  const log = (run_id: string, from: number, values: number[]) =>
    post('runs/log-batch', { run_id, metrics: values.map((value, i) => ({ key: 'val_f1', value, timestamp: Date.now(), step: from + i })) });
  beforeAll(async () => {
    workspace = await startDatabricks({ training: openTraining({ durationMs: 3_600_000 }), token: 't' });
    tracking = mlflow({ uri: real!.url });
  });
  afterAll(() => workspace?.close());

  test('is linked by the tag of the job run or of its task, and its parent is taken before its children', async () => {
    const jobs = databricks({ host: workspace.url, token: 't' });
    const box = await aToolbox({ databricks: jobs, mlflow: tracking });
    const { runId } = await jobs.runNow({ jobId: '101', parameters: { feature_set: 'v2' }, idempotencyToken: 'live-linked' });
    expect((await box.call('get_job_status', { run_id: runId })).data['mlflow_run_ids'] ?? []).toEqual([]);
    const { tasks } = await jobs.getRun(runId);
    const parent = await logging(tasks[0]!.runId, 'by its task');
    await logging(runId, 'a fold of it', parent);
    const status = await box.call('get_job_status', { run_id: runId });
    expect(status.data['mlflow_run_ids']).toEqual([parent]);
    expect((await box.call('fetch_mlflow_run', { run_id: runId })).data).toMatchObject({ run_id: parent, status: 'RUNNING' });
    await box.close();
  });

  test('is watched with all others at once: state, curve so far, and what came since', async () => {
    const jobs = databricks({ host: workspace.url, token: 't' });
    const runs = await Promise.all([1, 2, 3].map((n) => jobs.runNow({ jobId: '101', parameters: { seed: String(n) }, idempotencyToken: `live-watched-${n}` })));
    const logged = await Promise.all(runs.map(({ runId }, n) => logging(runId, `watched ${n}`)));
    await log(logged[0]!, 0, [0.5, 0.6]);
    const look = progressReader({
      databricks: jobs,
      mlflow: tracking,
      settings: { defaults: {}, metrics: { val_f1: 'max' }, thresholdReading: 'relative', recordsPath: 'experiments', environments: {} },
    });
    const watched = runs.map(({ runId }) => ({ runId, metrics: ['val_f1'] }));
    const first = await look(watched);
    expect([...first.keys()]).toEqual(runs.map(({ runId }) => runId));
    expect(first.get(runs[0]!.runId)).toMatchObject({
      terminal: false,
      histories: { val_f1: [expect.objectContaining({ step: 0, value: 0.5 }), expect.objectContaining({ step: 1, value: 0.6 })] },
    });
    expect(first.get(runs[1]!.runId)!.histories['val_f1'] ?? []).toEqual([]);
    await sleep(20);
    await log(logged[0]!, 2, [0.7]);
    await log(logged[1]!, 0, [0.4]);
    const second = await look(watched);
    expect(second.get(runs[0]!.runId)!.histories['val_f1']!.map((p) => p.value)).toEqual([0.5, 0.6, 0.7]);
    expect(second.get(runs[1]!.runId)!.histories['val_f1']!.map((p) => p.value)).toEqual([0.4]);
  });
});
