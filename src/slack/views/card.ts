import { allOf } from '../../analysis/numbers.ts';
import { quotedWords } from '../../policy/model-words.ts';
import { sessionOfRef } from '../../runtime/commands.ts';
import type { Block } from '../../services/slack.ts';
import { isShownWhole } from '../../session/in-full.ts';
import type { Approval } from '../../session/state.ts';
import { type CardView, type Decision, decision, isOpen } from './decision.ts';
import { fallback, fitted, LIMITS, textIn } from './limits.ts';
import { actions, type Bit, bold, bullets, button, italic, link, mono, para, rich, t, user } from './rich.ts';

/** Decisions on one message. */
export const DECISIONS = 9;
/** The text of all decisions of a message, and of one alone: nothing of a decision may be pushed out by another. */
const ALL_TEXT = 10_800;
const ONE_TEXT = 4_000;
/** Where it comes from, whose words stand there, the button for all. */
const REST_TEXT = 1_000;

/** One card for all gated calls of one reply, a decision for each. Pending and decided cards are drawn from the same data. */
export function card(decisions: readonly Decision[], view: CardView): { text: string; blocks: Block[] } {
  const open = decisions.filter((d) => isOpen(d, view));
  const title = open.length > 0 ? 'Approval needed' : 'Approval';
  const whole = open.filter((d) => isShownWhole(d.approval));
  const room = Math.min(ONE_TEXT, Math.floor(ALL_TEXT / decisions.length));
  const blocks = [
    ...(view.from ? [rich(para(...origin(view.from)))] : []),
    ...(decisions.length === 1 ? one(decisions[0] as Decision, open, view, room) : several(decisions, open, view, room)),
    ...approveAll(whole.map((d) => d.approval)),
  ];
  const lines = decisions.map((d) => `${d.approval.preview.summary} (${whereItStands(d.approval, view)})`);
  return { text: fallback(`${title}: ${lines.join('; ')}`), blocks: fitted(blocks) };
}

/** One question: its buttons stand last, under everything there is to read. */
function one(d: Decision, open: readonly Decision[], view: CardView, room: number): Block[] {
  const [facts, ...rest] = fitted(decision(d, view, room), { blocks: 8, text: room });
  const below = [...mayApprove(open, view), ...rest];
  return facts ? [facts, ...saidOf([d], [facts, ...below]), ...below] : [];
}

/** Several: each with its buttons, and below them what concerns all. */
function several(decisions: readonly Decision[], open: readonly Decision[], view: CardView, room: number): Block[] {
  const each = decisions.flatMap((d) => [...fitted(decision(d, view, room), { blocks: 8, text: room }), { type: 'divider' }]);
  const below = mayApprove(open, view);
  return [...each, ...saidOf(decisions, [...each, ...below]), ...below];
}

/** Why, in the model's words: below everything that is a fact, once where it said the same of all; they take no room from what stands `beside` them. */
function saidOf(decisions: readonly Decision[], beside: readonly Block[]): Block[] {
  const putBy = new Map<string, string | null>();
  for (const { approval, putBy: by } of decisions) if (approval.preview.why) putBy.set(approval.preview.why, by);
  const room = Math.floor((LIMITS.message - REST_TEXT - textIn(beside)) / Math.max(1, putBy.size));
  return [...new Set(putBy.values())].map((by) =>
    rich(para(...saidBy(by)), ...[...putBy].filter(([, who]) => who === by).map(([words]) => quotedWords(words, room))),
  );
}

/** What stands above the model's words: whose they are, and that they do not know of what a person changed after them. */
export function saidBy(putBy: string | null): Bit[] {
  if (putBy === null) return [italic("In the model's words, unchecked:")];
  return [italic('Written by the model before '), user(putBy), italic(' changed it, unchecked:')];
}

/** Who may decide, each mentioned once: a card of nine questions does not call people nine times. */
function mayApprove(open: readonly Decision[], view: CardView): Block[] {
  const who = new Map(open.map((d) => [JSON.stringify(view.mayApprove(d.tool)), d.tool]));
  if (who.size === 0) return [];
  const [only] = who.values();
  if (who.size === 1) return [rich(para(t('May approve: '), ...view.mayApprove(only ?? '')))];
  return [rich(bullets([...who.values()].map((tool) => [t('May approve '), mono(tool), t(': '), ...view.mayApprove(tool)])))];
}

function origin({ alias, url, client, review }: NonNullable<CardView['from']>): Bit[] {
  if (review) return [t(`labmate itself asks: a mounted MCP server offers something else than before. Record ${alias}.`)];
  if (client !== undefined) return [t('Asked by the MCP client '), bold(client), t(`; once approved, it makes the call. Record ${alias}.`)];
  return [t('Asked by experiment '), url ? link(url, alias) : bold(alias)];
}

/** The value names each question that stands here now, so that one which comes later is not agreed to with them. */
function approveAll(approvals: readonly Approval[]): Block[] {
  const ids = approvals.map((a) => a.id);
  const session = sessionOfRef(ids[0] ?? '');
  const value = `${session}/${ids.map((id) => id.slice(session.length + 1)).join('+')}`;
  // An older labmate's ids grew with every edit. Slack would refuse the whole card; each has its own button.
  if (ids.length < 2 || value.length > LIMITS.value) return [];
  return [actions(`all:${value}`, button('approve_all', `Approve ${allOf(ids.length)}`, value, 'primary'))];
}

/** The same in words, for the fallback text, where nobody is mentioned. */
export function whereItStands(a: Approval, view: Pick<CardView, 'closed'>): string {
  if (a.state === 'pending') return view.closed ? 'not decided' : a.votes.length > 0 ? `${a.votes.length} of ${a.need} say yes` : 'waiting for a decision';
  if (a.state === 'used') return 'approved';
  return a.state === 'denied' && a.reason ? `denied: ${a.reason}` : a.state;
}
