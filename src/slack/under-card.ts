import { mayApprove } from '../policy/approvers.ts';
import { isSpoken, pendingApprovals, type Session } from '../session/state.ts';
import { lookUpWhether } from './decide.ts';
import type { Desk } from './desk.ts';

export const WORDS_APPROVE_NOTHING = 'Words approve nothing: press Approve on the card.';

/** Whether a card waits that this person may approve. */
export async function mayDecide(desk: Desk, session: Session, user: string): Promise<boolean> {
  const tools = new Set(pendingApprovals(session).flatMap((a) => session.calls.get(a.call)?.tool ?? []));
  const may = await Promise.all([...tools].map((tool) => lookUpWhether(desk, { session, tool }, user, mayApprove)));
  return may.some(({ ok }) => ok);
}

/**
 * What somebody is told who writes while a card waits, once a card; null where they were told, or see it in the thread. `before`: the session without what they
 * just wrote. Pure.
 */
export function underCard(before: Session, by: string, is: 'approver' | 'steering' | 'other'): string | null {
  const { alias, by: requester } = before.opened;
  const first = pendingApprovals(before).some(({ askedAt }) => {
    const since = before.told.filter((m) => isSpoken(m) && m.at >= askedAt);
    const own = since.filter((m) => m.by === by).length;
    if (is !== 'steering') return own === 0;
    // The first of these is answered in the thread, for all to see.
    const seen = since.find((m) => m.standing !== 'other')?.by;
    return seen !== undefined && own === (seen === by ? 1 : 0);
  });
  if (!first) return null;
  switch (is) {
    case 'approver':
      return `${WORDS_APPROVE_NOTHING} What you write here is kept, and read once it is decided.`;
    case 'steering':
      return `Kept for ${alias}, like what was written before: it is read once the card is decided, or when the requester or an approver presses “Change the plan”.`;
    case 'other':
      return noted(alias, requester);
    default:
      return is satisfies never;
  }
}

/** What becomes of the words of somebody who has no say. */
export function noted(alias: string, requester: string): string {
  return `Noted for ${alias}; the model sees it at its next turn. Only <@${requester}>, an approver or whoever was asked steers it.`;
}
