import type { Outcome } from './events.ts';
import type { Call, Session } from './state.ts';

/** The tool that starts a run. What others call `parameters`, such as a mounted server's, is their own affair. */
export const RUN_TOOL = 'run_databricks_job';

export const CANCEL_TOOL = 'cancel_job_run';

const OVER = new Set(['SUCCEEDED', 'FAILED', 'CANCELED', 'SKIPPED', 'TIMED_OUT', 'VANISHED']);

/** What a tool's answer says of runs: of several, or of the one it is about. */
export function reportsIn({ data }: Outcome): { runId: string; status: string }[] {
  const reports: unknown[] = Array.isArray(data?.['runs']) ? data['runs'] : [data];
  return reports.flatMap((report) => {
    const { run_id: runId, status } = (report ?? {}) as { run_id?: unknown; status?: unknown };
    return typeof runId === 'string' && typeof status === 'string' ? [{ runId, status }] : [];
  });
}

/** Training runs this session started and has not seen the end of. */
export function runsGoingOn(s: Session): { runId: string; url?: string }[] {
  const over = new Set(runsOver(s).map((r) => r.runId));
  return s.runs.filter((r) => !over.has(r.runId)).map(({ runId, url }) => ({ runId, ...(url ? { url } : {}) }));
}

/** Training runs this session started and has seen the end of, and how they ended. */
export function runsOver(s: Session): { runId: string; status: string }[] {
  const over = new Map<string, string>();
  for (const { status } of s.calls.values())
    if (status.is === 'finished') for (const report of reportsIn(status.outcome)) if (OVER.has(report.status)) over.set(report.runId, report.status);
  return s.runs.flatMap(({ runId }) => (over.has(runId) ? [{ runId, status: over.get(runId) ?? '' }] : []));
}

/** The run that a call is to cancel; null where it is another call. */
export function runToCancel({ tool, input }: Call): string | null {
  const { run_id: runId } = (input ?? {}) as { run_id?: unknown };
  return tool === CANCEL_TOOL && typeof runId === 'string' ? runId : null;
}

/** What ended a wait before its runs had ended. */
export type Early = 'condition' | 'deadline';

/**
 * Runs that were canceled because a condition on them had come true or the time to wait for them was over, and which of the two: nobody said anything between that and
 * the cancel, and no later wait for them ended in another way.
 */
export function stoppedEarly(s: Session): Map<string, Early> {
  const calls = [...s.calls.values()];
  const stopped = new Map<string, Early>();
  for (const [at, cancel] of calls.entries()) {
    const runId = runToCancel(cancel);
    if (runId === null || cancel.status.is !== 'finished' || cancel.status.outcome.status !== 'ok') continue;
    const woken = calls.slice(0, at).findLastIndex((call) => waitedFor(call, runId));
    const wait = calls[woken];
    const early = wait && endedEarly(wait, runId);
    if (!early) continue;
    const wasAsked = calls.slice(woken, at).some((call) => call.tool === 'ask_person');
    const wasTold = s.told.some((told) => told.seq > wait.reply && told.seq < cancel.reply && told.standing !== 'other');
    if (!wasAsked && !wasTold) stopped.set(runId, early);
  }
  return stopped;
}

/** Whether this is a wait for the run that is over. */
function waitedFor({ status }: Call, runId: string): boolean {
  if (status.is !== 'finished' || typeof status.outcome.data?.['woken_by'] !== 'string') return false;
  return reportsIn(status.outcome).some((report) => report.runId === runId);
}

/** What ended this wait while the run went on; null where it was the run's own end, or somebody's word. */
function endedEarly({ status }: Call, runId: string): Early | null {
  const data = status.is === 'finished' ? status.outcome.data : undefined;
  if (data?.['woken_by'] === 'deadline') return 'deadline';
  if (data?.['woken_by'] !== 'tripwire' || !Array.isArray(data['tripped'])) return null;
  return data['tripped'].some((each: { run_id?: unknown } | null) => each?.run_id === runId) ? 'condition' : null;
}

/** The training runs a session started, each with the MLflow runs that tools found to be theirs. */
export function producedRuns(s: Session): { runId: string; mlflowIds: string[] }[] {
  const logged = new Map<string, Set<string>>(s.runs.map((r) => [r.runId, new Set<string>()]));
  for (const { status } of s.calls.values()) {
    if (status.is !== 'finished') continue;
    const { data } = status.outcome;
    const reports: unknown[] = Array.isArray(data?.['runs']) ? data['runs'] : [data];
    for (const report of reports) {
      const { run_id: runId, mlflow_run_ids: ids } = (report ?? {}) as { run_id?: unknown; mlflow_run_ids?: unknown };
      if (typeof runId !== 'string' || !Array.isArray(ids)) continue;
      for (const id of ids) if (typeof id === 'string') logged.get(runId)?.add(id);
    }
  }
  return [...logged].map(([runId, ids]) => ({ runId, mlflowIds: [...ids] }));
}
