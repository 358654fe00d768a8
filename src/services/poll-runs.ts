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
  /** Leaves out those that are not among the active ones. No more pages are read than asking singly would cost. */
  { onlyListed = false }: { onlyListed?: boolean } = {},
): Promise<Map<string, Polled>> {
  const seen = new Map<string, Polled>();
  for (const jobId of new Set(runs.map((run) => run.jobId))) {
    const missing = new Set(runs.filter((run) => run.jobId === jobId).map((run) => run.runId));
    if (!jobId || missing.size < 2) continue;
    let cursor: string | undefined;
    let pages = onlyListed ? Math.ceil(missing.size / 2) : Number.POSITIVE_INFINITY;
    do {
      const page = await databricks.listRuns({ jobId, activeOnly: true, cursor }, signal);
      for (const run of page.runs) if (missing.delete(run.runId)) seen.set(run.runId, { status: run.status, terminal: run.terminal, run });
      cursor = page.nextCursor ?? undefined;
    } while (cursor && missing.size > 0 && --pages > 0);
  }
  if (onlyListed) return seen;
  for (const { runId } of runs) if (!seen.has(runId)) seen.set(runId, await lookAt(databricks, runId, signal));
  return seen;
}

/** One run, asked singly. */
export async function lookAt(databricks: Databricks, runId: string, signal?: AbortSignal): Promise<Polled> {
  const run = await unlessMissing(databricks.getRun(runId, signal));
  return run ? { status: run.status, terminal: run.terminal, run } : { status: 'VANISHED', terminal: true, run: null };
}

/**
 * A poller that remembers which job a run is of, so that runs of one job share their requests. Of runs that it sees for the first time it asks for one, and looks for
 * the others among the active runs of its job, as they mostly are of the same.
 */
export function runPoller(databricks: Databricks): (runIds: readonly string[], signal?: AbortSignal) => Promise<Map<string, Polled>> {
  const jobs = new Map<string, string>();
  return async (runIds, signal) => {
    const states = new Map<string, Polled>();
    const unknown = new Set(runIds.filter((runId) => !jobs.has(runId)));
    let inVain = 0;
    for (const runId of unknown) {
      unknown.delete(runId);
      const state = await lookAt(databricks, runId, signal);
      states.set(runId, state);
      const jobId = state.terminal ? undefined : state.run?.jobId;
      // Where few are left, or each is of a job of its own, a list costs as much as they do.
      if (!jobId || unknown.size < 2 || inVain > 1) continue;
      const others = [...unknown].map((other) => ({ runId: other, jobId }));
      const listed = await pollRuns(databricks, others, signal, { onlyListed: true });
      inVain = listed.size > 0 ? 0 : inVain + 1;
      for (const [found, its] of listed) {
        unknown.delete(found);
        states.set(found, its);
      }
    }
    const known = runIds.flatMap((runId) => (states.has(runId) ? [] : [{ runId, jobId: jobs.get(runId) }]));
    for (const [runId, state] of await pollRuns(databricks, known, signal)) states.set(runId, state);
    for (const [runId, { run, terminal }] of states) {
      if (terminal) jobs.delete(runId);
      else if (run?.jobId) jobs.set(runId, run.jobId);
    }
    return states;
  };
}
