import type { LineChart } from '../charts/chart.ts';
import { isDirect } from '../policy/direct.ts';
import { approversOf } from '../policy/rules.ts';
import { REMOVED } from '../policy/secrets.ts';
import type { RunProgress } from '../runtime/progress.ts';
import type { Block } from '../services/slack.ts';
import type { AgentStatus } from '../services/slack-agents.ts';
import { becameOfRuns, NOTHING_LEFT, offerText } from '../session/after-stop.ts';
import { cameTo, isRuledOut } from '../session/came-to.ts';
import { costLine } from '../session/cost.ts';
import { knownLinks } from '../session/known-links.ts';
import { placeInLine } from '../session/lineage.ts';
import { runsGoingOn } from '../session/runs.ts';
import { wordsOf } from '../session/said.ts';
import { isSpoken, type Reply, type Session, type Told } from '../session/state.ts';
import { isTalk } from '../session/talk.ts';
import { agentStatus } from './agent-status.ts';
import { callSlots } from './call-slots.ts';
import { type AskingView, approvalsOf, approverMentions, cards, reminderIn, wereLookedAt } from './cards.ts';
import type { Live } from './live.ts';
import type { CardView } from './views/decision.ts';
import { didWhat } from './views/did.ts';
import { attentionMessage, finalMessage, type Kept, keptMessage, QUOTED, rootMessage, rotateMessage, saidMessage } from './views/messages.ts';
import { planMessage } from './views/plan.ts';
import { limitMessage, offerMessage } from './views/reminder.ts';
import type { Bit } from './views/rich.ts';

/** One message the thread should show: posted once under its name, edited when its content changes. */
export type Slot = { name: string; thread: boolean /** Where it stands, if not in the session's channel. */; channel?: string } & (
  | { text: string; blocks: Block[] /** What of it is streamed where Slack has streams. */; live?: Live }
  /** What Slack itself shows of a conversation with the app. */
  | { status: AgentStatus; title: string }
  /** A file: `sha256` names a stored blob, `content` is the thing itself. */
  | {
      file: { name: string; title: string; alt: string } & (
        | { sha256: string }
        | { content: string }
        /** A picture of this chart, only where Slack did not take that of the slot `instead`. */
        | { chart: LineChart; instead: string }
      );
    }
);

export type NarrateView = AskingView & {
  /** How far the runs are that it waits for: no fact of the log, so it is given. */
  progress?: readonly RunProgress[];
};

/** More talk than this on the way stays in the record. */
const MOST_SAID = 25;

/** What the thread of a session should show, in the order it should be posted. Pure: the same log always gives the same messages. */
export function narrate(s: Session, { progress = [], ...asking }: NarrateView): Slot[] {
  const { approvers } = asking;
  const mayApprove = (tool: string) => approverMentions(approversOf(tool, approvers), s.opened.by);
  const view: CardView = { requester: s.opened.by, mayApprove, closed: s.ended !== undefined || s.stop !== undefined };
  // A client's calls are shown to the client; here only what people are asked.
  if (s.opened.door === 'mcp') return s.replies.flatMap((reply) => cards(s, reply, view, asking));
  const noteworthy = isNoteworthy(s, asking.now ?? s.lastM);
  const known = knownLinks(s);
  const said = s.replies.filter((r) => isSaid(s, r)).slice(0, MOST_SAID);
  return [
    ...(isDirect(s.opened.channel) ? [{ name: 'status', thread: true, ...agentStatus(s) }] : []),
    ...(noteworthy ? opening(s, mayApprove, progress) : []),
    ...s.replies.flatMap((reply) => [
      ...(said.includes(reply) ? [message(`said:${reply.seq}`, saidMessage(wordsOf(reply.content), known))] : []),
      ...cards(s, reply, view, asking),
      ...kept(s, reply, view.closed),
      ...reply.calls.flatMap((c) => callSlots(s, s.calls.get(c.id))),
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
    ...s.notes
      .filter((n) => n.about === 'limit')
      .map(({ seq, text }) => {
        const raisedBy = s.told.find((m) => m.kind === 'raise' && m.seq > seq)?.by ?? null;
        const open = s.limit?.seq === seq && !view.closed;
        return message(`limit:${seq}`, limitMessage({ session: s.id, requester: s.opened.by, text, open, raisedBy, mayRaise: mayApprove('raise_budget') }));
      }),
    ...offer(s, known),
    ...(s.ended ? [message('final', final(s, known))] : []),
  ];
}

function offer(s: Session, known: ReadonlyMap<string, string>): Slot[] {
  if (!s.offer) return [];
  const became = s.ended ? becameOfRuns(s).join(' ') || NOTHING_LEFT : null;
  const left = runsGoingOn(s).length > 0;
  return [message('offer', offerMessage({ session: s.id, requester: s.opened.by, text: offerText(s), answer: s.offer.answer, became, left, known }))];
}

/** How long an answer in a direct message may take before the steps to it are shown. */
const QUIET_MS = 4_000;

/**
 * A follow-up or a direct message that calls no tool ("thanks!") is answered, and that is all there is to see; Slack shows by itself that the app is at work. What takes
 * longer, or meets trouble, is shown from its beginning.
 */
function isNoteworthy(s: Session, now: number): boolean {
  if (s.calls.size > 0) return true;
  if (s.opened.after !== undefined) return false;
  if (s.opened.door !== 'direct' || s.notes.length > 0 || s.stop || (s.ended && s.ended.outcome !== 'done')) return true;
  return (s.ended ? Date.parse(s.ended.at) : now) - s.opened.m >= QUIET_MS;
}

/** Ms until it says something else though nothing has happened; null when time changes nothing. */
export function changesIn(s: Session, now: number): number | null {
  const quiet = !s.ended && !isNoteworthy(s, now) && s.opened.after === undefined ? [Math.max(50, s.opened.m + QUIET_MS - now)] : [];
  const times = [reminderIn(s, now), ...quiet].filter((ms) => ms !== null);
  return times.length > 0 ? Math.min(...times) : null;
}

function opening(s: Session, mayApprove: (tool: string) => Bit[], progress: readonly RunProgress[]): Slot[] {
  const { alias, by, prompt, model, thread, after, rerun_of: line } = s.opened;
  const { live, ...plan } = planMessage(s, mayApprove, progress);
  return [
    {
      name: 'root',
      thread: thread !== null,
      ...rootMessage({
        alias,
        by,
        prompt,
        model,
        follows: after !== undefined,
        quoted: s.opened.door !== 'direct',
        ...(line ? { line: `${capital(placeInLine(line, alias))}.` } : {}),
      }),
    },
    ...(prompt.length > QUOTED
      ? [{ name: 'prompt', thread: true, file: { name: `${alias}-prompt.txt`, title: `The prompt of ${alias}`, alt: 'The whole prompt', content: prompt } }]
      : []),
    { name: 'plan', thread: true, ...plan, ...(isDirect(s.opened.channel) ? { live } : {}) },
  ];
}

/** Who wrote a credential into Slack is told so: it is out of everything we keep, but whoever could read it there has it. */
function pasted(s: Session): Slot[] {
  const { by, prompt, door } = s.opened;
  const asked = door === 'shortcut' ? 'chosen' : door === 'mention' || door === 'direct' || door === 'reply' ? 'own' : 'nowhere';
  const told = s.told.map(({ ts, ...t }) => ({ ...t, stands: ts === null ? ('nowhere' as const) : ('own' as const) }));
  return [{ seq: 1, by, text: prompt, stands: asked } as const, ...told]
    .filter((w) => w.text.includes(REMOVED))
    .map((w) => message(`secret:${w.seq}`, rotateMessage(w.by, w.stands)));
}

function message(name: string, content: { text: string; blocks: Block[] }): Slot {
  return { name, thread: true, ...content };
}

/** The last reply without calls is the answer, which the final message gives. */
function isSaid(s: Session, reply: Reply): boolean {
  const words = wordsOf(reply.content);
  if (!words) return false;
  const isAnswer = reply === s.replies.at(-1) && reply.calls.length === 0;
  if (isAnswer) return s.ended !== undefined && s.ended.outcome !== 'done';
  // Whether a card will quote them is not known before; said once and quoted after, they would stand there twice.
  if (!s.ended && !wereLookedAt(s, reply)) return false;
  // A card quotes the words already.
  return !approvalsOf(s, reply).some((a) => a.preview.why?.trim() === words);
}

/** The first message that came while an approval was open, once. */
function kept(s: Session, reply: Reply, closed: boolean): Slot[] {
  for (const a of approvalsOf(s, reply)) {
    const told = s.told.find(
      (m) =>
        isSpoken(m) &&
        m.kind !== 'change' &&
        m.standing !== 'other' &&
        m.at >= a.askedAt &&
        (a.state === 'pending' || (a.decidedAt !== undefined && m.at < a.decidedAt)),
    );
    if (told) return [message(`kept:${reply.seq}`, keptMessage(s.id, told.by, whatBecame(s, told, a.state === 'pending', closed)))];
  }
  return [];
}

function whatBecame(s: Session, told: Told, isPending: boolean, closed: boolean): Kept {
  if (!closed) return isPending ? 'waits' : 'read';
  return s.replies.some((r) => !r.host && r.saw >= told.seq) ? 'read' : 'never read';
}

function final(s: Session, known: ReadonlyMap<string, string>): { text: string; blocks: Block[] } {
  const { outcome, text } = s.ended ?? { outcome: 'done' as const, text: '' };
  const last = s.replies.at(-1);
  const answer = last && last.calls.length === 0 ? wordsOf(last.content) : '';
  const words = outcome === 'done' ? text || answer || 'There is nothing more to say.' : text;
  return finalMessage({
    ...stopper(s, words),
    known,
    requester: s.opened.by,
    heading: cameTo(s),
    did: didWhat(s),
    cost: costLine(s) ?? undefined,
    lines: s.seq,
    head: s.head,
    bare: isTalk(s),
    ...(canRunAgain(s) ? { again: { session: s.id, asItWas: !isRuledOut(s) } } : {}),
  });
}

/** The record names who stopped it by id; here the name is shown, and not said twice to whoever asked. */
function stopper(s: Session, words: string): { words: string; stoppedBy?: string } {
  const [whole, by] = (s.ended?.outcome === 'stopped' && words.match(/^Stopped by <@([UW][A-Z0-9]+)>\. ?/)) || [];
  return whole && by ? { words: words.slice(whole.length), stoppedBy: by } : { words };
}

/** Where nothing was done and nothing failed, there is nothing to repeat: an answer, a refusal to schedule. */
function canRunAgain(s: Session): boolean {
  return s.calls.size > 0 || s.ended?.outcome !== 'done';
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
