import type { Defaults } from './conversation.ts';
import { type Compared, diffLines, num, proposal, stoppedBy } from './findings.ts';
import type { Action } from './plan.ts';
import { answerIn, type Or, type Walk } from './walk.ts';

/** What one action leaves for the next: the branch of a pull request, onto which a row goes too. */
export type ActState = { branch: string | null };
export type ActOn = { compared: Compared; changes: string; defaults: Defaults; state: ActState; runId: string; parameters: Readonly<Record<string, string>> };

/** Does what was asked for after the training, and says what came of it. */
export function* act(action: Action, on: ActOn): Walk<Or<string>> {
  const { compared, changes, defaults, state } = on;
  const verdict = compared.primary ? compared.primary.verdict_reason : 'The run has succeeded.';
  switch (action.do) {
    case 'pull-request': {
      const repo = action.repository ?? defaults.repository;
      if (!repo) return { end: 'No repository is named and there is no default, so I open no pull request.' };
      const title = action.title ?? `experiment: ${changes || 'a new run'}`;
      const input = { repo, title, body: proposal(compared, changes), ...(action.base ? { base: action.base } : {}), ...(action.draft ? { draft: true } : {}) };
      const [got] = yield { say: `${verdict} Opening the pull request.`, calls: [{ tool: 'create_github_pr', input }] };
      const stopped = stoppedBy(got, 'open the pull request');
      if (stopped || !got) return { end: stopped ?? '' };
      if (typeof got.data['branch'] === 'string') state.branch = got.data['branch'];
      return { go: `Pull request: ${got.data['url'] ?? got.text}` };
    }
    case 'post': {
      const input = { ...(action.channel ? { channel: action.channel } : {}), text: diffLines(compared, changes) };
      const [got] = yield { say: `${verdict} Posting the diff.`, calls: [{ tool: 'post_to_slack', input }] };
      const stopped = stoppedBy(got, 'post the diff');
      return stopped || !got ? { end: stopped ?? '' } : { go: `Posted the diff${action.channel ? ` to ${action.channel}` : ''}.` };
    }
    case 'track':
      return yield* track(action.path, on);
    case 'validate':
      return yield* validate(verdict, on);
    case 'report':
      return { go: '' };
    default:
      return action satisfies never;
  }
}

const REGISTRY = 'mcp__feature-registry__';

/** Looks the feature set up before it is marked: what is validated already is left alone. The registry's own words decide nothing. */
function* validate(evidence: string, { parameters, runId }: ActOn): Walk<Or<string>> {
  const name = parameters['feature_set'];
  if (!name) return { end: 'No feature_set was named, so there is nothing to mark in the feature registry.' };
  const [found] = yield { say: `Looking ${name} up in the feature registry.`, calls: [{ tool: `${REGISTRY}describe_feature_set`, input: { name } }] };
  const unknown = stoppedBy(found, `look ${name} up`);
  if (unknown || !found) return { end: unknown ?? '' };
  const { status } = (found.data['result'] ?? {}) as { status?: unknown };
  if (status === 'validated') return { go: `${name} is validated in the feature registry already.` };
  const input = { name, run_id: runId, evidence: evidence.slice(0, 500) };
  const [got] = yield { say: `Marking ${name} as validated.`, calls: [{ tool: `${REGISTRY}mark_validated`, input }] };
  const stopped = stoppedBy(got, `mark ${name} as validated`);
  return stopped || !got ? { end: stopped ?? '' } : { go: `Marked ${name} as validated in the feature registry.` };
}

/** A row of the tracking document: its columns are read from the document, and only those are filled whose meaning is known. */
function* track(named: string | null, { compared, changes, defaults, state }: ActOn): Walk<Or<string>> {
  const repo = defaults.repository;
  if (!repo) return { end: 'There is no default repository, so I update no document.' };
  let path = named;
  if (!path) {
    const [answer] = yield {
      say: 'The request names no document.',
      calls: [{ tool: 'ask_person', input: { question: 'Which Markdown file is the tracking document?' } }],
    };
    path = /[\w./-]*\w\.md/i.exec(answerIn(answer) ?? '')?.[0] ?? null;
    if (!path) return { end: 'Without the name of the document I update none.' };
  }
  const [file] = yield { say: `Reading the columns of ${path}.`, calls: [{ tool: 'get_github_file', input: { repo, path } }] };
  const unread = stoppedBy(file, `read ${path}`);
  if (unread || !file) return { end: unread ?? '' };
  const headers = headersIn(String(file.data['text'] ?? ''));
  if (headers.length === 0) return { end: `${path} has no table, so I add no row.` };
  const values = new Map(compared.metrics.map((m) => [m.key, num(m.candidate)]));
  values.set('change', changes || 'none').set('verdict', compared.primary ? compared.primary.verdict.replaceAll('_', ' ') : 'not compared');
  const columns = Object.fromEntries(headers.slice(1).flatMap((header) => (values.has(header) ? [[header, values.get(header) ?? '']] : [])));
  const row_key = changes.replaceAll(', ', ' ') || 'new run';
  const input = { repo, path, row_key, columns, ...(state.branch ? { branch: state.branch } : {}) };
  const [got] = yield { say: `Adding the row ${row_key}.`, calls: [{ tool: 'update_tracking_doc', input }] };
  const stopped = stoppedBy(got, `update ${path}`);
  return stopped || !got ? { end: stopped ?? '' } : { go: `Noted in ${path}${got.data['url'] ? `: ${got.data['url']}` : '.'}` };
}

/** The head of the first table. */
function headersIn(text: string): string[] {
  const head = /^\|(.+)\|[ \t]*\n\|[ :|-]+\|/m.exec(text)?.[1] ?? '';
  return head ? head.split('|').map((cell) => cell.trim()) : [];
}
