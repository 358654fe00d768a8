import { dollars } from './budget.ts';
import { cameTo } from './came-to.ts';
import { tokensInWords } from './cost.ts';
import type { Outcome, Waiting } from './events.ts';
import { placeInLine } from './lineage.ts';
import { type Names, namesIn, person } from './people.ts';
import { code, fenced, link, prose } from './quote.ts';
import { approvalsOf } from './report-approvals.ts';
import { numbersOf } from './report-numbers.ts';
import { lastWords, saidOf } from './said.ts';
import { type Call, openCalls, type Session } from './state.ts';

/** Tools whose results have a place of their own in the report. */
const OWN_PLACE = new Set(['compare_runs']);

/**
 * A session as Markdown for people: what was asked, what ran with which arguments, who said yes, the figures, how it ended, and the record's head. A pure function
 * of the log, so it can be made again from the record alone; it works for a session that goes on, too. `within` is the call that carries this very report to where it
 * is read: what a reader holds in hand does not wait to be approved.
 */
export function report(session: Session, within?: string): string {
  const calls = [...session.calls.values()];
  const names = namesIn(session);
  const parts = [
    `# Experiment ${prose(session.opened.alias, 40)}`,
    overview(session),
    section('What was asked', [fenced(session.opened.prompt), ...said(session)]),
    section('Result', calls.flatMap(numbersOf)),
    section('What ran', calls.filter((call) => call.started).flatMap(effect)),
    section(
      'What did not run',
      inALine(
        calls.filter((call) => call.id !== within && isUndone(call)),
        names,
      ),
    ),
    section(
      'What was looked at',
      inALine(
        calls.filter((call) => isLook(call) && !OWN_PLACE.has(call.tool)),
        names,
      ),
    ),
    section('Approvals', approvalsOf(session, within)),
    section('Links', links(session, calls)),
    section('On the way', onTheWay(session)),
    section(session.ended ? 'How it ended' : 'Where it stands', ending(session, within)),
    section('Record', record(session)),
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

function section(title: string, lines: readonly string[]): string {
  return lines.length === 0 ? '' : `## ${title}\n\n${lines.join('\n\n')}`;
}

function overview(session: Session): string {
  const { opened, ended, id } = session;
  const how = {
    command: 'by /experiment',
    mention: 'by a mention',
    direct: 'in a direct message',
    reply: 'by a reply',
    shortcut: 'by a shortcut',
    form: 'by the form',
    mcp: 'over MCP',
    button: 'by a button',
  }[opened.door];
  const lines = [
    `- Asked by ${person(opened.by, namesIn(session))} in ${code(opened.channel)}, ${how}, ${opened.at}`,
    `- State: ${ended ? `${cameTo(session)}, ${ended.at}` : 'not ended'}`,
    `- Model: ${code(opened.model)}`,
    `- Session: ${code(id)}`,
    ...(opened.rerun_of
      ? [`- Repeats ${code(opened.rerun_of.alias)}, whose record had head ${code(opened.rerun_of.head)}: ${placeInLine(opened.rerun_of, opened.alias)}`]
      : []),
    ...(opened.after ? [`- Follows ${code(opened.after.session)}, whose record had head ${code(opened.after.head)}`] : []),
  ];
  return lines.join('\n');
}

/** What people said after the prompt, oldest first. */
function said(session: Session): string[] {
  const { told } = session;
  if (told.length === 0) return [];
  const names = namesIn(session);
  const kinds = {
    message: 'said',
    edit: 'changed what they had said to',
    delete: 'took a message back',
    stop: 'stopped it',
    change: 'asked for a change',
    retry: 'asked to try again',
    raise: 'raised the budgets',
    cancel_run: 'had the run canceled',
    leave_run: 'left the run going',
  };
  return [`Then:`, told.map((t) => `- ${t.at} ${person(t.by, names)} (${t.standing}) ${kinds[t.kind]}${t.text ? `: ${prose(t.text)}` : ''}`).join('\n')];
}

/** One act, with the arguments as they were sent. */
function effect(call: Call): string[] {
  const { started, status } = call;
  if (!started) return [];
  const permitted = started.approval ? `approved (${code(started.approval)})` : `by rule ${code(started.rule ?? 'none')}`;
  return [
    `### ${prose(call.tool, 80)}: ${status.is === 'finished' ? statusWord(status.outcome) : status.is}`,
    `${permitted}, digest of the arguments ${code(started.digest)}`,
    fenced(JSON.stringify(started.arguments, null, 2), 'json', 8000),
    ...(status.is === 'finished' ? [`${status.at}: ${prose(saidOf(status.outcome), 600)}`] : []),
  ];
}

/** Something that would have been done: a person was asked about it, or it was not let. */
function isUndone({ started, approval, status }: Call): boolean {
  if (started) return false;
  return approval !== undefined || (status.is === 'finished' && status.outcome.status !== 'ok' && status.outcome.status !== 'failed');
}

function isLook(call: Call): boolean {
  return !call.started && !isUndone(call);
}

function inALine(calls: readonly Call[], names: Names): string[] {
  const lines = calls.map((call) => `- ${code(call.tool)} ${code(JSON.stringify(call.input) ?? '', 400)}: ${whereItIs(call, names)}`);
  return lines.length > 0 ? [lines.join('\n')] : [];
}

function answerInShort(outcome: Outcome): string {
  return `${statusWord(outcome)}. ${prose(saidOf(outcome), 300)}`;
}

function statusWord({ status }: Outcome): string {
  return {
    ok: 'done',
    failed: 'failed',
    denied: 'denied',
    refused: 'refused',
    expired: 'approval expired',
    withdrawn: 'withdrawn',
    unknown: 'outcome unknown',
  }[status];
}

function links({ runs }: Session, calls: readonly Call[]): string[] {
  const lines = runs.map((run) => `- Databricks run ${code(run.runId)}${run.url ? ` ${link(run.url)}` : ''}`);
  for (const { tool, status } of calls) {
    if (status.is !== 'finished' || status.outcome.status !== 'ok') continue;
    const { data = {} } = status.outcome;
    const text = (key: string) => (typeof data[key] === 'string' ? data[key] : null);
    if (tool === 'create_github_pr' && text('url')) lines.push(`- Pull request ${code(String(data['number'] ?? ''))} ${link(text('url') ?? '')}`);
    if (tool === 'post_to_slack' && text('permalink')) lines.push(`- Post ${link(text('permalink') ?? '')}`);
    if (tool === 'get_grafana_panel' && text('panel_url')) lines.push(`- Panel ${link(text('panel_url') ?? '')}`);
  }
  return lines.length > 0 ? [[...new Set(lines)].join('\n')] : [];
}

/** What held it up: waits, retries, limits, recoveries. */
function onTheWay({ notes }: Session): string[] {
  return notes.length > 0 ? [notes.map((n) => `- ${n.at} ${n.about}: ${prose(n.text, 400)}`).join('\n')] : [];
}

function ending(session: Session, within?: string): string[] {
  if (session.ended) {
    const { text } = session.ended;
    const words = lastWords(session);
    return [
      `${cameTo(session)}${text ? ':' : '.'}`,
      ...(text ? [fenced(text, 'text', 8000)] : []),
      ...(words && words !== text ? ["The model's last words:", fenced(words, 'text', 8000)] : []),
    ];
  }
  const names = namesIn(session);
  const open = openCalls(session).map((call) => `- ${code(call.tool)}: ${call.id === within ? 'being opened with this file' : whereItIs(call, names)}`);
  return [open.length > 0 ? open.join('\n') : 'The model has the next word.'];
}

function whereItIs({ status }: Call, names: Names): string {
  if (status.is === 'finished') return answerInShort(status.outcome);
  return status.is === 'parked' ? waitingFor(status.waiting, names) : status.is;
}

function waitingFor(waiting: Waiting, names: Names): string {
  switch (waiting.for) {
    case 'approval':
      return `waits for an approval until ${waiting.expires_at}`;
    case 'job':
      return `waits for ${waiting.until} of ${waiting.run_ids.map((id) => code(id)).join(', ')}`;
    case 'answer':
      return `waits for an answer of ${person(waiting.to, names)}: ${prose(waiting.question, 300)}`;
    case 'retry':
      return `is tried again at ${waiting.at}: ${prose(waiting.why, 300)}`;
    default:
      return waiting satisfies never;
  }
}

function record({ seq, head, usage, replies: all, ended }: Session): string[] {
  const replies = all.filter((r) => !r.host).length;
  const lines = [
    `- ${seq} lines, head ${code(head)}${ended ? '' : ' (so far)'}`,
    `- ${replies} ${replies === 1 ? 'reply' : 'replies'} of the model; ${tokensInWords(usage)}${ended?.usd === undefined ? '' : `; ${dollars(ended.usd)} by the prices of the time`}`,
    `- Check it with ${code(`labmate verify record.jsonl --head ${head}`)}`,
  ];
  return [lines.join('\n')];
}
