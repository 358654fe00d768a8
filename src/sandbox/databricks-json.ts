import { mlflowRunIdOf, type SeedJob } from './seed-jobs.ts';
import { type Launch, type Progress, trainingAt } from './training.ts';

/** The Jobs API's own JSON: ids as bigints (bare digits on the wire), both encodings of a state. */

export function jobJson(job: SeedJob, detail: 'list' | 'get'): Record<string, unknown> {
  const settings = { name: job.name, tags: job.tags, max_concurrent_runs: job.maxConcurrentRuns, format: 'MULTI_TASK' };
  const common = { job_id: BigInt(job.id), creator_user_name: 'mlops@acme.example', created_time: 1_760_000_000_000 };
  if (detail === 'list') return { ...common, settings };
  const started = (job.starts ?? []).map(({ job: id, parameters }, i) => ({
    task_key: `start_${i + 1}`,
    depends_on: [{ task_key: 'train' }],
    run_job_task: { job_id: BigInt(id), job_parameters: parameters },
  }));
  const tasks = [{ task_key: 'train', spark_python_task: { python_file: '/Workspace/ads/train.py' } }, ...started];
  return { ...common, run_as_user_name: job.runAs, settings: { ...settings, parameters: job.parameters, tasks } };
}

export function runJson(launch: Launch, job: SeedJob, now: number, host: string, expand = true): Record<string, unknown> {
  const progress = trainingAt(launch, now);
  const states = { state: stateJson(progress), status: statusJson(progress) };
  const ended = progress.endedAt ?? 0;
  const times = {
    start_time: launch.startedAt,
    end_time: Math.round(ended),
    run_duration: ended ? Math.round(ended - launch.startedAt) : 0,
    setup_duration: 0,
    execution_duration: 0,
    cleanup_duration: 0,
  };
  const task = { task_key: 'train', run_id: BigInt(launch.taskRunId), ...states, ...times, attempt_number: 0 };
  return {
    job_id: BigInt(launch.jobId),
    run_id: BigInt(launch.runId),
    number_in_job: BigInt(launch.runId),
    run_name: job.name,
    creator_user_name: 'labmate-bot',
    ...states,
    ...times,
    job_parameters: job.parameters.map((p) => {
      const value = launch.parameters[p.name];
      return value === undefined ? p : { ...p, value };
    }),
    run_page_url: pageUrl(launch, host),
    run_type: 'JOB_RUN',
    trigger: 'ONE_TIME',
    format: 'MULTI_TASK',
    ...(expand ? { tasks: [task] } : {}),
  };
}

/** What get-output tells of a task run: the cause of a failure stands nowhere else. */
export function outputJson(launch: Launch, job: SeedJob, now: number, host: string): Record<string, unknown> {
  const { result, failure, phase, epochs } = trainingAt(launch, now);
  // What the training code printed; there is nothing before its cluster runs.
  const said = epochs.map(
    ({ epoch, metrics }) =>
      `epoch ${epoch}: ${Object.entries(metrics)
        .map(([key, value]) => `${key}=${value}`)
        .join(' ')}`,
  );
  const logs = phase === 'PENDING' || result === 'SKIPPED' ? {} : { logs: [`INFO training ${job.name}`, ...said, ''].join('\n'), logs_truncated: false };
  const { tasks: _, ...metadata } = runJson(launch, job, now, host);
  return {
    metadata: { ...metadata, run_id: BigInt(launch.taskRunId), task_key: 'train' },
    ...logs,
    ...(failure && result !== 'SKIPPED' ? { error: failure.error, ...(failure.trace ? { error_trace: failure.trace } : {}) } : {}),
    ...(result === 'SUCCESS' && job.experiment ? { notebook_output: { result: JSON.stringify({ run_id: mlflowRunIdOf(launch) }), truncated: false } } : {}),
  };
}

export function pageUrl(launch: Pick<Launch, 'jobId' | 'runId'>, host: string): string {
  return `${host}/jobs/${launch.jobId}/runs/${launch.runId}`;
}

function stateJson({ phase, result, failure }: Progress): Record<string, unknown> {
  if (phase !== 'ENDED') return { life_cycle_state: phase, state_message: phase === 'PENDING' ? 'Waiting for cluster' : 'In run' };
  switch (result) {
    case 'FAILED':
      // A user's own failing code looks like this too: the platform did not break.
      return {
        life_cycle_state: 'INTERNAL_ERROR',
        result_state: 'FAILED',
        state_message: 'Task train failed with message: Workload failed, see run output for details.',
      };
    case 'SKIPPED':
      return { life_cycle_state: 'SKIPPED', state_message: 'The maximum number of concurrent runs has been reached.' };
    default:
      return { life_cycle_state: 'TERMINATED', result_state: result, state_message: failure?.error ?? (result === 'CANCELED' ? 'Run cancelled.' : '') };
  }
}

function statusJson({ phase, result, failure }: Progress): Record<string, unknown> {
  if (phase !== 'ENDED') return { state: phase };
  const details =
    result === 'SUCCESS'
      ? { code: 'SUCCESS', type: 'SUCCESS', message: '' }
      : result === 'CANCELED'
        ? { code: 'USER_CANCELED', type: 'CLIENT_ERROR', message: 'The run was cancelled.' }
        : { code: failure?.code, type: failure?.type, message: 'The run failed; see its output for details.' };
  return { state: 'TERMINATED', termination_details: details };
}
