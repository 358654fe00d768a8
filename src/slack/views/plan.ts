import { plainWords } from '../../policy/model-words.ts';
import { plain } from '../../policy/outside-text.ts';
import type { RunProgress } from '../../runtime/progress.ts';
import type { Block } from '../../services/slack.ts';
import { badRunsInWords, stepEnd } from '../../session/came-to.ts';
import type { Outcome } from '../../session/events.ts';
import { foundBy } from '../../session/findings.ts';
import { knownLinks } from '../../session/known-links.ts';
import { reportsIn } from '../../session/runs.ts';
import { saidOf } from '../../session/said.ts';
import type { Call, Session } from '../../session/state.ts';
import { stateOf } from '../../session/where-it-stands.ts';
import type { Live } from '../live.ts';
import { fallback, fitted, LIMITS } from './limits.ts';
import { linked } from './links.ts';
import { isInterruptedWait, planSteps } from './plan-steps.ts';
import { actions, type Bit, button, clock, context, para, rich, t, user } from './rich.ts';
import { trainingChart, trainingLines } from './training.ts';
import { stateInWords, stateMark, stepTitle } from './words.ts';

type Status = 'pending' | 'in_progress' | 'complete' | 'error';
type Line = { status: Status; title: string; bits: Bit[]; words: string /** Lines below it. */; more: string[] };

/**
 * The live message: one line a step, edited in place. `mayApprove` names who is waited for; `progress` is what is known of the runs that are waited for, which is
 * shown as long as they are.
 */
export function planMessage(
  s: Session,
  mayApprove: (tool: string) => Bit[],
  progress: readonly RunProgress[] = [],
): { text: string; blocks: Block[]; live: Live } {
  const calls = planSteps([...s.calls.values()]);
  const earlier = Math.max(0, calls.length - LIMITS.tasks);
  const lines = calls.slice(earlier).map((call) => ({ call, line: lineOf(s, call, mayApprove, progress) }));
  const chart = trainingChart(waitedFor(calls, progress));
  const title = `${stateMark(s)} ${s.opened.alias}: ${stateInWords(s)}`;
  const tasks = lines.map(({ call, line }) => ({
    type: 'task_card',
    task_id: call.id.slice(0, LIMITS.id),
    title: plain(line.title),
    status: line.status,
    ...(line.bits.length > 0 || line.more.length > 0 ? { details: rich(para(...line.bits), ...line.more.map((words) => para(t(words)))) } : {}),
  }));
  const note = s.notes.at(-1);
  const blocks: Block[] = [
    // A plan needs a task to stand on; before the first step there is only the state.
    tasks.length > 0 ? { type: 'plan', title: plain(title), tasks } : rich(para(t(title))),
    ...(chart ? [chart] : []),
    ...(earlier > 0 ? [context(`${earlier} earlier ${earlier === 1 ? 'step is' : 'steps are'} in the record.`)] : []),
    ...(note && !s.ended ? [context(`${clock(note.at, s.opened.at)}: ${note.text}`)] : []),
    ...buttons(s),
  ];
  const text = fallback(
    title,
    ...lines.map(({ line }) => [`${MARKS[line.status]} ${line.title}${line.words ? `: ${line.words}` : ''}`, ...line.more].join('\n')),
  );
  const streamed = tasks.map(({ task_id: id, title: name, status }) => ({ id, title: unlinked(name).slice(0, 250), status }));
  return { text, blocks: fitted(blocks), live: { title: unlinked(plain(title)), tasks: streamed, busy: isBusy(s) } };
}

/** A stream's words may be read as Markdown, where an address becomes a link by itself. */
function unlinked(text: string): string {
  return text.replace(/\]\(/g, '] (').replace(/:\/\//g, ': //');
}

function isBusy(s: Session): boolean {
  return ['thinking', 'working', 'stopping'].includes(stateOf(s));
}

const MARKS: Record<Status, string> = { pending: '○', in_progress: '◐', complete: '●', error: '✕' };

function buttons(s: Session): Block[] {
  if (s.ended || s.stop) return [];
  const retry = s.attention ? [button('retry_step', 'Try again', s.id, 'primary')] : [];
  return [actions(`running:${s.id}`, ...retry, button('stop_session', 'Stop', s.id, 'danger'))];
}

/** The progress of the runs that a parked call waits for. */
function waitedFor(calls: readonly Call[], progress: readonly RunProgress[]): RunProgress[] {
  const ids = new Set(calls.flatMap(({ status }) => (status.is === 'parked' && status.waiting.for === 'job' ? status.waiting.run_ids : [])));
  return [...ids].flatMap((id) => progress.find((run) => run.run_id === id) ?? []);
}

function lineOf(s: Session, call: Call, mayApprove: (tool: string) => Bit[], progress: readonly RunProgress[]): Line {
  const approval = call.approval ? s.approvals.get(call.approval) : undefined;
  const title = approval?.preview.summary ?? stepTitle(call.tool);
  const known = knownLinks(s);
  const line = (status: Status, words: string, ...more: Bit[]): Line => ({
    status,
    title,
    words,
    bits: words || more.length > 0 ? [...linked(words, known), ...more] : [],
    more: trainingLines(waitedFor([call], progress)),
  });
  const { status } = call;
  switch (status.is) {
    case 'asked':
      return line('pending', '');
    case 'started':
      return line('in_progress', 'running');
    case 'parked': {
      const { waiting } = status;
      if (waiting.for === 'approval') return line('in_progress', 'waiting for approval', t(' by '), ...mayApprove(call.tool));
      if (waiting.for === 'job') return line('in_progress', `training since ${clock(status.sinceAt, s.opened.at)}, run ${waiting.run_ids.join(', ')}`);
      if (waiting.for === 'answer') return line('in_progress', 'waiting for an answer', t(' from '), user(waiting.to));
      if (waiting.outage) return line('pending', `waiting for ${waiting.upstream}, which has not been answering since ${clock(status.sinceAt, s.opened.at)}`);
      return line('pending', `waiting for ${waiting.upstream} until ${waiting.at.slice(11, 19)} UTC: ${waiting.why}`);
    }
    case 'finished': {
      if (isInterruptedWait(call))
        return s.ended ? line('pending', 'not waited for to the end') : line('in_progress', 'the run goes on while a message is answered');
      const { outcome } = status;
      const words = severalEnded(call, outcome) ?? firstLine(saidOf(outcome));
      const end = stepEnd(call) ?? 'done';
      const answer = answered(call);
      if (answer) return { ...line('complete', `answered: ${answer.words}`), bits: [user(answer.by), t(` answered: ${answer.words}`)] };
      // Nothing failed, and still there is nothing there.
      if (end === 'done') return line(outcome.data?.['found'] === false ? 'error' : 'complete', words);
      if (end === 'denied' && approval?.state === 'denied')
        return line('error', 'denied by ', ...(approval.by ? [user(approval.by)] : []), t(approval.reason ? `: ${approval.reason}` : ''));
      if (end === 'asked back') return line('pending', `asked back: ${askedBack(outcome) ?? words}`);
      if (end === 'unknown') return line('error', `needs attention: ${words}`);
      // What it looked at failed; the look itself did not.
      if (end === 'failed' && outcome.status === 'ok') return line('error', `failed: ${badRunsInWords(outcome)}`);
      return line('error', `${end}: ${words}`);
    }
    default:
      return status satisfies never;
  }
}

/** Who answered a question, and what. */
function answered(call: Call): { by: string; words: string } | null {
  const { by, answer } = foundBy(call, 'ask_person') ?? {};
  return typeof by === 'string' && typeof answer === 'string' ? { by, words: firstLine(answer) } : null;
}

/** The question as it is put to people; older records have only the words for the model. */
function askedBack({ data }: Outcome): string | null {
  return typeof data?.['ask'] === 'string' ? firstLine(data['ask']) : null;
}

/** Of several runs that were waited for, the first line of the outcome tells of one; null where something else is to be told first, such as a condition that came true. */
function severalEnded({ tool }: Call, outcome: Outcome): string | null {
  const runs = reportsIn(outcome);
  if (tool !== 'wait_for_job' || runs.length < 2 || !/^Run \S+( of job \S+)?: /.test(outcome.text)) return null;
  const count = (state: string) => runs.filter((run) => run.status === state).length;
  return [...new Set(runs.map((run) => run.status))].map((state) => `${count(state)} of ${runs.length} runs ${state}`).join(', ');
}

function firstLine(text: string): string {
  const lines = text.trim().split('\n');
  const rows = lines.findIndex((each) => !each.startsWith('|'));
  // The head of a table says nothing without its rows; those are for the model.
  const said = lines[0]?.startsWith('|') && /^[|:\s-]+$/.test(lines[1] ?? '') ? `${(rows < 0 ? lines.length : rows) - 2} listed` : (lines[0] ?? '');
  // Tools write Markdown for the model; here it would be stars.
  const line = plainWords(said);
  return line.length > 240 ? `${line.slice(0, 239)}…` : line;
}
