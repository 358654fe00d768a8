import { createHash } from 'node:crypto';
import { canonicalJson } from '../policy/digest.ts';
import { filledIn } from '../policy/environments.ts';
import type { JobTouched } from '../policy/touches.ts';
import type { Databricks, Job, JobRun } from '../services/databricks.ts';
import { unlessMissing } from '../services/http.ts';
import { ToolError } from './define-tool.ts';

/** A job with the definitions of all jobs that its tasks start, and theirs: each once for what it is given. */
export type WholeJob = Job & {
  inner: { job: Job; given: Record<string, string> /** Which of `inner` starts it; null for the job itself. */; by: number | null }[];
};

/** Databricks itself nests jobs three deep. More jobs than so many are no experiment. */
const DEEPEST = 3;
const MOST_STARTED = 20;

/** The job's own definition as Databricks has it now, and those of the jobs that it starts. */
export async function theJob(jobId: string, databricks: Databricks, signal: AbortSignal): Promise<WholeJob> {
  const job = await unlessMissing(databricks.getJob(jobId, signal));
  if (!job) throw new ToolError('JOB_NOT_FOUND', `Databricks has no job ${jobId}.`, 'look for the job with list_databricks_jobs.').about('job_id');
  const inner: WholeJob['inner'] = [];
  let level: { job: Job; at: number | null }[] = [{ job, at: null }];
  for (let depth = 0; level.length > 0; depth++) {
    const started = level.flatMap(({ job: by, at }) => by.starts.map(({ jobId, parameters }) => ({ jobId, parameters, by: at })));
    if (started.length === 0) break;
    if (depth === DEEPEST || inner.length + started.length > MOST_STARTED)
      throw new ToolError(
        'STARTS_TOO_MUCH',
        `Job ${jobId} starts jobs that start jobs, more than ${DEEPEST} deep or more than ${MOST_STARTED} in all, so where they would run cannot be told.`,
        'name the job itself that does the training.',
      ).about('job_id');
    const jobs = await Promise.all(started.map(async (each) => (await unlessMissing(databricks.getJob(each.jobId, signal))) ?? unseen(each.jobId)));
    level = jobs.map((job, i) => ({ job, at: inner.length + i }));
    inner.push(...jobs.map((job, i) => ({ job, given: started[i]?.parameters ?? {}, by: started[i]?.by ?? null })));
  }
  return { ...job, inner };
}

/** One that Databricks does not show us is in no environment, unless its id is listed in one. */
function unseen(jobId: string): Job {
  return {
    jobId,
    name: `job ${jobId}, which Databricks does not show`,
    tags: {},
    runAs: null,
    parameters: [],
    taskParameters: [],
    starts: [],
    maxConcurrentRuns: 1,
  };
}

/** What policy judges: the definition, and the parameters as they would take effect, for it and for the jobs that it starts. */
export function jobTouched(job: Job | WholeJob, overrides: Record<string, string>): JobTouched {
  const own = touchedAlone(job, overrides);
  if (!('inner' in job) || job.inner.length === 0) return own;
  const starts: JobTouched[] = [];
  // A job that is started twice may be given one thing once and another the second time, and so may those that it starts.
  for (const { job: started, given, by } of job.inner) {
    const from = by === null ? own.parameters : (starts[by]?.parameters ?? {});
    starts.push(touchedAlone(started, Object.fromEntries(Object.entries(given).map(([name, value]) => [name, filledIn(value, from)]))));
  }
  return { ...own, starts };
}

function touchedAlone(job: Job, overrides: Record<string, string>): JobTouched {
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
export function definitionDigest(job: WholeJob): string {
  const shown = ({ name, runAs, tags, parameters, taskParameters }: Job) => ({
    name,
    runAs,
    tags,
    parameters,
    taskParameters: taskParameters.map(({ name, value }) => ({ name, value })),
  });
  const inner = job.inner.map(({ job: started, given }) => ({ id: started.jobId, given, ...shown(started) }));
  return createHash('sha256')
    .update(canonicalJson({ ...shown(job), ...(inner.length > 0 ? { inner } : {}) }))
    .digest('hex');
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
