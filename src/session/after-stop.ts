import type { EventOf, SessionEvent } from './events.ts';
import { runNames } from './run-names.ts';
import { CANCEL_TOOL, runsGoingOn, runsOver, runToCancel } from './runs.ts';
import { saidOf } from './said.ts';
import type { Session } from './state.ts';

/** What becomes of a training run whose session is stopped. */
export type OnStop = 'ask' | 'cancel' | 'leave';

/** So long people may say what becomes of the runs; after that they are left. */
export const DECIDE_WITHIN_MS = 15 * 60_000;

const WAIT = 'wait_for_job';

type Step = { do: 'settle'; events: SessionEvent[] } | { do: 'park'; until: number } | { do: 'end'; outcome: 'stopped'; text: string };

/** The step of a stopped session in which no call is open: asks about runs that go on, cancels them, or ends. */
export function afterStop(s: Session, stop: NonNullable<Session['stop']>, now: number, onStop: OnStop): Step {
  const asked = cancelsOf(s);
  const runs = runsGoingOn(s).filter((r) => !asked.has(r.runId));
  const end: Step = { do: 'end', outcome: 'stopped', text: stoppedText(s, stop.by) };
  if (runs.length === 0) return end;
  if (onStop === 'cancel' || s.offer?.answer?.cancel) return { do: 'settle', events: [cancels(s, runs)] };
  if (onStop === 'leave' || s.offer?.answer) return end;
  if (!s.offer) return { do: 'settle', events: [{ type: 'noted', about: 'offer', text: offerText(s) }] };
  // Whoever is asked is told when a run ends by itself, and what is said last is what is so then.
  const unseen = runs.filter(({ runId }) => !s.calls.has(lookId(runId)));
  if (unseen.length > 0) return { do: 'settle', events: [waits(s, unseen)] };
  const until = s.offer.m + DECIDE_WITHIN_MS;
  return now < until ? { do: 'park', until } : end;
}

/** What people are asked, as it stands now: a run may have ended since. */
export function offerText(s: Session): string {
  const runs = runsGoingOn(s);
  return ['Stopped.', ...endedMeanwhile(s), ...(runs.length > 0 ? [`Still running: ${named(s, runs)}.`] : [])].join(' ');
}

/** Whether this call only waits to see how a run ends, though people have said what becomes of it. */
export function waitsNoMore(s: Session, { id, tool }: { id: string; tool: string }): boolean {
  return s.offer?.answer !== undefined && tool === WAIT && decidedAtStop(s, id);
}

const cancelId = (runId: string) => `stop-${runId}`;
const lookId = (runId: string) => `look-${runId}`;

function cancels(s: Session, runs: readonly { runId: string }[]): EventOf<'replied'> {
  const input = (runId: string) => ({ run_id: runId, reason: 'The experiment was stopped.' });
  return hostAsks(
    s,
    runs.map(({ runId }) => ({ id: cancelId(runId), tool: CANCEL_TOOL, input: input(runId) })),
  );
}

/** A wait for each run: the one that ends first is told first. */
function waits(s: Session, runs: readonly { runId: string }[]): EventOf<'replied'> {
  const deadline = `${DECIDE_WITHIN_MS / 60_000}m`;
  return hostAsks(
    s,
    runs.map(({ runId }) => ({ id: lookId(runId), tool: WAIT, input: { run_ids: [runId], deadline } })),
  );
}

/** The host asks for tools as a model would, so that the calls go through the same gate; but no model is asked any more. */
function hostAsks(s: Session, calls: EventOf<'replied'>['calls']): EventOf<'replied'> {
  return {
    type: 'replied',
    model: 'host',
    saw: s.seq,
    stop: 'tool_use',
    content: [],
    calls,
    usage: { input: 0, output: 0, cache_read: 0, cache_write: 0 },
    request_id: null,
    host: true,
  };
}

/** Whether the host asks for this call at the stop, where people decided so or to look: only that is still started after it, not what the model had meant to cancel. */
export function decidedAtStop(s: Session, call: string): boolean {
  return s.replies.some((r) => r.host && r.calls.some((c) => c.id === call));
}

/** What came of asking to cancel a run, by run. The host asks once; where the model's own call failed, people are still to be asked. */
function cancelsOf(s: Session): Map<string, { ok: boolean; text: string }> {
  const came = new Map<string, { ok: boolean; text: string }>();
  for (const call of s.calls.values()) {
    const { id, status } = call;
    const runId = runToCancel(call);
    if (runId === null || status.is !== 'finished') continue;
    const ok = status.outcome.status === 'ok';
    if (ok || decidedAtStop(s, id)) came.set(runId, { ok, text: saidOf(status.outcome) });
  }
  return came;
}

/** What was begun and goes on is named: a stop that hides a running training job would be no stop. */
function stoppedText(s: Session, by: string): string {
  const unsure = [...s.calls.values()].filter((c) => c.status.is === 'finished' && c.status.outcome.status === 'unknown').map((c) => c.tool);
  const rest = [...becameOfRuns(s), ...(unsure.length > 0 ? [`Whether ${[...new Set(unsure)].join(' and ')} took effect is not known: look there.`] : [])];
  return `Stopped by <@${by}>. ${rest.join(' ') || NOTHING_LEFT}`;
}

export const NOTHING_LEFT = 'Nothing was left running.';

/** A sentence for each thing that became of the runs that were going on at the stop; none where none was. */
export function becameOfRuns(s: Session): string[] {
  const on = runsGoingOn(s);
  const asked = cancelsOf(s);
  const canceled = on.filter((r) => asked.get(r.runId)?.ok);
  const failed = on.flatMap((r) => {
    const came = asked.get(r.runId);
    // Whoever refuses may begin with the run, too.
    const why = (text: string) => (text.startsWith(`Run ${r.runId} `) ? `it ${text.slice(`Run ${r.runId} `.length)}` : text);
    return came && !came.ok ? [`Run ${r.runId} was not canceled: ${why(came.text)}`] : [];
  });
  const left = on.filter((r) => !asked.has(r.runId));
  const answer = s.offer?.answer;
  return [
    ...(canceled.length > 0 ? [`Canceled: ${named(s, canceled)}.`] : []),
    ...failed,
    ...endedMeanwhile(s),
    ...(left.length > 0 ? [`${answer ? 'Left running' : 'Still running'}: ${named(s, left)}. Cancel it in Databricks, or ask for it here.`] : []),
  ];
}

function endedMeanwhile(s: Session): string[] {
  const over = runsOver(s).filter(({ runId }) => s.calls.has(lookId(runId)));
  return over.map(({ runId, status }) => `Run ${runId} ended meanwhile (${status}).`);
}

/** Each run with its page, and where the session started several, with what tells it from the others. */
function named(s: Session, runs: readonly { runId: string; url?: string }[]): string {
  const names = runNames(s.runs.map(({ runId, call }) => ({ runId, parameters: parametersOf(s.calls.get(call)?.started?.arguments['parameters']) })));
  const name = (runId: string) => names.get(runId) ?? '';
  return runs.map(({ runId, url }) => `run ${runId}${url ? ` (${url})` : ''}${name(runId).includes('=') ? ` with ${name(runId)}` : ''}`).join(', ');
}

function parametersOf(given: unknown): Record<string, string> {
  return typeof given === 'object' && given !== null ? Object.fromEntries(Object.entries(given).map(([key, value]) => [key, String(value)])) : {};
}
