import { percent } from '../analysis/numbers.ts';
import { verdictInWords } from '../analysis/verdict.ts';
import { beginning } from '../policy/outside-text.ts';
import { comparisons } from '../session/findings.ts';
import { producedRuns, RUN_TOOL } from '../session/runs.ts';
import { openCalls, pendingApprovals, type Session } from '../session/state.ts';
import { isTalk } from '../session/talk.ts';
import { stateWord } from '../session/where-it-stands.ts';
import type { About } from './reading.ts';

/** What an entry may weigh in Redis: ten thousand sessions are searched in one read. */
const MOST_BYTES = 1_024;
/** As much of a prompt as lists show; of the rest only the words are kept, for searching. */
const SHOWN = 300;

/** The line of a session in lists: at most 1 KB, a pure function of the log (and of where its thread is), so it can be built again at any time. */
export function aboutOf(s: Session, thread: string | null): About {
  const { alias, team, channel, by, prompt, at, rerun_of: line } = s.opened;
  const lastAt = s.ended?.at ?? [...s.replies.map((r) => r.at), ...s.told.map((t) => t.at), at].sort().at(-1) ?? at;
  const people = new Set([by, ...s.told.map((t) => t.by), ...[...s.approvals.values()].flatMap((a) => [...a.votes.map((v) => v.by), ...(a.by ? [a.by] : [])])]);
  return fitting(
    {
      seq: s.seq,
      session: s.id,
      alias,
      team,
      channel,
      ...(s.opened.door === 'mcp' ? { door: 'mcp' as const } : {}),
      ...(isTalk(s) ? { talk: true as const } : {}),
      thread: s.opened.thread ?? thread,
      by,
      prompt: beginning(prompt, SHOWN),
      state: stateWord(s),
      openedAt: at,
      changedAt: lastAt,
      endedAt: s.ended?.at ?? null,
      verdict: verdictOf(s),
      ...asksOf(s),
      people: [...people].slice(0, 10),
      parameters: parametersOf(s),
      runs: [...new Set(producedRuns(s).flatMap((run) => [run.runId, ...run.mlflowIds]))].slice(0, 12),
      ...(line ? { line: { first: line.first, place: line.line } } : {}),
      ...waitsOf(s),
    },
    prompt,
  );
}

function waitsOf(s: Session): Pick<About, 'waits'> {
  if (s.ended || s.stop) return {};
  for (const { status } of openCalls(s)) {
    if (status.is === 'parked' && status.waiting.for === 'retry' && status.waiting.outage)
      return { waits: { upstream: status.waiting.upstream, since: status.sinceAt } };
  }
  return s.retry?.outage ? { waits: { upstream: s.retry.upstream, since: s.retry.sinceAt } } : {};
}

/** Takes from what is least missed until it fits, and fills what is left with the words of the prompt that lists do not show. */
function fitting(about: About, prompt: string): About {
  const kept: About = { ...about, parameters: { ...about.parameters }, runs: [...(about.runs ?? [])] };
  const bytes = () => Buffer.byteLength(JSON.stringify(kept));
  while (bytes() > MOST_BYTES) {
    const names = Object.keys(kept.parameters);
    if (kept.prompt.length > 120) kept.prompt = beginning(kept.prompt, Math.floor(kept.prompt.length * 0.8));
    else if (names.length > 3) delete kept.parameters[names.at(-1) ?? ''];
    else if (kept.runs && kept.runs.length > 2) kept.runs.pop();
    else if (kept.people.length > 3) kept.people = kept.people.slice(0, -1);
    else if (kept.prompt.length > 20) kept.prompt = beginning(kept.prompt, Math.floor(kept.prompt.length * 0.8));
    else if (names.length > 0) delete kept.parameters[names.at(-1) ?? ''];
    else break;
  }
  const shown = kept.prompt.toLowerCase();
  const words: string[] = [];
  let room = MOST_BYTES - bytes() - '"words":"",'.length;
  for (const word of new Set(
    prompt
      .slice(kept.prompt.length)
      .toLowerCase()
      .match(/[\p{L}\p{N}_][\p{L}\p{N}_.=/-]*/gu) ?? [],
  )) {
    const cost = Buffer.byteLength(word) + 1;
    if (word.length > 60 || cost > room || shown.includes(word)) continue;
    words.push(word);
    room -= cost;
  }
  return words.length > 0 ? { ...kept, words: words.join(' ') } : kept;
}

function asksOf(s: Session): Pick<About, 'asks'> {
  const since = pendingApprovals(s)
    .map((approval) => approval.askedAt)
    .sort();
  return since[0] === undefined ? {} : { asks: { count: since.length, since: since[0] } };
}

/** "improved: val_f1 +3.03 %". */
function verdictOf(s: Session): string | null {
  const primary = comparisons(s).findLast((found) => found.primary)?.primary;
  if (!primary) return null;
  const change = primary.delta_pct === null ? '' : ` ${percent(primary.delta_pct)}`;
  return beginning(`${verdictInWords(primary.verdict)}: ${primary.metric}${change}`, 80);
}

function parametersOf(s: Session): Record<string, string> {
  const all: Record<string, string> = {};
  for (const call of s.calls.values()) {
    if (call.tool !== RUN_TOOL) continue;
    const parameters = call.started?.arguments['parameters'];
    if (!parameters || typeof parameters !== 'object') continue;
    for (const [k, v] of Object.entries(parameters).slice(0, 12)) all[beginning(k, 40)] = beginning(String(v), 60);
  }
  return all;
}
