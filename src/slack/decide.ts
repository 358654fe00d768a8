import { mayApprove, mayDeny } from '../policy/approvers.ts';
import { type ApproverRule, approversOf } from '../policy/rules.ts';
import { sessionOfRef } from '../runtime/commands.ts';
import type { Approval, Session } from '../session/state.ts';
import { type Desk, membersOf, namesOf } from './desk.ts';
import { decidedInWords, store, whyNot } from './store.ts';

export type Asked = { session: Session; approval: Approval; tool: string };
export type Decided = { counted: boolean; text: string; settled?: Promise<'stored' | 'lost'> };

/** What an approval's id stands for; null for an id that is nobody's, or another workspace's. */
export async function whatIsAsked(desk: Desk, ref: string): Promise<Asked | null> {
  const session = await desk.reading.session(sessionOfRef(ref));
  const approval = session?.approvals.get(ref);
  if (!session || !approval || session.opened.team !== desk.self.team) return null;
  return { session, approval, tool: session.calls.get(approval.call)?.tool ?? '' };
}

/** A click that decides. Who may is looked up now, whatever stood on the card; a click that does not count is recorded and told why. */
export async function decide(
  desk: Desk,
  key: string,
  by: string,
  asked: Asked,
  decision: { do: 'approve' } | { do: 'deny'; reason?: string } | { do: 'withdraw' },
): Promise<Decided> {
  const no = await whyNotCounted(desk, key, by, asked, decision.do);
  if (no) return { counted: false, text: no };
  const ref = { session: asked.session.id, approval: asked.approval.id, by };
  const stored = await store(desk, key, { ...decision, ...ref });
  const why = whyNot(stored);
  if (why) return { counted: false, text: why, ...(stored.is === 'unsure' ? { settled: stored.settled } : {}) };
  return { counted: true, text: thanks(decision.do, stored.is === 'duplicate', stored.is === 'stored' ? stored : {}) };
}

/** Why this person's decision would not count now, with who may decide; null where it would. A refusal is recorded. */
export async function whyNotCounted(desk: Desk, key: string, by: string, asked: Asked, what: 'approve' | 'deny' | 'withdraw'): Promise<string | null> {
  const early = tooLate(asked);
  if (early) return early;
  const { session, approval, tool } = asked;
  const why = await whyRefused(desk, asked, by, what);
  if (!why) return null;
  await store(desk, key, { do: 'refuse', session: session.id, approval: approval.id, by, why });
  return `${why} ${whoMay(approversOf(tool, desk.permissions.approvers), what)}`.trim();
}

/** A decision that came after the decision. */
function tooLate({ session, approval }: Asked): string | null {
  if (approval.state !== 'pending') {
    const last = approval.votes.at(-1);
    return decidedInWords({ state: approval.state, by: approval.by ?? last?.by ?? null, at: approval.decidedAt ?? null });
  }
  return session.ended || session.stop ? 'This experiment was stopped or has ended; nothing more is run.' : null;
}

async function whyRefused(desk: Desk, { session, approval, tool }: Asked, by: string, what: 'approve' | 'deny' | 'withdraw'): Promise<string | null> {
  if (what === 'withdraw') return approval.votes.some((v) => v.by === by) ? null : 'You have not said yes to this, so there is nothing to take back.';
  const rule = approversOf(tool, desk.permissions.approvers);
  const [user, groupMembers] = await Promise.all([
    desk.slack.person(by, AbortSignal.timeout(800)).catch(() => 'unknown' as const),
    membersOf(desk, rule?.groups ?? [], true),
  ]);
  if (user === 'unknown') return 'Slack did not tell me in time who you are. Please try again.';
  const question = { user, team: desk.self.team, requester: session.opened.by, rule, groupMembers };
  const may = what === 'approve' ? mayApprove(question) : mayDeny(question);
  return may.ok ? null : may.why;
}

function whoMay(rule: ApproverRule | null, what: string): string {
  return what === 'withdraw' ? '' : `May decide: ${namesOf(rule)}.`;
}

function thanks(what: 'approve' | 'deny' | 'withdraw', again: boolean, { votes, need }: { votes?: number; need?: number }): string {
  if (again) return 'This was counted already; once is enough.';
  if (what === 'withdraw') return 'Your yes is taken back.';
  if (what === 'deny') return 'Denied.';
  return votes !== undefined && need !== undefined && votes < need ? `Your yes is counted: ${votes} of ${need}.` : 'Approved.';
}
