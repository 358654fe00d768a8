import { visible } from '../policy/outside-text.ts';
import type { Databricks, JobRun } from '../services/databricks.ts';
import { UpstreamError, unlessMissing } from '../services/http.ts';
import { lookAt, type Polled } from '../services/poll-runs.ts';
import type { ContextWith } from './define-tool.ts';
import { linkedRuns } from './linked-runs.ts';
import { cell, fenced } from './markdown.ts';

/** What a tool tells of a run: plain JSON, as the model and the log get it. */
export type RunReport = {
  run_id: string;
  job_id?: string;
  status: Polled['status'];
  raw_state: string;
  terminal: boolean;
  message?: string;
  /** Why it failed, from the failed tasks' own outputs. */
  causes?: { task: string; error: string; trace_tail?: string }[];
  started_at?: string;
  ended_at?: string;
  duration_s?: number;
  run_url?: string;
  parameters?: Record<string, string>;
  mlflow_run_ids?: string[];
  mlflow_note?: string;
};

type Reach = Pick<ContextWith<'databricks'>, 'services' | 'settings' | 'signal'>;

const TRACE_LINES = 15;
const LONGEST_TRACE = 2_000;

/** Looks at runs and, where one has ended, at what it left: the failed tasks' causes and its MLflow runs. Throws UpstreamError. */
export async function readRuns(runIds: readonly string[], reach: Reach): Promise<RunReport[]> {
  const reports: RunReport[] = [];
  // One after the other: a wait for twenty runs must not spend the workspace's rate limit at once.
  for (const runId of runIds) reports.push(await readRun(runId, reach));
  return reports;
}

/** One of them. Where MLflow can't say what it logged a note stands in its place, unless that is `thrown`. */
export async function readRun(runId: string, reach: Reach, { thrown = false } = {}): Promise<RunReport> {
  const { databricks } = reach.services;
  const { run, status, terminal } = await lookAt(databricks, runId, reach.signal);
  if (!run) {
    const message = `Databricks knows no run ${runId}: it was deleted, never existed, or is older than the 60 days for which runs are kept. Its outcome can't be read any more.`;
    return { run_id: runId, status, raw_state: 'VANISHED', terminal, message };
  }
  const outputs = run.terminal ? await outputsOf(run, databricks, reach.signal) : [];
  const causes = outputs.flatMap(({ task, error, trace }) =>
    error ? [{ task, error: clip(visible(error), 600), ...(trace ? { trace_tail: tail(visible(trace)) } : {}) }] : [],
  );
  const message = [run.message, run.termination && meaning(run.termination)].filter(Boolean).join(' ');
  return {
    run_id: run.runId,
    job_id: run.jobId,
    status: run.status,
    raw_state: run.rawState,
    terminal: run.terminal,
    ...(message ? { message: clip(message, 600) } : {}),
    ...(causes.length > 0 ? { causes } : {}),
    ...(run.startedAt === null ? {} : { started_at: new Date(run.startedAt).toISOString() }),
    ...(run.endedAt === null ? {} : { ended_at: new Date(run.endedAt).toISOString() }),
    ...(run.durationMs === null ? {} : { duration_s: Math.round(run.durationMs / 100) / 10 }),
    ...(run.url === null ? {} : { run_url: run.url }),
    parameters: run.parameters,
    ...(await mlflowOf(run, outputs, reach, thrown)),
  };
}

/** One run in words. */
export function inWords(report: RunReport): string {
  const took = report.duration_s === undefined ? '' : ` after ${seconds(report.duration_s)}`;
  const lines = [
    `Run ${report.run_id}${report.job_id ? ` of job ${report.job_id}` : ''}: ${report.status}${report.terminal && report.status !== 'VANISHED' ? took : ''}${rawIn(report)}.`,
    ...(report.message ? [cell(report.message, 600)] : []),
    ...(report.causes ?? []).map(
      (cause) => `Cause, from task ${cell(cause.task)}: ${cell(cause.error, 600)}${cause.trace_tail ? `\n${fenced(cause.trace_tail)}` : ''}`,
    ),
    ...(report.mlflow_run_ids?.length ? [`MLflow: ${report.mlflow_run_ids.join(', ')}.`] : []),
    ...(report.mlflow_note ? [report.mlflow_note] : []),
    ...(report.run_url ? [report.run_url] : []),
  ];
  return lines.join('\n');
}

/** Databricks' own word for it, where that says more than ours: for a run that went as it should it says the same once more. */
function rawIn({ status, raw_state: raw }: RunReport): string {
  const words = raw.split(/[^A-Z_]+/).filter((word) => word !== '' && word !== status && !SAYS_NOTHING.has(word));
  return words.length > 0 ? ` (${words.join(', ')})` : '';
}

/** INTERNAL_ERROR is what a job's own failing code looks like, too: only the code behind it tells. */
const SAYS_NOTHING = new Set(['TERMINATED', 'SUCCESS', 'TIMEDOUT', 'INTERNAL_ERROR']);

export function seconds(s: number): string {
  if (s < 120) return `${Math.round(s * 10) / 10} s`;
  return s < 7200 ? `${Math.round(s / 6) / 10} min` : `${Math.round(s / 360) / 10} h`;
}

type Output = { task: string; taskRunId: string; error: string | null; trace: string | null; result: string | null; mlflowRunId: string | null };

/** Failed tasks tell why; a succeeded one may tell its MLflow run. */
async function outputsOf(run: JobRun, databricks: Databricks, signal: AbortSignal): Promise<Output[]> {
  const outputs: Output[] = [];
  for (const task of run.tasks.slice(0, 10)) {
    try {
      const { error, errorTrace, result, mlflowRunId } = await databricks.getTaskOutput(task.runId, signal);
      outputs.push({ task: task.taskKey, taskRunId: task.runId, error, trace: errorTrace, result, mlflowRunId });
    } catch (error) {
      // The run's own state stands without its output: a task that never began has none, and reading one may not be permitted.
      if (!(error instanceof UpstreamError) || error.transient) throw error;
      if (task.status === 'FAILED')
        outputs.push({
          task: task.taskKey,
          taskRunId: task.runId,
          error: `its output can't be read: ${error.message}`,
          trace: null,
          result: null,
          mlflowRunId: null,
        });
    }
  }
  return outputs;
}

/** The MLflow runs a job run logged: by MLflow's own tag, else by what the run says itself. None: said so, never guessed. */
async function mlflowOf(run: JobRun, outputs: readonly Output[], reach: Reach, thrown: boolean): Promise<Pick<RunReport, 'mlflow_run_ids' | 'mlflow_note'>> {
  const { mlflow } = reach.services;
  if (!mlflow) return {};
  try {
    const tagged = await linkedRuns(mlflow, run.runId, reach);
    const parents = tagged.filter((r) => r.tags['mlflow.parentRunId'] === undefined);
    if (tagged.length > 0) {
      const ids = (parents.length > 0 ? parents : tagged).map((r) => r.runId);
      return { mlflow_run_ids: ids, ...(ids.length > 1 ? { mlflow_note: `It logged ${ids.length} MLflow runs; name the one that is meant.` } : {}) };
    }
    const told = [...new Set(outputs.flatMap((o) => [runIdIn(o.result), o.mlflowRunId]).filter((id) => id !== null))];
    const known: string[] = [];
    for (const id of told) {
      const logged = await unlessMissing(mlflow.getRun(id, reach.signal));
      if (logged) known.push(logged.runId);
    }
    if (known.length > 0) return { mlflow_run_ids: known };
    return run.terminal ? { mlflow_note: 'No MLflow run is linked to it by tag or output; the newest run need not be its.' } : {};
  } catch (error) {
    // What Databricks said is worth telling even where MLflow refuses; a passing failure is waited for, but not while the run goes on.
    if (thrown || !(error instanceof UpstreamError) || (error.transient && run.terminal)) throw error;
    return { mlflow_note: `Its MLflow run is not known: ${error.message}` };
  }
}

function runIdIn(result: string | null): string | null {
  try {
    const value: unknown = JSON.parse(result ?? '');
    const id = (value as { run_id?: unknown; mlflow_run_id?: unknown } | null)?.mlflow_run_id ?? (value as { run_id?: unknown } | null)?.run_id;
    return typeof id === 'string' && /^[0-9a-f]{32}$/.test(id) ? id : null;
  } catch {
    return null;
  }
}

/** Whose fault an end was, in words: the life cycle state INTERNAL_ERROR says nothing of it. */
function meaning({ code, type }: { code: string; type: string | null }): string {
  if (code === 'RUN_EXECUTION_ERROR') return "The job's own code failed.";
  if (code === 'CLUSTER_ERROR' || code === 'CLOUD_FAILURE' || type === 'CLOUD_FAILURE')
    return 'The cluster or the cloud failed, not the code; running it again may work.';
  if (code === 'LIBRARY_INSTALLATION_ERROR') return 'A library could not be installed.';
  if (code === 'UNAUTHORIZED_ERROR' || code === 'STORAGE_ACCESS_ERROR') return 'The job lacks a permission.';
  if (code === 'MAX_CONCURRENT_RUNS_EXCEEDED' || code === 'MAX_JOB_QUEUE_SIZE_EXCEEDED') return 'The job was already running as often as it may.';
  if (code === 'WORKSPACE_RUN_LIMIT_EXCEEDED') return 'The workspace runs as many jobs as it may.';
  if (code === 'BUDGET_POLICY_LIMIT_EXCEEDED') return 'Its budget policy is spent.';
  if (type === 'INTERNAL_ERROR') return 'Databricks itself failed, not the code.';
  return '';
}

const clip = (text: string, most: number) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);

function tail(trace: string): string {
  const lines = trace.trimEnd().split('\n').slice(-TRACE_LINES).join('\n');
  return lines.length > LONGEST_TRACE ? `…${lines.slice(-LONGEST_TRACE)}` : lines;
}
