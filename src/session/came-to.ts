import { allOf } from '../analysis/numbers.ts';
import type { Outcome } from './events.ts';
import { type Early, reportsIn, stoppedEarly } from './runs.ts';
import type { Call, Session } from './state.ts';

/** How one finished step ended for whoever reads it: a call can answer well and bring bad news. */
export type StepEnd = 'done' | 'failed' | 'denied' | 'refused' | 'expired' | 'withdrawn' | 'asked back' | 'unknown';

/** Ways for a training run to end that are no success. */
const BAD = new Map([
  ['FAILED', 'failed'],
  ['TIMED_OUT', 'ran out of time'],
  ['CANCELED', 'was canceled'],
  ['SKIPPED', 'was skipped'],
  ['VANISHED', 'is gone'],
  ['TRIPPED', 'was stopped by its condition'],
  ['OVERDUE', 'was stopped after its deadline'],
]);
/** Ends that somebody wanted. */
const WANTED = new Set(['CANCELED', 'TRIPPED', 'OVERDUE']);
/** A cancel's own name, where what ended the wait before it says more. */
const STOPPED: Record<Early, string> = { condition: 'TRIPPED', deadline: 'OVERDUE' };
/** Tools that look at runs: what they saw is what their step came to. */
const LOOKS = new Set(['wait_for_job', 'get_job_status']);

/** What a finished call came to, or null while it goes on. */
export function stepEnd({ tool, status }: Pick<Call, 'tool' | 'status'>): StepEnd | null {
  if (status.is !== 'finished') return null;
  const { outcome } = status;
  if (outcome.status !== 'ok') return outcome.status;
  if (outcome.data?.['status'] === 'question') return 'asked back';
  return LOOKS.has(tool) && badRuns(outcome).length > 0 ? 'failed' : 'done';
}

/** "run 501 failed", "1 of 4 runs failed"; empty where none did. */
export function badRunsInWords(outcome: Outcome): string {
  const bad = badRuns(outcome);
  const [first] = bad;
  if (!first) return '';
  const all = reportsIn(outcome).length;
  return bad.length === 1 && all === 1 ? `run ${first.runId} ${BAD.get(first.status)}` : `${bad.length} of ${all} runs ${together(bad.map((b) => b.status))}`;
}

/**
 * How an ended experiment ended, in a few words that begin with the one that matters: "Done", "Failed: the training run failed", "Denied", "Done in part: a step
 * was refused", or "Answered" where nothing was done but to look. From the stored outcomes alone, never from the model's words. A step that was done after all on a
 * second try holds nothing up.
 */
export function cameTo(s: Session): string {
  const { outcome } = s.ended ?? { outcome: 'done' as const };
  if (outcome === 'stopped') return 'Stopped';
  if (outcome === 'failed') return 'Failed';
  if (outcome === 'limit') return 'Ended at its budget';
  const calls = [...s.calls.values()];
  const trained = trainingCameTo(s, calls);
  if (trained) return trained;
  const left = leftUndone(calls);
  const end = left && stepEnd(left);
  const something = calls.some((call) => stepEnd(call) === 'done' && (hasActed(call) || call.tool === 'compare_runs'));
  if (!end) return something ? 'Done' : 'Answered';
  return something ? `Done in part: ${PART[end]}` : ALONE[end];
}

/** Whether all it came to is a step that labmate.json refuses, whoever would say yes: asked for once more as it was, it would be refused again. */
export function isRuledOut(s: Session): boolean {
  const left = leftUndone([...s.calls.values()]);
  return cameTo(s) === ALONE.refused && left?.status.is === 'finished' && left.status.ruledOut === true;
}

const ALONE: Record<StepEnd, string> = {
  done: 'Done',
  failed: 'Ended: the last step failed',
  denied: 'Denied',
  refused: 'Refused',
  expired: 'Ended: nobody approved it in time',
  withdrawn: 'Withdrawn',
  'asked back': 'Ended with an open question',
  unknown: 'Ended: whether it took effect is not known',
};
const PART: Record<StepEnd, string> = {
  done: 'done',
  failed: 'a step failed',
  denied: 'a step was denied',
  refused: 'a step was refused',
  expired: 'nobody approved a step in time',
  withdrawn: 'a step was withdrawn',
  'asked back': 'a question is open',
  unknown: 'whether a step took effect is not known',
};

/** A mounted server's call leaves a start whatever it is. */
function hasActed({ started, status }: Call): boolean {
  return started !== undefined && !(status.is === 'finished' && status.outcome.data?.['read_only'] === true);
}

/** The runs this session started, by what was last seen of each; null where none ended badly. */
function trainingCameTo(s: Session, calls: readonly Call[]): string | null {
  const own = new Set(s.runs.map((r) => r.runId));
  const last = new Map<string, string>();
  for (const { status } of calls)
    if (status.is === 'finished') for (const { runId, status: state } of reportsIn(status.outcome)) if (own.has(runId)) last.set(runId, state);
  for (const [runId, by] of stoppedEarly(s)) if (last.get(runId) === 'CANCELED' || last.get(runId) === 'cancel_requested') last.set(runId, STOPPED[by]);
  const bad = [...last.values()].filter((state) => BAD.has(state));
  if (bad.length === 0) return null;
  const how = together(bad);
  if (bad.length < last.size) return `Done in part: ${bad.length} of ${last.size} training runs ${how}`;
  return `${bad.every((state) => WANTED.has(state)) ? 'Ended' : 'Failed'}: ${bad.length === 1 ? 'the training run' : `${allOf(bad.length)} training runs`} ${how}`;
}

/** One verb for several ends. */
function together(states: readonly string[]): string {
  const verbs = [...new Set(states.map((state) => BAD.get(state) ?? 'failed'))];
  const [verb = 'failed'] = verbs;
  if (verbs.length > 1) return states.every((state) => WANTED.has(state)) ? 'were canceled' : 'did not succeed';
  return states.length > 1
    ? verb
        .replace(/^was /, 'were ')
        .replace(/^is /, 'are ')
        .replace(/its (condition|deadline)/, 'their $1s')
    : verb;
}

/** The last step that was not done and that no later one made good. */
function leftUndone(calls: readonly Call[]): Call | undefined {
  return calls.findLast((call, i) => isTrouble(call, calls.slice(i + 1)));
}

/** Was this step not done, and not made good by a later one of the same tool? A look that failed on the way is the model's to correct. */
function isTrouble(call: Call, later: readonly Call[]): boolean {
  const end = stepEnd(call);
  if (end === null || end === 'done' || LOOKS.has(call.tool)) return false;
  if (end === 'failed' && !call.started && later.length > 0) return false;
  return !later.some((l) => l.tool === call.tool && stepEnd(l) === 'done');
}

function badRuns(outcome: Outcome): { runId: string; status: string }[] {
  return reportsIn(outcome).filter(({ status }) => BAD.has(status));
}
