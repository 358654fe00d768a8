import type { Databricks, JobRun } from './databricks.ts';
import { isNotFound } from './http.ts';

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
  try {
    const run = await databricks.getRun(runId, signal);
    return { status: run.status, terminal: run.terminal, run };
  } catch (error) {
    if (isNotFound(error)) return { status: 'VANISHED', terminal: true, run: null };
    throw error;
  }
}
