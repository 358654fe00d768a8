import type { About } from '../../runtime/reading.ts';
import type { HomeView } from '../../services/slack.ts';
import { fitted, LIMITS } from './limits.ts';
import { type Bit, bold, bullets, channel, clock, context, link, mono, para, rich, t } from './rich.ts';

type Experiment = Pick<About, 'alias' | 'state' | 'verdict' | 'prompt' | 'openedAt' | 'endedAt'> & { url: string | null };
type Approval = { alias: string; summary: string; expiresAt: string; url: string | null };

/** One person's Home tab: what waits for their yes, their latest experiments by how far they are, and how to start one. Pure. */
export function homeView(o: {
  approvals: readonly Approval[];
  /** Newest first. */
  experiments: readonly Experiment[];
  /** Of theirs, beyond those. */
  more: number;
  channels: readonly string[];
  at: string;
}): HomeView {
  const ended = o.experiments.filter((e) => e.endedAt !== null);
  const waiting = o.experiments.filter((e) => e.endedAt === null && waits(e));
  const running = o.experiments.filter((e) => e.endedAt === null && !waits(e));
  const lists = [section('Running', running), section('Waiting', waiting), section('Finished', ended)].flat();
  const blocks = [
    rich(
      ...(o.approvals.length > 0 ? [para(bold('Waiting for your yes')), bullets(o.approvals.map(approvalLine))] : [para(t('Nothing waits for your yes.'))]),
      ...(lists.length > 0 ? [para(bold('Your experiments')), ...lists] : [para(t('You have no experiment yet.'))]),
      ...(o.more > 0 ? [para(t(`${o.more} earlier; `), mono('/experiment list'), t(' and '), mono('/experiment find WORDS'), t(' show more.'))] : []),
    ),
    rich(para(bold('To start one: '), ...howToStart(o.channels))),
    context(`As of ${clock(o.at)}. Opening this tab again looks anew.`),
  ];
  return { type: 'home', blocks: fitted(blocks, { blocks: LIMITS.modalBlocks, text: LIMITS.message }) };
}

/** How an experiment is begun, for a place where none can be: Home and direct messages. */
export function howToStart(channels: readonly string[]): Bit[] {
  if (channels.length === 0) return [t('an operator has to name a channel in labmate.json first.')];
  const places = channels.slice(0, 5).flatMap((id, i) => [t(i > 0 ? ', ' : ''), channel(id)]);
  return [
    t('type '),
    mono('/experiment'),
    t(' and a sentence that describes it in '),
    ...places,
    t(', or mention me there. '),
    mono('/experiment help'),
    t(' lists the rest.'),
  ];
}

function waits({ state }: Experiment): boolean {
  return state.startsWith('waiting') || state === 'needs attention';
}

function section(title: string, all: readonly Experiment[]) {
  return all.length > 0 ? [para(t(`${title}:`)), bullets(all.map(line))] : [];
}

function line({ alias, state, verdict, prompt, openedAt, url }: Experiment): Bit[] {
  const words = prompt.replace(/\s+/g, ' ').trim();
  const said = words.length > 100 ? `${words.slice(0, 99)}…` : words;
  return [url ? link(url, alias) : bold(alias), t(` ${state}${verdict ? `, ${verdict}` : ''} · ${clock(openedAt)} · ${said}`)];
}

function approvalLine({ alias, summary, expiresAt, url }: Approval): Bit[] {
  return [bold(alias), t(' '), url ? link(url, summary) : t(summary), t(`, expires ${clock(expiresAt)}`)];
}
