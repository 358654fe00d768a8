import { cut } from '../policy/outside-text.ts';
import { comparisonIn } from '../session/findings.ts';
import { producedRuns } from '../session/runs.ts';
import type { Session } from '../session/state.ts';
import type { Answer, Desk, Runs } from './desk.ts';
import type { Ref } from './parse-command.ts';
import { bestMessage } from './views/best.ts';
import { differing } from './views/differs.ts';
import { fallback, fitted, LIMITS } from './views/limits.ts';
import { verdictMessage } from './views/verdict.ts';
import { whichSession } from './which-session.ts';

/** Questions about runs that need no model: the same tools give the figures, the same views show them. */

const ASK_MS = 20_000;
const NO_MLFLOW = 'MLflow is not configured here, so I know of no runs.';

/** Whether there is an experiment of this name; a sentence where nobody can say. */
export async function isExperiment(runs: Runs | undefined, name: string): Promise<boolean | { why: string }> {
  if (!runs) return false;
  try {
    return await runs.exists(name, AbortSignal.timeout(1_000));
  } catch (error) {
    const why = error instanceof Error && error.name === 'UpstreamError' ? error.message : 'MLflow did not answer within a second.';
    return {
      why: fallback(`I cannot say whether there is an experiment ${name}, so nothing was started. ${why} Try again, or put it into a longer sentence.`),
    };
  }
}

/** The second against the first. */
export async function compare(desk: Desk, a: Ref, b: Ref, by: string): Promise<Answer> {
  if (!desk.runs) return { text: NO_MLFLOW };
  const [first, second] = await Promise.all([sideOf(desk, a, by), sideOf(desk, b, by)]);
  if ('why' in first) return { text: fallback(first.why) };
  if ('why' in second) return { text: fallback(second.why) };
  if (first.run === second.run) return { text: fallback(`Both are run ${first.run}, so there is nothing to compare.`) };
  const metric = second.metric ?? first.metric;
  const input = { baseline_run_id: first.run, candidate_run_id: second.run, ...(metric ? { primary_metric: metric } : {}) };
  const asked = await desk.runs.ask('compare_runs', input, AbortSignal.timeout(ASK_MS));
  if (asked.is === 'problem') return { text: fallback(`I could not compare them. ${asked.why}`) };
  const compared = comparisonIn(asked.data);
  if (!compared) return { text: fallback(asked.text) };
  const [verdict, differs] = [verdictMessage(compared), differing(compared)];
  // The verdict's text is escaped already, the other is escaped here.
  return {
    text: differs.text ? cut(`${verdict.text}\n${fallback(differs.text)}`, LIMITS.fallback) : verdict.text,
    blocks: fitted([...verdict.blocks, ...differs.blocks]),
  };
}

export async function best(desk: Desk, experiment: string, metric: string): Promise<Answer> {
  if (!desk.runs) return { text: NO_MLFLOW };
  const asked = await desk.runs.ask('find_best_run', { experiment, metric }, AbortSignal.timeout(ASK_MS));
  if (asked.is === 'answer') return bestMessage(asked.data, { experiment, metric }) ?? { text: fallback(asked.text) };
  const fix =
    asked.code === 'DIRECTION_UNKNOWN' ? ` An operator can add ${metric} to "metrics" in labmate.json; or ask in a sentence that says which is better.` : '';
  return { text: fallback(`I found no best run: ${asked.why}${fix}`) };
}

type Side = { run: string; metric: string | null } | { why: string };

async function sideOf(desk: Desk, ref: Ref, by: string): Promise<Side> {
  if (ref.of === 'run') return { run: ref.run, metric: null };
  const session = await whichSession(desk, ref, by);
  return 'why' in session ? session : runOf(session);
}

/** The one run that a session stands for: what it trained, or what of several it compared last. */
export function runOf(s: Session): Side {
  const produced = producedRuns(s);
  const ids = produced.map(({ runId, mlflowIds }) => (mlflowIds.length === 1 ? (mlflowIds[0] ?? runId) : runId));
  const compared = [...s.calls.values()].filter((c) => c.tool === 'compare_runs').map((c) => (c.input ?? {}) as Record<string, unknown>);
  const metric = compared.map((input) => input['primary_metric']).findLast((name) => typeof name === 'string') ?? null;
  const [only] = ids;
  if (only === undefined) return { why: `${s.opened.alias} has started no training run, so there is nothing to compare.` };
  if (ids.length === 1) return { run: only, metric };
  const candidate = compared.at(-1)?.['candidate_run_id'];
  const chosen = produced.findIndex(({ runId, mlflowIds }) => candidate === runId || mlflowIds.some((id) => id === candidate));
  if (chosen >= 0) return { run: ids[chosen] ?? only, metric };
  return { why: `${s.opened.alias} trained ${ids.length} runs; name the one you mean: ${ids.slice(0, 10).join(', ')}.` };
}
