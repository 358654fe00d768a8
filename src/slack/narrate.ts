import { type ApproverRule, approversOf, type Permissions } from '../policy/rules.ts';
import { REMOVED } from '../policy/secrets.ts';
import type { RunProgress } from '../runtime/progress.ts';
import type { Block } from '../services/slack.ts';
import type { Approval, Call, Reply, Session } from '../session/state.ts';
import { type CardView, card, DECISIONS, type Decision } from './views/card.ts';
import { didWhat } from './views/did.ts';
import { attentionMessage, finalMessage, keptMessage, QUOTED, questionMessage, rootMessage, rotateMessage, saidMessage } from './views/messages.ts';
import { planMessage } from './views/plan.ts';
import { readQuestion } from './views/question.ts';
import { type Bit, group, t, user } from './views/rich.ts';
import { comparisonSchema, verdictMessage } from './views/verdict.ts';
import { outcomeOf, stepTitle, wordsOf } from './views/words.ts';

/** One message the thread should show: posted once under its name, edited when its content changes. */
export type Slot = { name: string; thread: boolean } & (
  | { text: string; blocks: Block[] }
  /** A file: `sha256` names a stored blob, `content` is the thing itself. */
  | { file: { name: string; title: string; alt: string } & ({ sha256: string } | { content: string }) }
);

export type NarrateView = {
  approvers: Permissions['approvers'];
  /** How far the runs are that it waits for: no fact of the log, so it is given. */
  progress?: readonly RunProgress[];
};

/** More talk than this on the way stays in the record. */
const MOST_SAID = 25;

/** What the thread of a session should show, in the order it should be posted. Pure: the same log always gives the same messages. */
export function narrate(s: Session, { approvers, progress = [] }: NarrateView): Slot[] {
  const mayApprove = (tool: string) => approverMentions(approversOf(tool, approvers), s.opened.by);
  const view: CardView = { requester: s.opened.by, mayApprove, closed: s.ended !== undefined || s.stop !== undefined };
  const noteworthy = s.opened.after === undefined || s.calls.size > 0;
  const said = s.replies.filter((r) => isSaid(s, r)).slice(0, MOST_SAID);
  return [
    ...(noteworthy ? opening(s, mayApprove, progress) : []),
    ...s.replies.flatMap((reply) => [
      ...(said.includes(reply) ? [message(`said:${reply.seq}`, saidMessage(wordsOf(reply.content)))] : []),
      ...cards(s, reply, view),
      ...kept(s, reply, view.closed),
      ...reply.calls.flatMap((c) => shownOfCall(s, s.calls.get(c.id))),
    ]),
    ...pasted(s),
    ...s.notes
      .filter((n) => n.about === 'attention')
      .map((n) =>
        message(
          `attention:${n.seq}`,
          attentionMessage({ session: s.id, requester: s.opened.by, text: n.text, open: s.attention?.seq === n.seq && !view.closed }),
        ),
      ),
    ...(s.ended ? [message('final', final(s))] : []),
  ];
}

function opening(s: Session, mayApprove: (tool: string) => Bit[], progress: readonly RunProgress[]): Slot[] {
  const { alias, by, prompt, model, thread, after } = s.opened;
  return [
    { name: 'root', thread: thread !== null, ...rootMessage({ alias, by, prompt, model, follows: after !== undefined }) },
    ...(prompt.length > QUOTED
      ? [{ name: 'prompt', thread: true, file: { name: `${alias}-prompt.txt`, title: `The prompt of ${alias}`, alt: 'The whole prompt', content: prompt } }]
      : []),
    message('plan', planMessage(s, mayApprove, progress)),
  ];
}

/** Who wrote a credential into Slack is told so: it is out of everything we keep, but Slack and its readers still have it. */
function pasted(s: Session): Slot[] {
  const words = [{ seq: 1, by: s.opened.by, text: s.opened.prompt }, ...s.told];
  return words.filter((w) => w.text.includes(REMOVED)).map((w) => message(`secret:${w.seq}`, rotateMessage(w.by)));
}

function message(name: string, content: { text: string; blocks: Block[] }): Slot {
  return { name, thread: true, ...content };
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

/** The last reply without calls is the answer, which the final message gives. */
function isSaid(s: Session, reply: Reply): boolean {
  const words = wordsOf(reply.content);
  if (!words) return false;
  const isAnswer = reply === s.replies.at(-1) && reply.calls.length === 0;
  if (isAnswer) return s.ended !== undefined && s.ended.outcome !== 'done';
  // A card quotes the words already.
  return !approvalsOf(s, reply).some((a) => a.preview.why?.trim() === words);
}

function approvalsOf(s: Session, reply: Reply): Approval[] {
  const calls = new Set(reply.calls.map((c) => c.id));
  return [...s.approvals.values()].filter((a) => calls.has(a.call));
}

/** One card for the gated calls of a reply. A question that is asked again gets a card of its own: an edited message notifies nobody. */
function cards(s: Session, reply: Reply, view: CardView): Slot[] {
  const rounds: Decision[][] = [];
  const seen = new Map<string, number>();
  for (const approval of approvalsOf(s, reply)) {
    const round = seen.get(approval.call) ?? 0;
    seen.set(approval.call, round + 1);
    const tool = s.calls.get(approval.call)?.tool ?? '';
    rounds[round] = [...(rounds[round] ?? []), { approval, tool, title: stepTitle(tool) }];
  }
  return rounds.flatMap((decisions, round) =>
    Array.from({ length: Math.ceil(decisions.length / DECISIONS) }, (_, part) => {
      const name = ['card', reply.seq, ...(round > 0 || part > 0 ? [round] : []), ...(part > 0 ? [part] : [])].join(':');
      return message(name, card(decisions.slice(part * DECISIONS, (part + 1) * DECISIONS), view));
    }),
  );
}

/** The first message that came while an approval was open, once. */
function kept(s: Session, reply: Reply, closed: boolean): Slot[] {
  for (const a of approvalsOf(s, reply)) {
    const told = s.told.find(
      (m) =>
        m.kind === 'message' && m.standing !== 'other' && m.at >= a.askedAt && (a.state === 'pending' || (a.decidedAt !== undefined && m.at < a.decidedAt)),
    );
    if (told) return [message(`kept:${reply.seq}`, keptMessage(s.id, told.by, a.state === 'pending' && !closed))];
  }
  return [];
}

function shownOfCall(s: Session, call: Call | undefined): Slot[] {
  if (!call) return [];
  const outcome = outcomeOf(call);
  const question = readQuestion(s, call);
  const compared = call.tool === 'compare_runs' && outcome?.status === 'ok' ? comparisonSchema.safeParse(outcome.data) : null;
  return [
    ...(question ? [message(`question:${call.id}`, questionMessage(question))] : []),
    ...(compared?.success ? [message(`verdict:${call.id}`, verdictMessage(compared.data))] : []),
    ...(outcome?.images ?? []).map((image, i): Slot => {
      const name = `${s.opened.alias}-${call.id}-${i}.${image.media_type.split('/')[1] ?? 'png'}`;
      return { name: `image:${call.id}:${i}`, thread: true, file: { name, title: stepTitle(call.tool), alt: image.alt, sha256: image.sha256 } };
    }),
  ];
}

const HEADINGS = { done: 'Done', stopped: 'Stopped', failed: 'Failed', limit: 'Ended at its budget' } as const;

function final(s: Session): { text: string; blocks: Block[] } {
  const { outcome, text } = s.ended ?? { outcome: 'done' as const, text: '' };
  const last = s.replies.at(-1);
  const answer = last && last.calls.length === 0 ? wordsOf(last.content) : '';
  const words = outcome === 'done' ? text || answer || 'There is nothing more to say.' : text;
  const bare = s.opened.after !== undefined && s.calls.size === 0 && outcome === 'done';
  return finalMessage({ requester: s.opened.by, heading: HEADINGS[outcome], words, did: didWhat(s), lines: s.seq, head: s.head, bare });
}
