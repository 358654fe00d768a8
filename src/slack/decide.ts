import { allOf } from '../analysis/numbers.ts';
import { type May, mayApprove, mayDeny, mayEdit } from '../policy/approvers.ts';
import { type ApproverRule, approversOf } from '../policy/rules.ts';
import { sessionOfRef } from '../runtime/commands.ts';
import type { Person } from '../services/slack.ts';
import { isReview } from '../session/door.ts';
import type { Approval, Call, Session } from '../session/state.ts';
import { cardChannel } from './cards.ts';
import { type Desk, membersOf, namesOf } from './desk.ts';
import { decidedInWords, type Settled, STORE_MS, store, whyNot } from './store.ts';

export type Asked = { session: Session; approval: Approval; call: Call; tool: string };
type What = 'approve' | 'deny' | 'withdraw' | 'edit';
export type Decided = { counted: boolean; text: string; settled?: Settled };

/** What an approval's id stands for; null for an id that is nobody's, or another workspace's. */
export async function whatIsAsked(desk: Desk, ref: string): Promise<Asked | null> {
  const session = await desk.reading.session(sessionOfRef(ref));
  const approval = session?.approvals.get(ref);
  const call = approval && session?.calls.get(approval.call);
  if (!session || !call || session.opened.team !== desk.self.team) return null;
  return { session, approval, call, tool: call.tool };
}

/** The channel where its card stands. */
export function whereAsked({ permissions, channels }: Desk, { session, tool }: Asked): string {
  return cardChannel(session, tool, { approvers: permissions.approvers, channels }) ?? session.opened.channel;
}

/** A click that decides. Who may is looked up now, whatever stood on the card; a click that does not count is recorded and told why. */
export async function decide(
  desk: Desk,
  key: string,
  by: string,
  asked: Asked,
  decision: { do: 'approve' } | { do: 'deny'; reason?: string } | { do: 'withdraw' },
  who?: Who,
): Promise<Decided> {
  const no = await whyNotCounted(desk, key, by, asked, decision.do, who);
  if (no) return { counted: false, text: no };
  const ref = { session: asked.session.id, approval: asked.approval.id, by };
  const name = decision.do === 'approve' ? await nameOf(desk, by) : undefined;
  const stored = await store(desk, key, { ...decision, ...ref, ...(name ? { name } : {}) }, STORE_MS, asked.session);
  const why = whyNot(stored);
  if (why) return { counted: false, text: why, ...(stored.is === 'unsure' ? { settled: stored.settled } : {}) };
  return { counted: true, text: thanks(decision.do, stored.is === 'duplicate', stored.is === 'stored' ? stored : {}) };
}

/** Why this person's decision would not count now, with who may decide; null where it would. A refusal is recorded. */
export async function whyNotCounted(desk: Desk, key: string, by: string, asked: Asked, what: What, who?: Who): Promise<string | null> {
  const early = tooLate(asked, what);
  if (early) return early;
  const { session, approval, tool } = asked;
  const why = await whyRefused(desk, asked, by, what, who);
  if (!why) return null;
  // Not the decision's own key: a form can be sent again, and may count then.
  await store(desk, `${key}:no`, { do: 'refuse', session: session.id, approval: approval.id, by, why });
  return `${why} ${whoMay(approversOf(tool, desk.permissions.approvers), what)}`.trim();
}

/** Known since it was looked up whether they may. */
export async function nameOf(desk: Desk, user: string): Promise<string | undefined> {
  return (await desk.slack.person(user, 300).catch(() => null))?.name;
}

/** Several questions of one card at once: each is decided for itself, and what did not count says why. */
export async function decideAll(desk: Desk, key: string, by: string, all: readonly Asked[]): Promise<Decided> {
  const decided = await Promise.all(all.map((asked) => decide(desk, `${key}:${asked.approval.id}`, by, asked, { do: 'approve' })));
  const counted = decided.filter((d) => d.counted);
  const rest = [...new Set(decided.flatMap((d) => (d.counted ? [] : [d.text])))].join(' ');
  const unsure = decided.flatMap((d) => d.settled ?? []);
  if (counted.length === all.length)
    return {
      counted: true,
      text: counted.every((d) => d.text === 'Approved.') ? `Approved ${allOf(all.length)}.` : `Your yes is counted for ${allOf(all.length)}.`,
    };
  return {
    counted: counted.length > 0,
    text: `${counted.length} of ${all.length} counted. ${rest}`,
    ...(unsure.length > 0 ? { settled: allSettled(unsure) } : {}),
  };
}

/** One that is lost is worth repeating all: what counted counts once. */
async function allSettled(settling: readonly Settled[]): Settled {
  return (await Promise.all(settling)).includes('lost') ? 'lost' : 'stored';
}

/** A decision that came after the decision. */
function tooLate({ session, approval, call }: Asked, what: What): string | null {
  if (approval.state === 'pending' && call.approval !== approval.id) return 'This was asked again since; the newer card is below.';
  if (what === 'edit' && session.opened.door === 'mcp')
    return isReview(session)
      ? 'What a server offers can only be taken as it is. Deny it, and talk to whoever runs the server.'
      : 'An MCP client asked for exactly this, and only this can be let through: deny it, with what should be different.';
  // A yes can be taken back until what it lets go has begun.
  if (approval.state !== 'pending' && !(what === 'withdraw' && approval.state === 'approved')) {
    const last = approval.votes.at(-1);
    return decidedInWords({ state: approval.state, by: approval.by ?? last?.by ?? null, at: approval.decidedAt ?? null });
  }
  return session.ended || session.stop ? 'This experiment was stopped or has ended; nothing more is run.' : null;
}

async function whyRefused(desk: Desk, asked: Asked, by: string, what: What, who: Who | undefined): Promise<string | null> {
  if (what === 'withdraw') return asked.approval.votes.some((v) => v.by === by) ? null : 'You have not said yes to this, so there is nothing to take back.';
  const may = await lookUpWhether(desk, asked, by, { approve: mayApprove, deny: mayDeny, edit: mayEdit }[what], who);
  return may.ok ? null : may.why;
}

type Who = Promise<Person | null | 'unknown'>;

/** Who somebody is as of now; asked as soon as a click has come, while what it is about is still being read. */
export function lookUp(desk: Desk, by: string): Who {
  return desk.slack.person(by, 800, true).catch(() => 'unknown' as const);
}

/** Looks up who somebody is, and who is in the groups, as of now. A Slack that does not say is a no. */
export async function lookUpWhether(
  desk: Desk,
  { session, tool }: Pick<Asked, 'session' | 'tool'>,
  by: string,
  holds: (question: Parameters<typeof mayApprove>[0]) => May,
  who = lookUp(desk, by),
): Promise<May> {
  const rule = approversOf(tool, desk.permissions.approvers);
  const [user, groupMembers] = await Promise.all([who, membersOf(desk, rule?.groups ?? [], true)]);
  if (user === 'unknown') return { ok: false, why: 'Slack did not tell me in time who you are. Please try again.' };
  return holds({ user, team: desk.self.team, requester: session.opened.by, rule, groupMembers });
}

function whoMay(rule: ApproverRule | null, what: string): string {
  return what === 'withdraw' || what === 'edit' ? '' : `May decide: ${namesOf(rule)}.`;
}

function thanks(what: 'approve' | 'deny' | 'withdraw', again: boolean, { votes, need }: { votes?: number; need?: number }): string {
  if (again) return 'This was counted already; once is enough.';
  if (what === 'withdraw') return 'Your yes is taken back.';
  if (what === 'deny') return 'Denied.';
  return votes !== undefined && need !== undefined && votes < need ? `Your yes is counted: ${votes} of ${need}.` : 'Approved.';
}
