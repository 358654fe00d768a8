import { decidedAtStop } from './after-stop.ts';
import type { EventOf, Waiting } from './events.ts';
import { NO_ONE_QUESTION } from './question-meant.ts';
import { type Approval, type Call, isSpoken, type Session } from './state.ts';

export type Question = Extract<Waiting, { for: 'approval' }>;

/** People are asked about a call. */
export function ask(s: Session, call: Call, w: Question, askedAt: string, edits?: Approval['edits']): void {
  call.approval = w.approval;
  s.approvals.set(w.approval, {
    id: w.approval,
    call: call.id,
    digest: w.digest,
    arguments: w.arguments,
    preview: w.preview,
    expiresAt: w.expires_at,
    need: w.need,
    ...(w.again === undefined ? {} : { again: w.again }),
    ...(edits ? { edits } : {}),
    state: 'pending',
    votes: [],
    askedAt,
  });
}

/**
 * What waits for its backend under a yes that is taken back waits for people again: due without one, it would ask them a second time. Where the time of that question
 * is over nobody could answer it any more, and they are asked anew.
 */
export function askStill(call: Call, { id, digest, arguments: args, preview, expiresAt, need }: Approval, m: number, at: string): void {
  if (m >= Date.parse(expiresAt) || call.approval !== id || call.started || call.status.is !== 'parked' || call.status.waiting.for !== 'retry') return;
  const waiting: Question = { for: 'approval', approval: id, digest, arguments: args, preview, expires_at: expiresAt, need };
  call.status = { is: 'parked', waiting, since: m, sinceAt: at };
}

/** The same call again is never a yes: it counts only once people have given theirs. */
export function wake(s: Session, call: Call, e: EventOf<'woken'>): void {
  if (e.why === 'again' && !(call.approval && s.approvals.get(call.approval)?.state === 'approved')) return;
  call.woken.push(e);
}

/** A person said "again": what waited for a backend is due, with its tries counted anew. */
export function tryAgain(s: Session, at: string): void {
  for (const call of s.calls.values()) {
    if (call.status.is !== 'parked' || (call.status.waiting.for !== 'retry' && !call.failing)) continue;
    call.attempts = 0;
    delete call.failing;
    call.insisted = true;
    if (call.status.waiting.for !== 'retry') continue;
    const { outage: _over, ...waiting } = call.status.waiting;
    call.status.waiting = { ...waiting, at, attempt: 0 };
  }
}

/** Does the model have to be shown this before it goes on waiting? */
export function isHeard(e: EventOf<'told'>): boolean {
  return isSpoken(e) && e.standing !== 'other';
}

/** A message that came after the model's last look and before the wait began would otherwise lie unread for as long as the job runs. At a stop no model waits. */
export function interruptByUnread(s: Session, call: Call): void {
  if (decidedAtStop(s, call.id)) return;
  const saw = s.replies.find((r) => r.seq === call.reply)?.saw ?? 0;
  const unread = s.told.find((t) => t.seq > saw && isHeard(t));
  if (unread) call.interrupted ??= { by: unread.by, text: unread.text };
}

/** A message finishes the wait for a job or an answer, though it need not be the answer; a wait for an approval keeps it for later. */
export function hear(s: Session, e: EventOf<'told'>, at: string): void {
  for (const call of s.calls.values()) {
    if (call.status.is !== 'parked') continue;
    const { waiting } = call.status;
    // A change of what was said before answers no question that came after it.
    // Older records don't say which question was meant: there it answered all that were open. What has ended the wait already was an answer to none.
    const isMeant = e.answers === call.id || (e.answers === undefined && !call.interrupted);
    if (waiting.for === 'answer' && e.of === undefined && isMeant) call.answer ??= { by: e.by, text: e.text, at };
    else if ((waiting.for === 'job' && !decidedAtStop(s, call.id)) || (waiting.for === 'answer' && e.answers === NO_ONE_QUESTION))
      call.interrupted ??= { by: e.by, text: e.text };
  }
}
