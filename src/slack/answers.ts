import { named } from '../policy/outside-text.ts';
import type { About } from '../runtime/reading.ts';
import { pendingApprovals, type Session } from '../session/state.ts';
import type { Answer } from './desk.ts';
import { FORMS, type Subcommand } from './parse-command.ts';
import { fallback, fitted } from './views/limits.ts';
import { type Bit, bold, bullets, clock, link, mono, para, quote, rich, t, user } from './views/rich.ts';
import { stateInWords } from './views/words.ts';

/** The private answers to subcommands. Pure. */

const EXPLAINED: Record<Subcommand, string> = {
  status: 'what runs or waits right now',
  list: 'the latest experiments',
  show: 'where one stands',
  stop: 'stop one now',
  rerun: 'the same again with other parameters (not available yet)',
  compare: 'compare two runs (not available yet; ask for it in a sentence)',
  best: 'the best run of an experiment (ask for it in a sentence)',
  find: 'search in what was asked; up to four words, or one phrase in quotes',
  record: 'the record of one, into its thread',
  approvals: 'what waits for a yes',
  help: 'this',
};

export const EXAMPLE =
  'Run a training job using config base_config.json but with feature_set=v2. Compare its val_f1 to the best run in experiment "ads-rank-v3".';

export function help(): Answer {
  const lines = (Object.keys(FORMS) as Subcommand[]).map((s): Bit[] => [mono(`/experiment ${FORMS[s]}`), t(`  ${EXPLAINED[s]}`)]);
  const blocks = fitted([
    rich(
      para(bold('Describe an experiment in a sentence'), t(', or use one of these:')),
      bullets([[mono('/experiment SENTENCE'), t('  plan it, run it, compare it; people approve what matters')], ...lines]),
      para(t('For example:')),
      quote(EXAMPLE),
      para(t('ID is what stands in the first message of a thread (e-7k2f), or a link to the thread. You can also mention me in a channel or thread.')),
    ),
  ]);
  return { text: fallback('Describe an experiment in a sentence, or use: status, list, show ID, stop ID, find WORDS, record ID, approvals, help.'), blocks };
}

export function suggestion(word: string, subcommand: Subcommand): Answer {
  return { text: fallback(`“${word}” alone is not an experiment. Did you mean /experiment ${FORMS[subcommand]}? To run an experiment, say it in a sentence.`) };
}

export function listed(title: string, sessions: readonly About[], empty: string, most = 10): Answer {
  if (sessions.length === 0) return { text: fallback(empty) };
  const lines = sessions
    .slice(0, most)
    .map((a): Bit[] => [
      bold(a.alias),
      t(` ${a.state}${a.verdict ? `, ${a.verdict.replaceAll('_', ' ')}` : ''} · `),
      user(a.by),
      t(` · ${clock(a.openedAt)} · ${oneLine(a.prompt)}`),
    ]);
  const more = sessions.length > most ? [para(t(`${sessions.length - most} more.`))] : [];
  const texts = sessions.slice(0, most).map((a) => `${a.alias} ${a.state}: ${oneLine(a.prompt)}`);
  return { text: fallback(title, ...texts), blocks: fitted([rich(para(bold(title)), bullets(lines), ...more)]) };
}

export function shown(s: Session, url: string | null): Answer {
  const { alias, by, prompt, at } = s.opened;
  const steps = [...s.calls.values()];
  const blocks = fitted([
    rich(
      para(bold(alias), t(`: ${stateInWords(s)}. Asked by `), user(by), t(` at ${clock(at)}. `), ...(url ? [link(url, 'Open the thread')] : [])),
      quote(prompt.length > 600 ? `${named(prompt.slice(0, 600))}…` : named(prompt)),
      para(
        t(
          `${steps.filter((c) => c.status.is === 'finished').length} of ${steps.length} steps done. Record so far: ${s.seq} lines, head ${s.head.slice(0, 12)}…`,
        ),
      ),
    ),
  ]);
  return { text: fallback(`${alias}: ${stateInWords(s)}. ${oneLine(prompt)}`), blocks };
}

export function waiting(sessions: readonly Session[], mayApprove: (tool: string) => Bit[]): Answer {
  const open = sessions.flatMap((s) => pendingApprovals(s).map((a) => ({ s, a })));
  if (open.length === 0) return { text: fallback('Nothing waits for an approval.') };
  const lines = open
    .slice(0, 15)
    .map(({ s, a }): Bit[] => [
      bold(s.opened.alias),
      t(` ${a.preview.summary} · expires ${clock(a.expiresAt)} · may approve: `),
      ...mayApprove(s.calls.get(a.call)?.tool ?? ''),
    ]);
  const texts = open.slice(0, 15).map(({ s, a }) => `${s.opened.alias}: ${a.preview.summary}`);
  return { text: fallback('Waiting for a yes:', ...texts), blocks: fitted([rich(para(bold('Waiting for a yes')), bullets(lines))]) };
}

/** Those whose prompt, verdict, people or parameters hold every word. */
export function matching(sessions: readonly About[], words: string): About[] {
  const wanted = words.toLowerCase().split(/\s+/);
  return sessions.filter((a) => {
    const text = [a.alias, a.prompt, a.verdict ?? '', a.state, ...Object.entries(a.parameters).flat()].join('\n').toLowerCase();
    return wanted.every((w) => text.includes(w));
  });
}

function oneLine(text: string): string {
  const line = named(text).replace(/\s+/g, ' ').trim();
  return line.length > 120 ? `${line.slice(0, 119)}…` : line;
}
