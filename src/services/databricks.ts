import { z } from 'zod';
import { type Authorization, baseUrl, type DatabricksLogin, databricksAuth } from './databricks-auth.ts';
import { apiJob, apiRun, id, jobOf, runOf } from './databricks-shapes.ts';
import { type HttpRequest, sendJson, UpstreamError } from './http.ts';
import { allPages } from './pages.ts';

export type RunStatus = 'QUEUED' | 'PENDING' | 'RUNNING' | 'TERMINATING' | 'SUCCEEDED' | 'FAILED' | 'CANCELED' | 'SKIPPED' | 'TIMED_OUT';

export type Job = {
  jobId: string;
  name: string;
  tags: Record<string, string>;
  runAs: string | null;
  parameters: { name: string; default: string }[];
  /** What its tasks are given by name beside the job's own parameters, which win over all of these but an `argument`. */
  taskParameters: { name: string; value: string; argument?: true }[];
  /** Other jobs that its tasks start, with what each is given. */
  starts: { jobId: string; parameters: Record<string, string> }[];
  maxConcurrentRuns: number;
};

export type JobRun = {
  runId: string;
  jobId: string;
  name: string;
  status: RunStatus;
  /** e.g. "INTERNAL_ERROR/FAILED (RUN_EXECUTION_ERROR)", as Databricks said it. */
  rawState: string;
  terminal: boolean;
  message: string | null;
  url: string | null;
  startedAt: number | null;
  endedAt: number | null;
  durationMs: number | null;
  parameters: Record<string, string>;
  tasks: { taskKey: string; runId: string; status: RunStatus; message: string | null }[];
  /** How it ended, in Databricks' own words: `INTERNAL_ERROR` as a life cycle state also stands for a user's own failing code. */
  termination?: { code: string; type: string | null } | undefined;
};

export type TaskOutput = {
  error: string | null;
  errorTrace: string | null;
  /** The last 5 MB; notebooks have none. */
  logs: string | null;
  logsTruncated: boolean;
  result: string | null;
  mlflowRunId: string | null;
};

/** All ids are strings: Databricks ids are int64 and JSON.parse corrupts them. Throws UpstreamError. */
export type Databricks = {
  host: string;
  getJob(jobId: string, signal?: AbortSignal): Promise<Job>;
  listJobs(query: { name?: string | undefined; cursor?: string | undefined }, signal?: AbortSignal): Promise<{ jobs: Job[]; nextCursor: string | null }>;
  /** Same token, same run: safe to send again. */
  runNow(request: { jobId: string; parameters: Record<string, string>; idempotencyToken: string }, signal?: AbortSignal): Promise<{ runId: string }>;
  getRun(runId: string, signal?: AbortSignal): Promise<JobRun>;
  /** At most 24 a page. */
  listRuns(
    query: { jobId?: string | undefined; activeOnly?: boolean; completedOnly?: boolean; cursor?: string | undefined },
    signal?: AbortSignal,
  ): Promise<{ runs: JobRun[]; nextCursor: string | null }>;
  /** Of a task's run id, not the job run's. */
  getTaskOutput(taskRunId: string, signal?: AbortSignal): Promise<TaskOutput>;
  cancelRun(runId: string, signal?: AbortSignal): Promise<void>;
};

/** The Jobs API 2.2 of one workspace. `authorization` replaces the login where it is shared, e.g. with MLflow. */
export function databricks(login: DatabricksLogin & { authorization?: Authorization | undefined }): Databricks {
  const host = baseUrl(login.host);
  const auth = login.authorization ?? databricksAuth(login);

  async function ask<T>(schema: z.ZodType<T>, request: Omit<HttpRequest, 'upstream' | 'url' | 'headers'> & { path: string }, again = true): Promise<T> {
    const { path, ...rest } = request;
    const headers = { authorization: await auth.header() };
    try {
      return await sendJson({ ...rest, upstream: 'Databricks', url: `${host}/api/2.2/jobs/${path}`, headers }, schema);
    } catch (error) {
      // A 401 did nothing, so asking once more with a fresh token is safe; a second one is an answer.
      if (!(error instanceof UpstreamError) || error.status !== 401 || !again || 'token' in login) throw error;
      auth.forget();
      return await ask(schema, request, false);
    }
  }

  return {
    host,
    async getJob(jobId, signal) {
      const what = `look up job ${jobId}`;
      const get = (token?: string) => ask(apiJob, { path: 'get', what, query: { job_id: jobId, page_token: token }, signal });
      return jobOf(await allPages({ upstream: 'Databricks', what }, get, (page) => page.next_page_token));
    },
    async listJobs({ name, cursor }, signal) {
      const query = { limit: 25, name, page_token: cursor };
      const page = await ask(jobPage, { path: 'list', what: 'list jobs', query, signal });
      return { jobs: page.jobs.map((job) => jobOf([job])), nextCursor: page.next_page_token || null };
    },
    async runNow({ jobId, parameters, idempotencyToken }, signal) {
      const json = { job_id: BigInt(jobId), job_parameters: parameters, idempotency_token: idempotencyToken };
      const started = await ask(z.object({ run_id: id }), { path: 'run-now', what: `run job ${jobId}`, json, signal, timeoutMs: 6000 });
      return { runId: started.run_id };
    },
    async getRun(runId, signal) {
      const what = `look up run ${runId}`;
      const get = (token?: string) => ask(apiRun, { path: 'runs/get', what, query: { run_id: runId, page_token: token }, signal });
      return runOf(await allPages({ upstream: 'Databricks', what }, get, (page) => page.next_page_token));
    },
    async listRuns({ jobId, activeOnly, completedOnly, cursor }, signal) {
      const query = { job_id: jobId, active_only: activeOnly || undefined, completed_only: completedOnly || undefined, limit: 24, page_token: cursor };
      const page = await ask(runPage, { path: 'runs/list', what: jobId ? `list the runs of job ${jobId}` : 'list runs', query, signal });
      return { runs: page.runs.map((run) => runOf([run])), nextCursor: page.next_page_token || null };
    },
    async getTaskOutput(taskRunId, signal) {
      const answer = await ask(output, { path: 'runs/get-output', what: `read the output of task run ${taskRunId}`, query: { run_id: taskRunId }, signal });
      return {
        error: answer.error ?? null,
        errorTrace: answer.error_trace ?? null,
        logs: answer.logs ?? null,
        logsTruncated: answer.logs_truncated ?? false,
        result: answer.notebook_output?.result ?? null,
        mlflowRunId: answer.ai_runtime_task_output?.mlflow_run_id ?? null,
      };
    },
    async cancelRun(runId, signal) {
      await ask(z.unknown(), { path: 'runs/cancel', what: `cancel run ${runId}`, json: { run_id: BigInt(runId) }, signal, timeoutMs: 6000 });
    },
  };
}

// `jobs` and `runs` are absent when there are none.
const jobPage = z.object({ jobs: z.array(apiJob).default([]), next_page_token: z.string().optional() });
const runPage = z.object({ runs: z.array(apiRun).default([]), next_page_token: z.string().optional() });
const output = z.object({
  error: z.string().optional(),
  error_trace: z.string().optional(),
  logs: z.string().optional(),
  logs_truncated: z.boolean().optional(),
  notebook_output: z.object({ result: z.string().optional() }).optional(),
  ai_runtime_task_output: z.object({ mlflow_run_id: z.string().optional() }).optional(),
});
