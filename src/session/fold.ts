import type { Entry, EventOf, SessionEvent } from './events.ts';
import { failsOn } from './failing.ts';
import { ask, askStill, hear, interruptByUnread, isHeard, type Question, tryAgain, wake } from './fold-calls.ts';
import { RUN_TOOL } from './runs.ts';
import { type Session, theApproval, theCall } from './state.ts';

/** Folds a whole log. Returns null for an empty one. The entries must be verified already. */
export function fold(id: string, entries: readonly Entry[]): Session | null {
  let session: Session | null = null;
  for (const entry of entries) session = apply(session, id, entry);
  return session;
}

/** Applies one entry. Mutates and returns the session: a fold over a long log must not copy it at each step. */
export function apply(session: Session | null, id: string, entry: Entry): Session {
  if (!session) {
    if (entry.event.type !== 'opened') throw new Error(`the log of ${id} begins with ${entry.event.type}, not opened`);
    return {
      id,
      seq: entry.seq,
      head: entry.hash,
      opened: { ...entry.event, at: entry.at, m: entry.m },
      told: [],
      replies: [],
      calls: new Map(),
      approvals: new Map(),
      notes: [],
      refusedDecisions: [],
      usage: { input: 0, output: 0, cache_read: 0, cache_write: 0 },
      runs: [],
      raised: 0,
      lastM: entry.m,
    };
  }
  happened(session, entry, entry.event);
  session.seq = entry.seq;
  session.head = entry.hash;
  session.lastM = entry.m;
  return session;
}

/** What one event changes in the state. Mutates. */
function happened(s: Session, { seq, m, at }: Entry, e: SessionEvent): void {
  switch (e.type) {
    case 'opened':
      throw new Error(`session ${s.id} is opened twice`);
    case 'told':
      s.told.push({ ...e, seq, at });
      if (e.kind === 'stop') {
        s.stop ??= { by: e.by, at, seq, m };
        // Whatever needed a look before, nobody waits for it any more.
        delete s.attention;
      }
      if ((e.kind === 'cancel_run' || e.kind === 'leave_run') && s.offer) {
        s.offer.answer ??= { by: e.by, cancel: e.kind === 'cancel_run' };
        // The wait may have been given up; what they want has not been tried.
        delete s.attention;
      }
      if (e.kind === 'raise') {
        s.raised += 1;
        delete s.limit;
      }
      if (e.kind === 'retry') {
        delete s.attention;
        delete s.retry;
        s.insisted = true;
        tryAgain(s, at);
      }
      if (isHeard(e)) hear(s, e, at);
      return;
    case 'replied':
      s.replies.push({ ...e, seq, at });
      delete s.retry;
      delete s.insisted;
      for (const key of ['input', 'output', 'cache_read', 'cache_write'] as const) s.usage[key] += e.usage[key];
      for (const c of e.calls) s.calls.set(c.id, { id: c.id, tool: c.tool, input: c.input, reply: seq, status: { is: 'asked' }, woken: [], attempts: 0 });
      return;
    case 'looked':
      s.calls.set(e.call, {
        id: e.call,
        tool: e.tool,
        input: e.input,
        reply: seq,
        status: { is: 'finished', outcome: e.outcome, at },
        woken: [],
        attempts: 0,
      });
      return;
    case 'call_parked': {
      const call = theCall(s, e.call);
      call.status = { is: 'parked', waiting: e.waiting, since: m, sinceAt: at };
      delete call.insisted;
      if (e.waiting.for === 'answer') call.question = e.waiting;
      if (e.waiting.for === 'retry') {
        call.failing = failsOn(call.failing, e.waiting, call.attempts, m);
        call.attempts = e.waiting.attempt;
      } else {
        // What woke a wait still counts when only the look at it failed and is tried again.
        call.attempts = 0;
        delete call.failing;
        call.woken = [];
        delete call.interrupted;
      }
      if (e.waiting.for === 'job') interruptByUnread(s, call);
      if (e.waiting.for === 'job' && e.waiting.deadline !== null) call.deadline ??= e.waiting.deadline;
      if (e.waiting.for === 'approval') ask(s, call, e.waiting, at);
      return;
    }
    case 'call_started': {
      const call = theCall(s, e.call);
      call.started = e;
      call.status = { is: 'started', key: e.key, m, timeoutMs: e.timeout_ms, arguments: e.arguments, digest: e.digest };
      if (e.approval) theApproval(s, e.approval).state = 'used';
      return;
    }
    case 'call_finished': {
      const call = theCall(s, e.call);
      call.status = { is: 'finished', outcome: e.outcome, at };
      const runId = e.outcome.data?.['run_id'];
      if (call.tool === RUN_TOOL && e.outcome.status === 'ok' && typeof runId === 'string') {
        const url = e.outcome.data?.['run_url'];
        s.runs.push({ call: call.id, runId, ...(typeof url === 'string' ? { url } : {}) });
      }
      return;
    }
    case 'approved': {
      const approval = theApproval(s, e.approval);
      approval.votes.push({ by: e.by, at, ...(e.name ? { name: e.name } : {}) });
      approval.decidedM = m;
      approval.decidedAt = at;
      if (e.votes >= e.need) approval.state = 'approved';
      return;
    }
    case 'denied':
    case 'edited':
    case 'expired': {
      const approval = theApproval(s, e.approval);
      approval.state = e.type;
      approval.decidedM = m;
      approval.decidedAt = at;
      if (e.type !== 'expired') approval.by = e.by;
      if (e.type === 'denied' && e.reason) approval.reason = e.reason;
      if (e.type === 'edited') {
        const call = theCall(s, e.call);
        const { next } = e;
        if (next.input) call.input = next.input;
        const waiting: Question = {
          for: 'approval',
          approval: next.approval,
          digest: next.digest,
          arguments: next.arguments,
          preview: next.preview,
          expires_at: next.expires_at,
          need: approval.need,
        };
        call.status = { is: 'parked', waiting, since: m, sinceAt: at };
        ask(s, call, waiting, at, { approval: approval.id, by: e.by });
      }
      return;
    }
    case 'withdrawn': {
      const approval = theApproval(s, e.approval);
      approval.votes = approval.votes.filter((v) => v.by !== e.by);
      approval.state = e.of === 'vote' ? 'pending' : 'withdrawn';
      // A call that was made again under a yes that is taken back does not go under the next one.
      if (e.of === 'vote') {
        const call = theCall(s, e.call);
        call.woken = call.woken.filter((w) => w.why !== 'again');
        askStill(call, approval, m, at);
        delete approval.decidedAt;
        delete approval.decidedM;
        return;
      }
      approval.by = e.by;
      approval.decidedAt = at;
      approval.decidedM = m;
      return;
    }
    case 'refused':
      if (e.of === 'call') theCall(s, e.call).status = { is: 'finished', outcome: { status: 'refused', text: e.why }, at, ...(e.by ? { ruledOut: true } : {}) };
      else s.refusedDecisions.push({ ...e, at });
      return;
    case 'woken':
      wake(s, theCall(s, e.call), e);
      return;
    case 'noted':
      s.notes.push({ ...e, seq, at, m });
      if (e.about === 'retry' && e.until && !e.call) modelWaits(s, e, e.until, { seq, at, m });
      if (e.omits_to !== undefined) s.omitsTo = e.omits_to;
      if (e.omits_pictures) s.omitsPictures = [...(s.omitsPictures ?? []), ...e.omits_pictures];
      if (e.about === 'limit') s.limit = { text: e.text, seq, m };
      if (e.about === 'offer') s.offer ??= { text: e.text, seq, m };
      if (e.about === 'attention') s.attention = { text: e.text, seq };
      return;
    case 'ended':
      s.ended = { ...e, seq, at };
      return;
    default:
      e satisfies never;
  }
}

function modelWaits(s: Session, e: EventOf<'noted'>, until: string, { seq, at, m }: { seq: number; at: string; m: number }): void {
  const attempt = e.attempt ?? 1;
  const failing = failsOn(s.retry?.failing, { attempt, at: until, outage: e.outage }, s.retry?.attempt ?? 0, m);
  s.retry = { until, attempt, upstream: e.upstream ?? 'the model', why: e.text, seq, sinceAt: at, failing, ...(e.outage ? { outage: true } : {}) };
  delete s.insisted;
}
