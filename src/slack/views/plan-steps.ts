import type { Call } from '../../session/state.ts';

/** The calls that are steps for a reader. A wait that goes on after a message, or at once again for the same runs, is one step: its last call. */
export function planSteps(calls: readonly Call[]): Call[] {
  return calls.filter((call, at) => {
    const runs = waitedRuns(call);
    if (runs === null) return true;
    const later = isInterruptedWait(call) ? calls.slice(at + 1) : calls.slice(at + 1, at + 2);
    return !later.some((c) => waitedRuns(c) === runs);
  });
}

/** A message ended this wait, not the job. */
export function isInterruptedWait({ tool, status }: Call): boolean {
  return tool === 'wait_for_job' && status.is === 'finished' && status.outcome.status === 'ok' && status.outcome.data?.['woken_by'] === 'message';
}

/** The runs a call waits for, as text that is the same for the same runs; null where it waits for none. */
function waitedRuns({ tool, input }: Call): string | null {
  if (tool !== 'wait_for_job' || typeof input !== 'object' || input === null) return null;
  const { run_ids: ids } = input as { run_ids?: unknown };
  return Array.isArray(ids) ? [...new Set(ids.map(String))].sort().join(' ') : null;
}
