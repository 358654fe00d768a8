import type { Databricks, JobRun } from './databricks.ts';
import { isOfTheThing, UpstreamError, unlessMissing } from './http.ts';
import { pages } from './pages.ts';

export type Polled = {
  /** `VANISHED`: Databricks knows no such run (any more). Runs are deleted after 60 days. */
  status: JobRun['status'] | 'VANISHED';
  terminal: boolean;
  /** Null when it vanished. */
  run: JobRun | null;
};

/** What is seen of a run among others: `UNREADABLE` is one that we may not look at (any more), or whose answer makes no sense. */
export type Seen = Polled | { status: 'UNREADABLE'; terminal: false; run: null };
/** Null is a run that was asked about in vain. */
type Looks = Map<string, Seen | null>;

/**
 * Looks at many runs with few requests: the active runs of each job in pages of 24, and one by one those that are not among them (ended, vanished, or of
 * an unknown job). A job with a single run asked about is asked singly at once. Throws UpstreamError where Databricks is away; what was seen until then stands in `seen`.
 */
export async function pollRuns(
  databricks: Databricks,
  runs: readonly { runId: string; jobId?: string | undefined }[],
  signal?: AbortSignal,
  {
    onlyListed = false,
    seen = new Map(),
  }: {
    /** Leaves out those that are not among the active ones. No more pages are read than asking singly would cost. */
    onlyListed?: boolean;
    seen?: Looks;
  } = {},
): Promise<Looks> {
  for (const jobId of new Set(runs.map((run) => run.jobId))) {
    const missing = new Set(runs.filter((run) => run.jobId === jobId).map((run) => run.runId));
    if (!jobId || missing.size < 2) continue;
    let most = onlyListed ? Math.ceil(missing.size / 2) : Number.POSITIVE_INFINITY;
    const list = (cursor?: string) => databricks.listRuns({ jobId, activeOnly: true, cursor }, signal);
    try {
      for await (const page of pages({ upstream: 'Databricks', what: `list the runs of job ${jobId}` }, list, (p) => p.nextCursor)) {
        for (const run of page.runs) if (missing.delete(run.runId)) seen.set(run.runId, { status: run.status, terminal: run.terminal, run });
        if (missing.size === 0 || --most <= 0) break;
      }
    } catch (error) {
      // A list that can't be had says nothing of its runs: each is asked about by itself.
      if (!(error instanceof UpstreamError)) throw error;
    }
  }
  if (onlyListed) return seen;
  for (const { runId } of runs) if (!seen.has(runId)) await lookAmongOthers(databricks, runId, seen, signal);
  return seen;
}

/** One run, asked singly. */
export async function lookAt(databricks: Databricks, runId: string, signal?: AbortSignal): Promise<Polled> {
  const run = await unlessMissing(databricks.getRun(runId, signal));
  return run ? { status: run.status, terminal: run.terminal, run } : { status: 'VANISHED', terminal: true, run: null };
}

/** One run that can't be looked at must not keep the others from it. */
async function lookAmongOthers(databricks: Databricks, runId: string, seen: Looks, signal?: AbortSignal): Promise<Seen> {
  seen.set(runId, null);
  const state = await lookAt(databricks, runId, signal).catch((error: unknown) => {
    if (!isOfTheThing(error)) throw error;
    return { status: 'UNREADABLE' as const, terminal: false as const, run: null };
  });
  seen.set(runId, state);
  return state;
}

/**
 * A poller that remembers which job a run is of, so that runs of one job share their requests. Of runs that it sees for the first time it asks for one, and looks for
 * the others among the active runs of its job, as they mostly are of the same. Where Databricks goes away in between, `away` is told: the run that met it is null, and
 * those behind it are left out.
 */
export function runPoller(databricks: Databricks, away: (error: UpstreamError) => void): (runIds: readonly string[], signal?: AbortSignal) => Promise<Looks> {
  const jobs = new Map<string, string>();

  async function look(runIds: readonly string[], states: Looks, signal?: AbortSignal): Promise<void> {
    const unknown = new Set(runIds.filter((runId) => !jobs.has(runId)));
    let inVain = 0;
    for (const runId of unknown) {
      unknown.delete(runId);
      const state = await lookAmongOthers(databricks, runId, states, signal);
      const jobId = state.terminal ? undefined : state.run?.jobId;
      // Where few are left, or each is of a job of its own, a list costs as much as they do.
      if (!jobId || unknown.size < 2 || inVain > 1) continue;
      const before = states.size;
      const others = [...unknown].map((other) => ({ runId: other, jobId }));
      await pollRuns(databricks, others, signal, { onlyListed: true, seen: states });
      inVain = states.size > before ? 0 : inVain + 1;
      for (const found of states.keys()) unknown.delete(found);
    }
    const known = runIds.flatMap((runId) => (states.has(runId) ? [] : [{ runId, jobId: jobs.get(runId) }]));
    await pollRuns(databricks, known, signal, { seen: states });
  }

  return async (runIds, signal) => {
    const states: Looks = new Map();
    try {
      await look(runIds, states, signal);
    } catch (error) {
      if (!(error instanceof UpstreamError)) throw error;
      away(error);
    }
    for (const [runId, state] of states) {
      if (state && (state.terminal || !state.run)) jobs.delete(runId);
      else if (state?.run?.jobId) jobs.set(runId, state.run.jobId);
    }
    return states;
  };
}
