export type RunStatus = 'QUEUED' | 'PENDING' | 'RUNNING' | 'TERMINATING' | 'SUCCEEDED' | 'FAILED' | 'CANCELED' | 'SKIPPED' | 'TIMED_OUT';

export type Job = {
  jobId: string;
  name: string;
  tags: Record<string, string>;
  runAs: string | null;
  parameters: { name: string; default: string }[];
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
};

export type TaskOutput = { error: string | null; errorTrace: string | null; logs: string | null; result: string | null; mlflowRunId: string | null };

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
