import { named } from '../policy/outside-text.ts';
import { aboutOf } from '../runtime/about.ts';
import type { About } from '../runtime/reading.ts';
import { stepEnd } from '../session/came-to.ts';
import { placeInLine } from '../session/lineage.ts';
import type { Session } from '../session/state.ts';
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
  rerun: 'the same again, with these parameters changed',
  compare: 'the second against the first: figures, verdict, what else differs; at once, without a model',
  best: 'the best run of an MLflow experiment by this metric; at once, without a model',
  find: 'search in what was asked, parameters, people and verdicts; up to four words, or one phrase in quotes',
  record: 'the record of one, as a file in its thread',
  approvals: 'what waits for your yes',
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
      para(
        t(
          'ID, A and B are what stands in the first message of a thread (e-7k2f), a link to the thread, or a run: its id or a link to its page. You can also mention me in a channel or thread. I run what somebody asks for; a schedule or a path that production depends on belongs in an orchestrator.',
        ),
      ),
    ),
  ]);
  return { text: fallback(`Describe an experiment in a sentence, or use: ${Object.values(FORMS).join(', ')}.`), blocks };
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
      t(` ${a.state}${a.verdict ? `, ${a.verdict}` : ''} · `),
      user(a.by),
      t(` · ${clock(a.openedAt)} · ${oneLine(a.prompt)}`),
    ]);
  const left = sessions.length - most;
  const more = left > 0 ? [para(t(`${left} more; `), mono('/experiment find WORDS'), t(' shows those that match.'))] : [];
  const texts = sessions.slice(0, most).map((a) => `${a.alias} ${a.state}: ${oneLine(a.prompt)}`);
  return { text: fallback(title, ...texts), blocks: fitted([rich(para(bold(title)), bullets(lines), ...more)]) };
}

/** `members`: how many experiments its line of repetitions has by now. */
export function shown(s: Session, url: string | null, members = 1): Answer {
  const { alias, by, prompt, at, rerun_of: line } = s.opened;
  const steps = [...s.calls.values()];
  const { verdict } = aboutOf(s, null);
  const place = line ? placeInLine(line, alias, Math.max(members, line.line)) : members > 1 ? `first of ${members} in this line` : null;
  const blocks = fitted([
    rich(
      para(bold(alias), t(`: ${stateInWords(s)}. Asked by `), user(by), t(` at ${clock(at)}. `), ...(url ? [link(url, 'Open the thread')] : [])),
      quote(prompt.length > 600 ? `${named(prompt.slice(0, 600))}…` : named(prompt)),
      ...(place ? [para(t(`${place.charAt(0).toUpperCase()}${place.slice(1)}.`))] : []),
      ...(verdict ? [para(t('Verdict: '), bold(verdict))] : []),
      ...(s.runs.length > 0
        ? [para(t('Runs: '), ...s.runs.slice(0, 20).flatMap(({ runId, url: page }, i) => [t(i > 0 ? ', ' : ''), page ? link(page, runId) : mono(runId)]))]
        : []),
      para(
        t(
          `${steps.filter((c) => stepEnd(c) === 'done').length} of ${steps.length} steps done. ${s.ended ? 'Record' : 'Record so far'}: ${s.seq} lines, head ${s.head.slice(0, 12)}…`,
        ),
      ),
    ),
  ]);
  return { text: fallback(`${alias}: ${stateInWords(s)}. ${oneLine(prompt)}`, ...(place ? [place] : []), ...(verdict ? [`Verdict: ${verdict}`] : [])), blocks };
}

function oneLine(text: string): string {
  const line = named(text).replace(/\s+/g, ' ').trim();
  return line.length > 120 ? `${line.slice(0, 119)}…` : line;
}
