import type { Touches } from '../policy/touches.ts';
import type { Databricks, Job } from '../services/databricks.ts';
import { unlessMissing } from '../services/http.ts';
import { ToolError } from './define-tool.ts';

/** The job's own definition as Databricks has it now. */
export async function theJob(jobId: string, databricks: Databricks, signal: AbortSignal): Promise<Job> {
  const job = await unlessMissing(databricks.getJob(jobId, signal));
  if (job) return job;
  throw new ToolError('JOB_NOT_FOUND', `Databricks has no job ${jobId}.`, 'look for the job with list_databricks_jobs.');
}

/** What policy judges: the definition, and the parameters as they would take effect. */
export function jobTouched(job: Job, overrides: Record<string, string>): NonNullable<Touches['job']> {
  const defaults = Object.fromEntries(job.parameters.map((p) => [p.name, p.default]));
  return {
    id: job.jobId,
    name: job.name,
    tags: job.tags,
    runAs: job.runAs,
    parameters: { ...defaults, ...overrides },
    declared: job.parameters.map((p) => p.name),
  };
}

/** How long a job's last successful runs took, in ms: the median, and of how many. Null: there were none. */
export async function typicalDuration(jobId: string, databricks: Databricks, signal: AbortSignal): Promise<{ ms: number; of: number } | null> {
  const { runs } = await databricks.listRuns({ jobId, completedOnly: true }, signal);
  const took = runs.flatMap((run) => (run.status === 'SUCCEEDED' && run.durationMs ? [run.durationMs] : [])).sort((a, b) => a - b);
  const [lower, upper] = [took[Math.floor((took.length - 1) / 2)], took[Math.floor(took.length / 2)]];
  return lower === undefined || upper === undefined ? null : { ms: (lower + upper) / 2, of: took.length };
}
