import type { Databricks, JobRun } from './databricks.ts';
import { unlessMissing } from './http.ts';

export type Polled = {
  /** `VANISHED`: Databricks knows no such run (any more). Runs are deleted after 60 days. */
  status: JobRun['status'] | 'VANISHED';
  terminal: boolean;
  /** Null when it vanished. */
  run: JobRun | null;
};

/**
 * Looks at many runs with few requests: the active runs of each job in pages of 24, and one by one those that are not among them (ended, vanished, or of
 * an unknown job). A job with a single run asked about is asked singly at once. Throws UpstreamError.
 */
export async function pollRuns(
  databricks: Databricks,
  runs: readonly { runId: string; jobId?: string | undefined }[],
  signal?: AbortSignal,
): Promise<Map<string, Polled>> {
  const seen = new Map<string, Polled>();
  for (const jobId of new Set(runs.map((run) => run.jobId))) {
    const missing = new Set(runs.filter((run) => run.jobId === jobId).map((run) => run.runId));
    if (!jobId || missing.size < 2) continue;
    let cursor: string | undefined;
    do {
      const page = await databricks.listRuns({ jobId, activeOnly: true, cursor }, signal);
      for (const run of page.runs) if (missing.delete(run.runId)) seen.set(run.runId, { status: run.status, terminal: run.terminal, run });
      cursor = page.nextCursor ?? undefined;
    } while (cursor && missing.size > 0);
  }
  for (const { runId } of runs) if (!seen.has(runId)) seen.set(runId, await lookAt(databricks, runId, signal));
  return seen;
}

/** One run, asked singly. */
export async function lookAt(databricks: Databricks, runId: string, signal?: AbortSignal): Promise<Polled> {
  const run = await unlessMissing(databricks.getRun(runId, signal));
  return run ? { status: run.status, terminal: run.terminal, run } : { status: 'VANISHED', terminal: true, run: null };
}

/** A poller that remembers which job a run is of, so that from the second look on runs of one job share their requests. */
export function runPoller(databricks: Databricks): (runIds: readonly string[], signal?: AbortSignal) => Promise<Map<string, Polled>> {
  const jobs = new Map<string, string>();
  return async (runIds, signal) => {
    const states = await pollRuns(
      databricks,
      runIds.map((runId) => ({ runId, jobId: jobs.get(runId) })),
      signal,
    );
    for (const [runId, { run, terminal }] of states) {
      if (terminal) jobs.delete(runId);
      else if (run?.jobId) jobs.set(runId, run.jobId);
    }
    return states;
  };
}
