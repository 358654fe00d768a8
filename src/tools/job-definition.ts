import { createHash } from 'node:crypto';
import { canonicalJson } from '../policy/digest.ts';
import type { Touches } from '../policy/touches.ts';
import type { Databricks, Job, JobRun } from '../services/databricks.ts';
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
    ofTasks: job.taskParameters,
  };
}

/** What a person was shown of a job: where one of these is another at the call, the same bytes would do something else. */
export function definitionDigest({ name, runAs, tags, parameters, taskParameters }: Job): string {
  return createHash('sha256').update(canonicalJson({ name, runAs, tags, parameters, taskParameters })).digest('hex');
}

/** The job's latest runs, those that go on included: how long it usually takes, and the run that was started last. */
export async function pastRuns(jobId: string, databricks: Databricks, signal: AbortSignal): Promise<{ typical: Typical | null; last: JobRun | null }> {
  const { runs } = await databricks.listRuns({ jobId }, signal);
  const last = runs.reduce<JobRun | null>((latest, run) => ((run.startedAt ?? 0) > (latest?.startedAt ?? -1) ? run : latest), null);
  return { typical: typicalOf(runs), last };
}

type Typical = { ms: number; of: number };

/** How long a job's last successful runs took, in ms: the median, and of how many. Null: there were none. */
export async function typicalDuration(jobId: string, databricks: Databricks, signal: AbortSignal): Promise<Typical | null> {
  return typicalOf((await databricks.listRuns({ jobId, completedOnly: true }, signal)).runs);
}

function typicalOf(runs: readonly JobRun[]): Typical | null {
  const took = runs.flatMap((run) => (run.status === 'SUCCEEDED' && run.durationMs ? [run.durationMs] : [])).sort((a, b) => a - b);
  const [lower, upper] = [took[Math.floor((took.length - 1) / 2)], took[Math.floor(took.length / 2)]];
  return lower === undefined || upper === undefined ? null : { ms: (lower + upper) / 2, of: took.length };
}
