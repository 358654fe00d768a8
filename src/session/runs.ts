import type { Session } from './state.ts';

const OVER = new Set(['SUCCEEDED', 'FAILED', 'CANCELED', 'SKIPPED', 'TIMED_OUT', 'VANISHED']);

/** Training runs this session started and has not seen the end of. */
export function runsGoingOn(s: Session): { runId: string; url?: string }[] {
  const over = new Set<string>();
  for (const call of s.calls.values()) {
    if (call.status.is !== 'finished') continue;
    const { data } = call.status.outcome;
    const reports: unknown[] = Array.isArray(data?.['runs']) ? data['runs'] : [data];
    for (const report of reports) {
      if (typeof report !== 'object' || report === null) continue;
      const { run_id: runId, status } = report as { run_id?: unknown; status?: unknown };
      if (typeof runId === 'string' && typeof status === 'string' && OVER.has(status)) over.add(runId);
    }
  }
  return s.runs.filter((r) => !over.has(r.runId)).map(({ runId, url }) => ({ runId, ...(url ? { url } : {}) }));
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
