import { afterStop, DECIDE_WITHIN_MS, decidedAtStop, type OnStop, waitsNoMore } from './after-stop.ts';
import { type BudgetLimits, goesInCircles, overBudget, overToolCalls, type Prices } from './budget.ts';
import { isLong, isReview, QUIET_MS, waitsForClient } from './door.ts';
import type { Outcome, SessionEvent } from './events.ts';
import { type Call, isSpoken, openCalls, type Session } from './state.ts';

/** What is to be done now. */
export type Step =
  /** Ask the model. */
  | { do: 'think' }
  /** Perform a tool call: for the first time, after its approval, after its wait, or to recover one that was cut off. */
  | { do: 'call'; call: Call }
  /** Write down what follows from the facts alone. */
  | { do: 'settle'; events: SessionEvent[] }
  /** Nobody decided in time. Decided by the log, as a click may come first. */
  | { do: 'expire'; approval: string }
  /** Hold nothing until something arrives, or until `until` (ms). */
  | { do: 'park'; until: number | null }
  | { do: 'end'; outcome: 'done' | 'stopped' | 'failed' | 'limit'; text: string }
  | { do: 'nothing' };

/** After an effect's own timeout, how much longer a look-up waits: a slow first request may still be in flight. */
const LOOK_UP_MARGIN_MS = 1_000;

/** What an operator has settled: how much may be used up, and what becomes of a run when its session is stopped. */
export type Bounds = BudgetLimits & {
  /** `leave` where absent. */
  onStop?: OnStop;
  /** What a million tokens cost, by model, for the record's last line. */
  prices?: Readonly<Record<string, Prices>> | undefined;
};

/** Until when (ms) a call, by its id, or the model need not be looked at again: its backend is known to be away. No fact of the log. */
export type Asleep = ReadonlyMap<string, number>;
export const THE_MODEL = '';
const NOBODY: Asleep = new Map();

/** Decides the next step of a session from its state and the time (ms, Redis clock). Pure. */
export function next(s: Session, now: number, limits: Bounds, asleep: Asleep = NOBODY): Step {
  if (s.ended) return { do: 'nothing' };
  const open = openCalls(s);

  const cutOff = open.find((c) => c.status.is === 'started');
  if (cutOff?.status.is === 'started') {
    const notBefore = cutOff.status.timeoutMs === 0 ? 0 : cutOff.status.m + cutOff.status.timeoutMs + LOOK_UP_MARGIN_MS;
    return now < notBefore ? { do: 'park', until: notBefore } : { do: 'call', call: cutOff };
  }

  if (s.stop) return open.length > 0 ? closing(s, s.stop, open, now, limits, asleep) : afterStop(s, s.stop, now, limits.onStop ?? 'leave');

  const change = s.told.findLast((t) => t.kind === 'change');
  const outdated = change ? open.filter((c) => c.reply < change.seq && waitsFor(c) === 'approval') : [];
  if (change && outdated.length > 0)
    return { do: 'settle', events: outdated.flatMap((c) => giveUp(s, c, change.by, 'Withdrawn, because the experiment is to change.')) };

  for (const call of open) {
    const step = ready(s, call, now, limits, asleep);
    if (step) return step;
  }
  if (s.opened.door === 'mcp') return atDoor(s, open, now, asleep);
  if (open.length > 0) return { do: 'park', until: earliestWake(s, open, asleep) };
  if (s.attention) return { do: 'park', until: null };

  const last = s.replies.at(-1);
  const answered = last !== undefined && last.calls.length === 0 && last.stop !== 'pause_turn';
  if (answered && !s.told.some((t) => t.seq > last.saw && t.standing !== 'other' && isSpoken(t))) return finish(last.stop, last.refusal);

  const limit = overBudget(s, now, limits);
  if (limit) return atTheLimit(s, now, limit, limits);
  const until = Math.max(s.retry ? Date.parse(s.retry.until) : 0, asleep.get(THE_MODEL) ?? 0);
  if (now < until) return { do: 'park', until };
  return { do: 'think' };
}

/** Calls of a client: nobody thinks here. An idle hour ends it, or its length; the next call begins another. */
function atDoor(s: Session, open: readonly Call[], now: number, asleep: Asleep): Step {
  const approved = open.filter((call) => waitsForClient(s, call));
  const others = open.filter((call) => !approved.includes(call));
  const quietAt = s.lastM + QUIET_MS;
  const stuck = s.attention ? others.filter((call) => waitsFor(call) === 'retry' || isHeldBack(s, call)) : [];
  if (stuck.length > 0 && now >= quietAt)
    return {
      do: 'settle',
      events: stuck.flatMap((c) => giveUp(s, c, s.opened.by, 'Its backend did not answer, and the client did not make the call again within an hour.')),
    };
  if (others.length > 0) {
    const wake = earliestWake(s, others, asleep);
    return { do: 'park', until: stuck.length > 0 ? Math.min(wake ?? quietAt, quietAt) : wake };
  }
  if (open.length === 0 && (now >= quietAt || isLong(s) || isReview(s))) return { do: 'end', outcome: 'done', text: '' };
  if (now < quietAt) return { do: 'park', until: quietAt };
  return {
    do: 'settle',
    events: approved.flatMap((c) => giveUp(s, c, s.opened.by, 'It was approved, but the client did not make the call again within an hour.')),
  };
}

/** Where a person may raise a budget, the session says so and waits for them; else, or when nobody did, it ends. */
function atTheLimit(s: Session, now: number, text: string, { raiseWithinMs }: BudgetLimits): Step {
  if (raiseWithinMs === undefined) return { do: 'end', outcome: 'limit', text };
  if (!s.limit) return { do: 'settle', events: [{ type: 'noted', about: 'limit', text }] };
  const until = s.limit.m + raiseWithinMs;
  return now < until ? { do: 'park', until } : { do: 'end', outcome: 'limit', text: `${text} Nobody raised it in time.` };
}

/** After a stop nothing goes on but the host's own calls, which cancel the session's runs: those have a while to come through, and ask nobody. */
function closing(s: Session, stop: NonNullable<Session['stop']>, open: readonly Call[], now: number, limits: Bounds, asleep: Asleep): Step {
  const until = stop.m + 2 * DECIDE_WITHIN_MS;
  const goesOn = (c: Call) => decidedAtStop(s, c.id) && waitsFor(c) !== 'approval' && !s.attention && now < until;
  const given = open.filter((c) => !goesOn(c));
  if (given.length > 0) return { do: 'settle', events: given.flatMap((c) => giveUp(s, c, stop.by, 'The session was stopped.')) };
  const over = open.filter((c) => waitsNoMore(s, c));
  if (over.length > 0)
    return {
      do: 'settle',
      events: over.map((c) => ({
        type: 'call_finished',
        call: c.id,
        outcome: { status: 'ok', text: 'It was decided what becomes of it, so the wait is over.' },
      })),
    };
  for (const call of open) {
    const step = ready(s, call, now, { ...limits, toolCalls: Number.POSITIVE_INFINITY }, asleep);
    if (step) return step;
  }
  return { do: 'park', until: Math.min(earliestWake(s, open, asleep) ?? until, until) };
}

function finish(stop: string, refusal: string | undefined): Step {
  if (stop === 'refusal') {
    const category = refusal ? ` (category: ${refusal})` : '';
    return { do: 'end', outcome: 'failed', text: `The model declined to go on${category}. Rephrase the request, or have another model configured.` };
  }
  if (stop === 'max_tokens')
    return { do: 'end', outcome: 'failed', text: "The model's answer did not fit its length limit and was cut. Ask for less at once." };
  return { do: 'end', outcome: 'done', text: '' };
}

function waitsFor(call: Call): string | null {
  return call.status.is === 'parked' ? call.status.waiting.for : null;
}

/** The step this call is ready for, or null while it waits. */
function ready(s: Session, call: Call, now: number, limits: Bounds, asleep: Asleep): Step | null {
  if (call.status.is === 'asked') {
    // A client's calls are its person's: neither a budget nor a circle of our model.
    const no = s.opened.door === 'mcp' ? null : (overToolCalls(s, call, limits) ?? goesInCircles(s, call));
    return no ? settled(call, 'refused', no) : { do: 'call', call };
  }
  if (call.status.is !== 'parked') return null;
  const { waiting } = call.status;
  switch (waiting.for) {
    case 'approval': {
      const approval = s.approvals.get(waiting.approval);
      if (!approval) return null;
      if (approval.state === 'approved') return waitsForClient(s, call) || isHeldBack(s, call) ? null : { do: 'call', call };
      if (approval.state === 'pending') return now >= Date.parse(approval.expiresAt) ? { do: 'expire', approval: approval.id } : null;
      if (approval.state === 'denied') {
        const { by = '', reason } = approval;
        const hint = 'Nothing was run. Do not ask for the same again unless a person wants it.';
        return settled(call, 'denied', `by ${by}${reason ? `: ${reason}` : ''}`, { status: 'declined', by, ...(reason ? { reason } : {}), hint });
      }
      if (approval.state === 'expired') return settled(call, 'expired', 'Nobody decided in time, so nothing was run.', { status: 'expired' });
      if (approval.state === 'withdrawn') return settled(call, 'withdrawn', `Withdrawn by ${approval.by}; nothing was run.`, { status: 'withdrawn' });
      return null;
    }
    case 'job': {
      if (call.woken.length > 0 || call.interrupted) return { do: 'call', call };
      if (waiting.deadline !== null && now >= Date.parse(waiting.deadline))
        return { do: 'settle', events: [{ type: 'woken', call: call.id, why: 'deadline' }] };
      return null;
    }
    case 'answer':
      return call.answer || call.interrupted ? { do: 'call', call } : null;
    case 'retry':
      // A person was asked to look; until somebody says "again", nothing is tried.
      return now >= retryTime(call, waiting.at, asleep) && !s.attention ? { do: 'call', call } : null;
    default:
      return waiting satisfies never;
  }
}

/** Approved anew, after its backend had failed for long: it waits for "again" like any other. */
function isHeldBack(s: Session, { status, failing }: Call): boolean {
  if (!s.attention || !failing || status.is !== 'parked' || status.waiting.for !== 'approval') return false;
  return s.approvals.get(status.waiting.approval)?.state === 'approved';
}

function settled(call: Call, status: 'denied' | 'expired' | 'withdrawn' | 'refused', text: string, data?: Record<string, unknown>): Step {
  return { do: 'settle', events: [{ type: 'call_finished', call: call.id, outcome: { status, text, ...(data ? { data } : {}) } }] };
}

/** Ends an unfinished call without running it; its card is withdrawn first. */
function giveUp(s: Session, call: Call, by: string, why: string): SessionEvent[] {
  const approval = call.approval ? s.approvals.get(call.approval) : undefined;
  const events: SessionEvent[] = [];
  if (approval && (approval.state === 'pending' || approval.state === 'approved')) {
    events.push({ type: 'withdrawn', call: call.id, approval: approval.id, by, of: 'question', why });
  }
  // It was let go and its backend did not answer: to call that withdrawn could hide a training job.
  const outcome: Outcome = isUnsure(call)
    ? { status: 'unknown', text: `${why} It is not known whether it had happened already: look before doing it again.` }
    : { status: 'withdrawn', text: why };
  events.push({ type: 'call_finished', call: call.id, outcome });
  return events;
}

/** Was it sent, without an answer so far? People may have been asked whether it happened. */
function isUnsure(call: Call): boolean {
  return call.started !== undefined && call.status.is === 'parked' && (call.status.waiting.for === 'retry' || call.status.waiting.for === 'answer');
}

/** When a failed call is tried again (ms). One that looks before it repeats gives its last request the time to arrive. */
function retryTime({ id, started, status }: Call, at: string, asleep: Asleep): number {
  const lookUp = started && started.timeout_ms > 0 && status.is === 'parked' ? status.since + started.timeout_ms + LOOK_UP_MARGIN_MS : 0;
  return Math.max(Date.parse(at), lookUp, asleep.get(id) ?? 0);
}

function earliestWake(s: Session, open: readonly Call[], asleep: Asleep): number | null {
  const times = open.flatMap((c) => {
    if (c.status.is !== 'parked') return [];
    const { waiting } = c.status;
    if (waiting.for === 'approval') {
      const approval = s.approvals.get(waiting.approval);
      return approval?.state === 'pending' ? [Date.parse(approval.expiresAt)] : [];
    }
    if (waiting.for === 'retry') return s.attention ? [] : [retryTime(c, waiting.at, asleep)];
    if (waiting.for === 'job' && waiting.deadline !== null) return [Date.parse(waiting.deadline)];
    return [];
  });
  return times.length > 0 ? Math.min(...times) : null;
}
