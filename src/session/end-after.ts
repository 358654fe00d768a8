import { costFor } from './cost.ts';
import type { EventOf, SessionEvent } from './events.ts';
import { apply } from './fold.ts';
import { type Bounds, next, type Step } from './next.ts';
import type { Session } from './state.ts';

/** The last line of a session. */
export function ending(s: Session, { outcome, text }: Extract<Step, { do: 'end' }>, { prices }: Bounds): EventOf<'ended'> {
  return { type: 'ended', outcome, text, ...costFor(s, prices) };
}

/**
 * The end, where it directly follows from a last answer: both are written at once, unless somebody says something in that moment. Empty where anything else follows.
 * Pure; the session stays as it is.
 */
export function endAfter(s: Session, events: readonly SessionEvent[], now: number, limits: Bounds): SessionEvent[] {
  const [reply] = events;
  if (events.length !== 1 || reply?.type !== 'replied' || reply.calls.length > 0) return [];
  const then: Session = { ...s, replies: [...s.replies], usage: { ...s.usage } };
  apply(then, s.id, { seq: s.seq + 1, line: '', hash: '', at: new Date(now).toISOString(), m: now, fence: 0, event: reply });
  const step = next(then, now, limits);
  return step.do === 'end' ? [ending(then, step, limits)] : [];
}
