import { lookAlikes } from '../../policy/outside-text.ts';
import type { Block } from '../../services/slack.ts';
import type { ChangedArgument } from '../../session/changed-arguments.ts';
import type { Preview } from '../../session/events.ts';
import { argumentsInFull, isShownWhole } from '../../session/in-full.ts';
import type { Approval } from '../../session/state.ts';
import { actions, type Bit, bold, bullets, button, clock, code, context, mono, type Para, para, rich, t, user } from './rich.ts';

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

/** What is asked, with everything there is to know before one says yes, and its buttons. `room`: how much text there may be. */
export function decision(d: Decision, view: CardView, room: number): Block[] {
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

/** Can it be decided here and now? */
export function isOpen({ approval, current }: Decision, view: CardView): boolean {
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
