import { isNotFound } from '../services/http.ts';
import { type MLflow, type MlflowRun, quote } from '../services/mlflow.ts';
import { checkRun, mayReadExperiment } from './allowed.ts';
import { type ContextWith, type ToolContext, ToolError, type ToolSettings } from './define-tool.ts';

/** The tag by which MLflow marks a run that a Databricks job run logged; whether it holds the job run's id or a task's differs. */
const JOB_RUN_TAG = 'mlflow.databricks.jobRunID';

const MLFLOW_ID = /^[0-9a-f]{32}$/;
const DATABRICKS_ID = /^\d{1,19}$/;

/** Whether a job run of one of these ids logged this MLflow run. */
export function isOfJobRun(run: MlflowRun, jobRunIds: readonly string[]): boolean {
  const tagged = run.tags[JOB_RUN_TAG];
  const source = /\/run\/(\d+)$/.exec(run.tags['mlflow.source.name'] ?? '')?.[1];
  return jobRunIds.some((id) => id === tagged || id === source);
}

/** MLflow runs tagged with a Databricks job run or one of its task runs, parents first. Never guesses: no tag, no run. */
export async function linkedRuns(
  mlflow: MLflow,
  jobRunId: string,
  { services, settings, signal }: Pick<ToolContext, 'services' | 'settings' | 'signal'>,
): Promise<MlflowRun[]> {
  const ids = [jobRunId, ...(await taskRunIds(jobRunId, services.databricks, signal))];
  const experimentIds = await searchable(mlflow, settings, signal);
  if (experimentIds.length === 0) return [];
  const found = new Map<string, MlflowRun>();
  for (const id of ids) {
    const filter = `tags.\`${JOB_RUN_TAG}\` = ${quote(id)}`;
    const { runs } = await mlflow.searchRuns({ experimentIds, filter, maxResults: 50 }, signal);
    for (const run of runs) if (!run.deleted) found.set(run.runId, run);
  }
  const nested = (run: MlflowRun) => Number(run.tags['mlflow.parentRunId'] !== undefined);
  return [...found.values()].sort((a, b) => nested(a) - nested(b) || (a.startedAt ?? 0) - (b.startedAt ?? 0));
}

/** The MLflow run an id stands for: its own, or that of the one run a Databricks job run logged. Throws a ToolError that says which id is wanted. */
export async function theMlflowRun(id: string, ctx: ContextWith<'mlflow'>): Promise<{ run: MlflowRun; note: string | null }> {
  const mlflow = ctx.services.mlflow;
  const wanted = id.trim().toLowerCase();
  if (DATABRICKS_ID.test(wanted)) return await loggedBy(wanted, mlflow, ctx);
  if (!MLFLOW_ID.test(wanted)) {
    throw new ToolError(
      'NOT_A_RUN_ID',
      `"${id.slice(0, 60)}" is not an MLflow run id, which has 32 hex digits.`,
      'take the id from find_best_run or from get_job_status (mlflow_run_ids).',
    ).about('run_id');
  }
  const run = await mlflow.getRun(wanted, ctx.signal).catch((error: unknown) => {
    if (isNotFound(error)) return null;
    throw error;
  });
  if (!run)
    throw new ToolError('RUN_NOT_FOUND', `MLflow has no run ${wanted}.`, 'check the id, or look for the run with find_best_run or get_job_status.').about(
      'run_id',
    );
  await checkRun(run, ctx);
  return { run, note: null };
}

async function loggedBy(jobRunId: string, mlflow: MLflow, ctx: ToolContext): Promise<{ run: MlflowRun; note: string }> {
  const runs = await linkedRuns(mlflow, jobRunId, ctx);
  const said = `${jobRunId} is a Databricks run id; MLflow run ids have 32 hex digits.`;
  const wholes = runs.filter((run) => run.tags['mlflow.parentRunId'] === undefined);
  const run = wholes.length === 1 ? wholes[0] : runs.length === 1 ? runs[0] : undefined;
  if (run)
    return {
      run,
      note: `${said} It logged MLflow run ${run.runId}, by its tag ${JOB_RUN_TAG}.${runs.length > 1 ? ` Its ${runs.length - 1} nested runs are left out.` : ''}`,
    };
  if (runs.length > 1)
    throw new ToolError(
      'SEVERAL_MLFLOW_RUNS',
      `${said} It logged ${runs.length}: ${runs
        .slice(0, 10)
        .map((r) => r.runId)
        .join(', ')}.`,
      'call again with one of these.',
    );
  throw new ToolError(
    'NOT_AN_MLFLOW_RUN',
    `${said} No MLflow run carries its tag ${JOB_RUN_TAG}.`,
    'look for mlflow_run_ids in get_job_status, or ask which MLflow run is meant; the newest run need not be it.',
  );
}

async function taskRunIds(jobRunId: string, databricks: ToolContext['services']['databricks'], signal: AbortSignal): Promise<string[]> {
  try {
    const run = await databricks?.getRun(jobRunId, signal);
    return run?.tasks.map((task) => task.runId).filter((id) => id !== jobRunId) ?? [];
  } catch (error) {
    // Old runs vanish from Databricks after 60 days; their MLflow runs stay.
    if (isNotFound(error)) return [];
    throw error;
  }
}

/** Runs are searched by experiment only: the configured one and the first hundred, as far as they may be read. */
async function searchable(mlflow: MLflow, settings: ToolSettings, signal: AbortSignal): Promise<string[]> {
  const usual = settings.defaults.experiment;
  const { experiments } = await mlflow.listExperiments({}, signal);
  const first = usual === undefined ? null : await mlflow.findExperiment(usual, signal);
  const all = [...(first ? [first] : []), ...experiments].filter((e) => mayReadExperiment(e, settings));
  return [...new Set(all.map((e) => e.experimentId))];
}
