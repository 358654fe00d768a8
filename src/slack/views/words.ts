import { partsOf } from '../../policy/mounted-names.ts';
import { cameTo } from '../../session/came-to.ts';
import { ACCEPT_TOOLS } from '../../session/door.ts';
import { type Call, openCalls, type Session } from '../../session/state.ts';
import { type State, stateOf } from '../../session/where-it-stands.ts';

const TITLES = new Map([
  ['run_databricks_job', 'Run a training job'],
  ['get_job_status', "Look at the job's state"],
  ['wait_for_job', 'Wait for the training job'],
  ['cancel_job_run', 'Cancel a run'],
  ['get_job_output', "Read the job's output"],
  ['list_databricks_jobs', 'List the jobs'],
  ['fetch_mlflow_run', 'Fetch a run from MLflow'],
  ['find_best_run', 'Find the best run'],
  ['compare_runs', 'Compare two runs'],
  ['search_runs', 'Search runs'],
  ['list_experiments', 'List the experiments'],
  ['get_metric_history', "Read a metric's curve"],
  ['diagnose_run', 'Diagnose the training'],
  ['get_run_artifact', 'Look at a file of a run'],
  ['tag_run', 'Tag a run'],
  ['update_tracking_doc', 'Update the tracking document'],
  ['search_dashboards', 'Search dashboards'],
  ['get_experiment_record', 'Read an earlier experiment'],
  ['get_approval', 'Look at an approval'],
  ['create_github_pr', 'Open a pull request'],
  ['get_github_file', 'Read a file from GitHub'],
  ['get_grafana_panel', 'Get a Grafana panel'],
  ['post_to_slack', 'Post to Slack'],
  ['ask_person', 'Ask a person'],
  [ACCEPT_TOOLS, 'Accept what an MCP server offers'],
]);

/** A step's name for people. */
export function stepTitle(tool: string): string {
  const mounted = partsOf(tool);
  if (mounted) return `${mounted.name} on ${mounted.key}`;
  return TITLES.get(tool) ?? tool.replaceAll('_', ' ');
}

/** Where a session stands, as a sentence. */
export function stateInWords(s: Session): string {
  const state = stateOf(s);
  switch (state) {
    case 'thinking':
      return 'Thinking';
    case 'idle':
      return 'Idle';
    case 'approval':
      return 'Waiting for approval';
    case 'training':
      return 'Training; woken when it ends';
    case 'question':
      return 'Waiting for an answer';
    case 'limit':
      return waitsInWords(s);
    case 'budget':
      return 'At its limit; waiting for somebody to raise it';
    case 'attention':
      return 'Needs attention';
    case 'working':
      return 'Working';
    case 'stopping':
      return 'Stopping';
    case 'offer':
      return 'Stopped; a run goes on';
    case 'done':
    case 'stopped':
    case 'failed':
    case 'over budget':
      return cameTo(s);
    default:
      return state satisfies never;
  }
}

/** Whom it waits for and until when: the model itself, or the backend that is due first. */
function waitsInWords(s: Session): string {
  const waits = openCalls(s).flatMap((c) => (c.status.is === 'parked' && c.status.waiting.for === 'retry' ? [c.status.waiting] : []));
  const [first] = [...(s.retry ? [{ upstream: s.retry.upstream, at: s.retry.until, outage: s.retry.outage }] : []), ...waits].sort((a, b) =>
    a.at < b.at ? -1 : 1,
  );
  if (first?.outage) return `Waiting for ${first.upstream}, which does not answer`;
  return first ? `Waiting for ${first.upstream} until ${first.at.slice(11, 19)} UTC` : 'Waiting for a limit to pass';
}

const MARKS: Record<Exclude<State, 'done'>, string> = {
  thinking: '💭',
  idle: '💤',
  working: '🔧',
  approval: '✋',
  question: '❓',
  training: '🏃',
  limit: '⏳',
  budget: '⛽',
  attention: '❗',
  stopping: '🛑',
  offer: '🛑',
  stopped: '🛑',
  failed: '❌',
  'over budget': '⛽',
};

/** A sign for what a session is doing, to be told apart at a glance; the words say the same. */
export function stateMark(s: Session): string {
  const state = stateOf(s);
  if (state !== 'done') return MARKS[state];
  const words = cameTo(s);
  if (words === 'Done') return '✅';
  if (words === 'Answered') return '💬';
  if (words.startsWith('Done')) return '🟡';
  if (words.startsWith('Failed') || words.startsWith('Ended: the last step failed')) return MARKS.failed;
  return words.includes('question') ? MARKS.question : '🚫';
}

/** A finished call's outcome, or null. */
export function outcomeOf(call: Call) {
  return call.status.is === 'finished' ? call.status.outcome : null;
}
