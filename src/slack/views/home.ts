import type { May } from '../../policy/approvers.ts';
import type { About } from '../../runtime/reading.ts';
import type { Block, HomeView } from '../../services/slack.ts';
import { isWaiting } from '../../session/where-it-stands.ts';
import { card } from './card.ts';
import type { CardView, Decision } from './decision.ts';
import { fitted, LIMITS } from './limits.ts';
import { actions, type Bit, bold, bullets, button, channel, clock, context, link, mono, para, rich, t, user } from './rich.ts';

export type Experiment = Pick<About, 'alias' | 'state' | 'verdict' | 'prompt' | 'openedAt' | 'endedAt'> & {
  url: string | null;
  /** What it has used up so far, while it goes on. */
  used: { turns: number; calls: number; raised: number } | null;
};
export type KeptRecord = Pick<About, 'alias' | 'by' | 'state' | 'verdict' | 'endedAt'> & { url: string | null; lines: number; head: string };
type Approval = { decision: Decision; requester: string; from: NonNullable<CardView['from']>; mayApprove: Bit[] };
type Budget = { perUser: number; perTeam: number; turns: number; toolCalls: number; mine: number; team: number };

/** So many approvals stand there whole, with their buttons; to the others a link leads. */
const CARDS = 3;
const LINKED = 12;

/**
 * One person's Home tab: what waits for their yes, with the same card that stands in the thread; their open and latest finished experiments by how far they are; what
 * is left of the budgets; the last records; and how to start one. Pure.
 */
export function homeView(o: {
  /** What came of the last click here; text for Slack, escaped already. */
  notice?: string;
  approvals: readonly Approval[];
  /** Each kind newest first. */
  experiments: readonly Experiment[];
  /** Of theirs, beyond those. */
  more: number;
  budget: Budget | null;
  records: readonly KeptRecord[];
  channels: readonly string[];
  /** Whether this person may open an experiment: a guest may not. */
  mayOpen: May;
  at: string;
}): HomeView {
  const blocks: Block[] = [
    ...(o.notice ? [{ type: 'section', text: { type: 'mrkdwn', text: o.notice.slice(0, LIMITS.section) } }] : []),
    ...approvals(o.approvals),
    ...experiments(o.experiments, o.more, o.budget),
    ...(o.budget && o.mayOpen.ok ? [left(o.budget)] : []),
    ...records(o.records),
    header('New experiment'),
    rich(para(...(o.mayOpen.ok ? howToStart(o.channels) : [t(o.mayOpen.why)]))),
    ...(o.mayOpen.ok && o.channels.length > 0 ? [actions('start', button('start_experiment', 'New experiment', 'new', 'primary'))] : []),
    context(`As of ${clock(o.at)}. Open this tab again to refresh it.`),
  ];
  return { type: 'home', blocks: fitted(blocks, { blocks: LIMITS.modalBlocks, text: LIMITS.message }) };
}

function approvals(all: readonly Approval[]): Block[] {
  if (all.length === 0) return [header('Approvals'), rich(para(t('Nothing waits for your yes.')))];
  const [whole, rest] = [all.slice(0, CARDS), all.slice(CARDS)];
  return [
    header('Waiting for your yes'),
    ...whole.flatMap(({ decision, requester, from, mayApprove }, i) => [
      ...(i > 0 ? [{ type: 'divider' }] : []),
      ...card([decision], { requester, mayApprove: () => mayApprove, closed: false, from }).blocks,
    ]),
    ...(rest.length > 0 ? [rich(para(bold(`${rest.length} more:`)), bullets(rest.slice(0, LINKED).map(approvalLine)))] : []),
  ];
}

function experiments(all: readonly Experiment[], more: number, budget: Budget | null): Block[] {
  const ended = all.filter((e) => e.endedAt !== null);
  const waiting = all.filter((e) => e.endedAt === null && waits(e));
  const running = all.filter((e) => e.endedAt === null && !waits(e));
  const lists = [section('Running', running, budget), section('Waiting', waiting, budget), section('Finished', ended, budget)].flat();
  return [
    header('Your experiments'),
    rich(
      ...(lists.length > 0 ? lists : [para(t('You have no experiment yet.'))]),
      ...(more > 0 ? [para(t(`${more} more; `), mono('/experiment find WORDS'), t(' shows those that match.'))] : []),
    ),
  ];
}

function left({ mine, perUser, team, perTeam }: Budget): Block {
  const room = Math.max(0, Math.min(perUser - mine, perTeam - team));
  const words = room > 0 ? `You can open ${room} more.` : 'No more can be opened until one of them has ended.';
  return context(`Budget: you have ${mine} of ${perUser} experiments open, this workspace has ${team} of ${perTeam}. ${words}`);
}

function records(all: readonly KeptRecord[]): Block[] {
  if (all.length === 0) return [];
  const lines = all.map(({ alias, by, state, verdict, endedAt, url, lines: n, head }): Bit[] => [
    url ? link(url, alias) : bold(alias),
    t(` ${state}${verdict ? `, ${verdict}` : ''} · `),
    user(by),
    t(` · ${ended(endedAt ?? '')} · ${n} lines, head ${head.slice(0, 12)}`),
  ]);
  return [header('The last records'), rich(bullets(lines), para(mono('/experiment record ID'), t(' puts one into its thread as a file.')))];
}

/** How an experiment is begun. */
export function howToStart(channels: readonly string[]): Bit[] {
  if (channels.length === 0) return [t('an operator has to name a channel in labmate.json first.')];
  const places = channels.slice(0, 5).flatMap((id, i) => [t(i > 0 ? ', ' : ''), channel(id)]);
  return [
    t('Type '),
    mono('/experiment'),
    t(' and a sentence that describes it in '),
    ...places,
    t(', mention me there, or just write to me under Messages. '),
    mono('/experiment help'),
    t(' lists the rest.'),
  ];
}

function header(text: string): Block {
  return { type: 'header', text: { type: 'plain_text', text, emoji: false } };
}

/** The same of an experiment and of its record: whoever compares them finds one time. */
function ended(at: string): string {
  return `ended ${clock(at)}`;
}

function waits({ state }: Experiment): boolean {
  return isWaiting(state);
}

function section(title: string, all: readonly Experiment[], budget: Budget | null) {
  return all.length > 0 ? [para(bold(title)), bullets(all.map((e) => line(e, budget)))] : [];
}

function line({ alias, state, verdict, prompt, openedAt, endedAt, url, used }: Experiment, budget: Budget | null): Bit[] {
  const words = prompt.replace(/\s+/g, ' ').trim();
  const said = words.length > 100 ? `${words.slice(0, 99)}…` : words;
  const by = 2 ** (used?.raised ?? 0);
  const spent = used && budget ? ` · ${used.turns} of ${budget.turns * by} turns, ${used.calls} of ${budget.toolCalls * by} calls` : '';
  return [
    url ? link(url, alias) : bold(alias),
    t(` ${state}${verdict ? `, ${verdict}` : ''} · ${endedAt === null ? `opened ${clock(openedAt)}` : ended(endedAt)}${spent} · ${said}`),
  ];
}

function approvalLine({ decision, from: { alias, url } }: Approval): Bit[] {
  const { summary } = decision.approval.preview;
  return [bold(alias), t(' '), url ? link(url, summary) : t(summary), t(`, expires ${clock(decision.approval.expiresAt)}`)];
}
