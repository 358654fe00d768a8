import { allOf } from '../../analysis/numbers.ts';
import { quotedWords } from '../../policy/model-words.ts';
import { lookAlikes, named } from '../../policy/outside-text.ts';
import { sessionOfRef } from '../../runtime/commands.ts';
import type { Block } from '../../services/slack.ts';
import type { ChangedArgument } from '../../session/changed-arguments.ts';
import type { Preview } from '../../session/events.ts';
import { argumentsInFull, isShownWhole } from '../../session/in-full.ts';
import type { Approval } from '../../session/state.ts';
import { fallback, fitted, LIMITS, textIn } from './limits.ts';
import { actions, type Bit, bold, bullets, button, clock, code, context, italic, link, mono, type Para, para, rich, t, user } from './rich.ts';

/** Decisions on one message. */
export const DECISIONS = 9;
/** The text of all decisions of a message, and of one alone: nothing of a decision may be pushed out by another. */
const ALL_TEXT = 10_800;
const ONE_TEXT = 4_000;
/** Where it comes from, whose words stand there, the button for all. */
const REST_TEXT = 1_000;
/** As much of a decision's text as its arguments may take on the card itself. */
const OF_ARGUMENTS = 0.6;

export type Decision = {
  approval: Approval;
  tool: string;
  title: string;
  /** No newer question has taken its place. */
  current: boolean;
  /** What it asked about has begun. */
  started: boolean;
  /** Who put it differently, and what they changed. */
  edit: { by: string; changes: ChangedArgument[] } | null;
  /** Who last put the call differently, now or for an earlier question: what the model wrote about it is older than that. */
  putBy: string | null;
};
export type CardView = {
  requester: string;
  /** Who may approve, as mentions: they are told once, when the card appears. */
  mayApprove: (tool: string) => Bit[];
  /** Nothing can be decided any more: the session has ended or is stopping. */
  closed: boolean;
  /** The session that asks, where the card does not stand in its thread. */
  from?:
    | {
        alias: string;
        url: string | null;
        /** The MCP client that asks: its call cannot be changed, only decided. */
        client?: string | undefined;
        /** labmate itself asks, about a mounted server. */
        review?: boolean | undefined;
      }
    | undefined;
};

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
    rich(para(...saidBy(by)), ...[...putBy].filter(([, who]) => who === by).map(([words]) => quotedWords(named(words), room))),
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

function decision(d: Decision, view: CardView, room: number): Block[] {
  const { approval } = d;
  const { preview } = approval;
  const open = isOpen(d, view);
  const all = argumentsInFull(approval);
  const tooLong = !isShownWhole(approval);
  const onCard = Math.floor(room * OF_ARGUMENTS);
  const most = (lines: Bit[][]) => atMost(lines, Math.max(3, Math.floor(room / 330)));
  const paras: Para[] = [
    para(bold(brief(preview.summary))),
    para(...standing(approval, view, d.current)),
    ...(d.edit ? [para(t('Changed by '), user(d.edit.by), t(':')), bullets(most(d.edit.changes.map((c) => edited(c))))] : []),
    ...(approval.again ? [para(t(`Asked again: ${brief(approval.again)}`))] : []),
    bullets([
      [t('Asked for by '), user(view.requester)],
      ...(preview.environment ? [[t('Environment: '), bold(brief(preview.environment))]] : []),
      ...most(preview.facts.map((f) => [t(brief(`${f.label}: ${f.value}`))])),
    ]),
    ...differences(preview).flatMap(({ title, changes }) => [
      para(t(brief(title))),
      ...(changes.length > 0 ? [bullets(most(changes.map((c) => changed(c))))] : []),
    ]),
    para(t('Exactly this is sent, with '), mono(d.tool), t(':')),
    code(all.length > onCard ? all.slice(0, onCard) : all),
    ...(all.length > onCard ? [para(t(`${bytes(all) - bytes(all.slice(0, onCard))} more bytes of ${bytes(all)}; “Show all” has the whole.`))] : []),
    ...(preview.adds?.length ? [para(t(`labmate itself adds ${brief(preview.adds.join('; '))}.`))] : []),
    ...warnings(preview.summary, all),
  ];
  return [
    rich(...paras),
    context(
      `digest ${approval.digest.slice(0, 12)} · asked ${clock(approval.askedAt)} · expires ${clock(approval.expiresAt, approval.askedAt)}${approval.need > 1 ? ` · ${approval.need} people must agree` : ''}`,
    ),
    ...(open ? [buttons(approval, tooLong, view.from?.client !== undefined || view.from?.review === true)] : []),
    ...(approval.state === 'approved' && d.current && !d.started && !view.closed ? [actions(`back:${approval.id}`, TAKE_BACK(approval.id))] : []),
    ...(open && tooLong ? [context('Too long to be shown whole, so it cannot be approved. Deny it and ask for less at once.')] : []),
  ];
}

function origin({ alias, url, client, review }: NonNullable<CardView['from']>): Bit[] {
  if (review) return [t(`labmate itself asks: a mounted MCP server offers something else than before. Record ${alias}.`)];
  if (client !== undefined) return [t('Asked by the MCP client '), bold(client), t(`; once approved, it makes the call. Record ${alias}.`)];
  return [t('Asked by experiment '), url ? link(url, alias) : bold(alias)];
}

/** The arguments below are the truth; a long list of facts says how much of it stands elsewhere. */
function atMost(lines: Bit[][], most: number): Bit[][] {
  return lines.length > most ? [...lines.slice(0, most - 1), [t(`${lines.length - most + 1} more; “Show all” has the whole.`)]] : lines;
}

type Change = Preview['changes'][number];

/** What this changes, and against what: a job's defaults, its last run, or what stands there now. What differs from both is said once. */
export function differences({ environment, changes, last }: Preview): { title: string; changes: readonly Change[] }[] {
  const defaults = environment === undefined ? 'Changes:' : "Differs from the job's defaults:";
  if (!last) return changes.length > 0 ? [{ title: defaults, changes }] : [];
  const from = `its last run, ${last.what}`;
  const isIn = (list: readonly Change[]) => (c: Change) => list.some((o) => o.name === c.name && o.from === c.from && o.to === c.to);
  const both = changes.filter(isIn(last.changes));
  const own = changes.filter((c) => !both.includes(c));
  const since = last.changes.filter((c) => !isIn(both)(c));
  if (both.length > 0)
    return [
      { title: `Differs from the job's defaults and from ${from}:`, changes: both },
      ...(own.length > 0 ? [{ title: 'From the defaults alone:', changes: own }] : []),
      ...(since.length > 0 ? [{ title: 'From the last run alone:', changes: since }] : []),
    ];
  return [
    { title: changes.length > 0 ? defaults : "Nothing differs from the job's defaults.", changes },
    { title: since.length > 0 ? `Differs from ${from}:` : `Nothing differs from ${from}.`, changes: since },
  ];
}

function isOpen({ approval, current }: Decision, view: CardView): boolean {
  return approval.state === 'pending' && current && !view.closed;
}

function buttons(approval: Approval, tooLong: boolean, fixed: boolean): Block {
  const some = approval.votes.length > 0;
  return actions(
    `${approval.votes.length}:${approval.id}`,
    ...(tooLong ? [] : [button('approve_call', 'Approve', approval.id, 'primary')]),
    button('deny_call', 'Deny', approval.id, 'danger'),
    ...(fixed ? [] : [button('edit_call', 'Edit', approval.id)]),
    button('show_call', 'Show all', approval.id),
    ...(some ? [TAKE_BACK(approval.id)] : []),
  );
}

const TAKE_BACK = (approval: string) => button('withdraw_approval', 'Take my yes back', approval);

/** The value names each question that stands here now, so that one which comes later is not agreed to with them. */
function approveAll(approvals: readonly Approval[]): Block[] {
  const ids = approvals.map((a) => a.id);
  const session = sessionOfRef(ids[0] ?? '');
  const value = `${session}/${ids.map((id) => id.slice(session.length + 1)).join('+')}`;
  // An older labmate's ids grew with every edit. Slack would refuse the whole card; each has its own button.
  if (ids.length < 2 || value.length > LIMITS.value) return [];
  return [actions(`all:${value}`, button('approve_all', `Approve ${allOf(ids.length)}`, value, 'primary'))];
}

/** Who decided, when and why, with names. */
function standing(a: Approval, view: CardView, current: boolean): Bit[] {
  const when = a.decidedAt ? ` at ${clock(a.decidedAt, a.askedAt)}` : '';
  const who = a.by ? [t(' by '), user(a.by)] : [];
  const voters = a.votes.flatMap((v, i) => [t(i > 0 ? ' and ' : ' '), user(v.by)]);
  switch (a.state) {
    case 'pending':
      if (!current) return [bold('Not decided'), t('; it was asked again below.')];
      if (view.closed) return [bold('Not decided'), t('; the session is over.')];
      return a.votes.length > 0 ? [bold(`${a.votes.length} of ${a.need} say yes:`), ...voters] : [bold('Waiting for a decision.')];
    case 'approved':
      if (!current) return [bold('Approved by'), ...voters, t(`${when}, but not used: it was asked again below.`)];
      return [bold('Approved by'), ...voters, t(`${when}.`)];
    case 'used':
      return [bold('Approved by'), ...voters, t(`${when}.`)];
    case 'denied':
      return [bold('Denied'), ...who, t(`${when}.${a.reason ? ` Reason: ${a.reason}` : ' No reason was given.'}`)];
    case 'edited':
      return [bold('Changed'), ...who, t(`${when}; the new version has its own card.`)];
    case 'withdrawn':
      return [bold('Withdrawn'), ...who, t(`${when}.`)];
    case 'expired':
      return [bold('Expired'), t(`${when}: nobody decided in time, so nothing was run.`)];
    default:
      return a.state satisfies never;
  }
}

/** The same in words, for the fallback text, where nobody is mentioned. */
export function whereItStands(a: Approval, view: Pick<CardView, 'closed'>): string {
  if (a.state === 'pending') return view.closed ? 'not decided' : a.votes.length > 0 ? `${a.votes.length} of ${a.need} say yes` : 'waiting for a decision';
  if (a.state === 'used') return 'approved';
  return a.state === 'denied' && a.reason ? `denied: ${a.reason}` : a.state;
}

/** One line of a list; the arguments below hold every character. */
function brief(given: string): string {
  // A break inside a value must not look like a line of ours.
  const text = given.replaceAll('\n', '⏎ ');
  // Twelve digits tell commits apart.
  const pinned = text.replace(/@([0-9a-f]{12})[0-9a-f]{28}$/, '@$1…');
  if (pinned !== text) return pinned;
  return text.length > 500 ? `${text.slice(0, 500)}… (${text.length - 500} more characters)` : text;
}

const EMPTY = '(empty)';

function changed(c: Change): Bit[] {
  return [mono(brief(c.name)), t(c.from === null ? ' is added: ' : ` ${brief(c.from) || EMPTY} → `), bold(brief(c.to) || EMPTY)];
}

function edited({ name, from, to }: ChangedArgument): Bit[] {
  if (to !== null) return changed({ name, from, to });
  return [mono(brief(name)), t(' is left out; it was '), bold(brief(from ?? '') || EMPTY)];
}

function warnings(...texts: string[]): Para[] {
  const words = lookAlikes(texts.join('\n'));
  return words.length > 0 ? [para(bold('Look closely: '), t(`these words mix alphabets: ${words.join(', ')}`))] : [];
}

function bytes(text: string): number {
  return Buffer.byteLength(text);
}
