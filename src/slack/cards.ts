import { type ApproverRule, approversOf, type Permissions } from '../policy/rules.ts';
import { changesInWords } from '../session/changed-arguments.ts';
import { isReview } from '../session/door.ts';
import { type Approval, pendingApprovals, type Reply, type Session } from '../session/state.ts';
import type { Slot } from './narrate.ts';
import { card, DECISIONS } from './views/card.ts';
import type { CardView, Decision } from './views/decision.ts';
import { askedElsewhere, reminderMessage } from './views/reminder.ts';
import { type Bit, group, t, user } from './views/rich.ts';
import { stepTitle } from './views/words.ts';

/** What decides how cards are shown, and is no fact of the log. */
export type AskingView = {
  approvers: Permissions['approvers'];
  /** Where it listens; absent: everywhere. */
  channels?: readonly string[] | undefined;
  /** Ms. A reminder is a matter of time. */
  now?: number | undefined;
  /** Links to messages that are there already, by the name of their slot. */
  links?: Readonly<Record<string, string>> | undefined;
  /** Slots that Slack did not let stand where they should. */
  missing?: readonly string[] | undefined;
};

type Card = { name: string; decisions: Decision[] };

/** The cards of a reply, where they stand, and their reminders. */
export function cards(s: Session, reply: Reply, view: CardView, { now = 0, links = {}, missing = [], ...asking }: AskingView): Slot[] {
  // Whoever approves all approves what stands there: a call that joined them a moment later would wait for ever, unseen. But where the session itself waits for people first (a limit, attention), the rest is looked at only after them, and the cards stand meanwhile.
  if (!s.ended && !s.limit && !s.attention && !wereLookedAt(s, reply)) return [];
  return cardsOf(s, reply).flatMap(({ name, decisions }): Slot[] => {
    const { tool = '' } = decisions[0] ?? {};
    const channel = cardChannel(s, tool, asking);
    const place = channel === null ? { thread: true } : { thread: false, channel };
    const open = decisions.filter((d) => d.current && d.approval.state === 'pending' && !view.closed);
    const due = decisions.some((d) => wasDue(s, d.approval, now));
    const elsewhere = channel === null ? {} : { from: { alias: s.opened.alias, url: links['root'] ?? null, ...askedBy(s, reply) } };
    return [
      { name, ...place, ...card(decisions, { ...view, ...elsewhere }) },
      ...(channel === null || s.opened.door === 'mcp'
        ? []
        : [
            {
              name: `asked:${name}`,
              thread: true,
              ...askedElsewhere(channel, links[name] ?? null, open.length > 0, missing.includes(name) ? s.opened.by : null),
            },
          ]),
      ...(due ? [{ name: `reminder:${name}`, ...place, ...reminderMessage(open, view.mayApprove, links[name] ?? null) }] : []),
    ];
  });
}

/** Who asks where it is no experiment: an MCP client, whose call can only be decided, or labmate itself. */
export function askedBy(s: Session, reply: Pick<Reply, 'model'>): { client?: string; review?: true } {
  if (s.opened.door !== 'mcp') return {};
  return isReview(s) ? { review: true } : { client: reply.model };
}

/** Where a card stands when not in its session's thread: a session from a place that is not served asks where its approvers are. */
export function cardChannel(s: Session, tool: string, { approvers, channels }: Pick<AskingView, 'approvers' | 'channels'>): string | null {
  // A client's session has no thread: each of its cards stands for itself.
  if (s.opened.door === 'mcp') return approversOf(tool, approvers)?.channel ?? s.opened.channel;
  if (!channels || channels.includes(s.opened.channel)) return null;
  // Where no channel is named for them, approvers are most likely to read the first that is served.
  return approversOf(tool, approvers)?.channel ?? channels[0] ?? null;
}

/** The slot in which an approval is asked for; null where none is. */
export function cardNameOf(s: Session, approval: string): string | null {
  for (const reply of s.replies) {
    const found = cardsOf(s, reply).find((c) => c.decisions.some((d) => d.approval.id === approval));
    if (found) return found.name;
  }
  return null;
}

/** Ms until the next reminder of this session is due; null when none is. */
export function reminderIn(s: Session, now: number): number | null {
  const coming = pendingApprovals(s).flatMap((a) => (halfTime(a) > now ? [halfTime(a) - now] : []));
  return coming.length > 0 && !s.stop ? Math.min(...coming) : null;
}

/** Is it known of each call of a reply whether it asks? */
export function wereLookedAt(s: Session, reply: Reply): boolean {
  return reply.calls.every(({ id }) => s.calls.get(id)?.status.is !== 'asked');
}

export function approvalsOf(s: Session, reply: Reply): Approval[] {
  const calls = new Set(reply.calls.map((c) => c.id));
  return [...s.approvals.values()].filter((a) => calls.has(a.call));
}

/** Up to three mentions; nobody configured is said, not left out. */
export function approverMentions(rule: ApproverRule | null, requester: string): Bit[] {
  if (!rule) return [t('nobody: labmate.json names no approvers')];
  const users = rule.requesterMayApprove ? rule.users : rule.users.filter((u) => u !== requester);
  const all = [...rule.groups.map(group), ...users.map(user)];
  const shown = all.slice(0, 3).flatMap((bit, i) => (i > 0 ? [t(', '), bit] : [bit]));
  if (all.length > 3) shown.push(t(` and ${all.length - 3} more`));
  return shown.length > 0 ? shown : [t('nobody but the requester, who may not')];
}

/** One card for the gated calls of a reply. A question that is asked again, or was changed, gets a card of its own: an edited message notifies nobody. */
function cardsOf(s: Session, reply: Reply): Card[] {
  const rounds: Decision[][] = [];
  const seen = new Map<string, number>();
  for (const approval of approvalsOf(s, reply)) {
    const round = seen.get(approval.call) ?? 0;
    seen.set(approval.call, round + 1);
    rounds[round] = [...(rounds[round] ?? []), decisionOf(s, approval)];
  }
  return rounds.flatMap((decisions, round) =>
    Array.from({ length: Math.ceil(decisions.length / DECISIONS) }, (_, part) => ({
      name: ['card', reply.seq, ...(round > 0 || part > 0 ? [round] : []), ...(part > 0 ? [part] : [])].join(':'),
      decisions: decisions.slice(part * DECISIONS, (part + 1) * DECISIONS),
    })),
  );
}

/** A question as a card shows it. */
export function decisionOf(s: Session, approval: Approval): Decision {
  const call = s.calls.get(approval.call);
  const tool = call?.tool ?? '';
  const before = approval.edits && s.approvals.get(approval.edits.approval);
  const edit = approval.edits && before ? { by: approval.edits.by, changes: changesInWords(before.arguments, approval.arguments) } : null;
  const ofCall = [...s.approvals.values()].filter((a) => a.call === approval.call);
  const putBy = ofCall.slice(0, ofCall.indexOf(approval) + 1).findLast((a) => a.edits)?.edits?.by ?? null;
  return { approval, tool, title: stepTitle(tool), current: call?.approval === approval.id, started: call?.started !== undefined, edit, putBy };
}

function halfTime(a: Approval): number {
  const asked = Date.parse(a.askedAt);
  return asked + (Date.parse(a.expiresAt) - asked) / 2;
}

/** Was it open at half its time? Once true it stays true, so that a reminder that was posted is edited and not forgotten. */
function wasDue(s: Session, a: Approval, now: number): boolean {
  const over = s.ended?.at ?? s.stop?.at;
  const until = a.state !== 'pending' ? (a.decidedM ?? 0) : over ? Date.parse(over) : now;
  return until >= halfTime(a);
}
