import type { Databricks } from '../services/databricks.ts';
import { isOfTheThing, UpstreamError } from '../services/http.ts';
import { type MLflow, type MlflowRun, quote } from '../services/mlflow.ts';
import { type Seen as Polled, runPoller } from '../services/poll-runs.ts';
import { announced } from '../session/failing.ts';
import type { ToolSettings } from './define-tool.ts';
import { typicalDuration } from './job-definition.ts';
import { keptHistories, type Point } from './kept-histories.ts';
import { linkedRuns } from './linked-runs.ts';

/** A run somebody waits for, and the metrics they asked about. */
export type Watched = { runId: string; metrics: readonly string[] };
export type Seen = {
  status: string;
  terminal: boolean;
  startedAt: number | null;
  endedAt: number | null;
  parameters: Record<string, string>;
  usual: { ms: number; of: number } | null;
  metric: string | null;
  epochs: number | null;
  histories: Record<string, Point[]>;
};

type Linked = { mlflowRunId: string | null; experimentId: string | null; tries: number; againAt: number };

const REMEMBERED = 5_000;
const USUAL_FOR_MS = 600_000;
const LINK_AGAIN_MS = 3_000;
const LINK_AGAIN_MOST_MS = 300_000;
const DATABRICKS_AWAY_MS = 5_000;
const MLFLOW_AWAY_MS = 15_000;
/** A history that can't be read, for its size or for want of a permission, is left alone for so long. */
const REFUSED_FOR_MS = 300_000;
/** Ids of 32 digits each, in one filter. */
const AT_ONCE = 100;

/**
 * Looks at runs for all who wait for them: their states in batches of their jobs, and what they log to MLflow with one search for all. A history is read again only
 * where something was logged since. What can't be read of one run keeps nothing of the others back. While MLflow is away, curves are left out; while Databricks is, runs.
 */
export function progressReader(deps: {
  databricks: Databricks;
  mlflow: MLflow | undefined;
  settings: ToolSettings;
  /** Told of what is gone on without. */
  failed?: (error: unknown) => void;
  /** Ms of a clock that nobody sets back. */
  now?: () => number;
}): (runs: readonly Watched[], signal?: AbortSignal) => Promise<Map<string, Seen | null>> {
  const { databricks, mlflow, settings, failed = () => {} } = deps;
  const now = deps.now ?? (() => performance.now());
  const poll = runPoller(databricks, (error) => {
    databricksAwayUntil = now() + (announced(error.retryAfterMs) ?? DATABRICKS_AWAY_MS);
    failed(error);
  });
  const links = new Map<string, Linked>();
  const usuals = new Map<string, { usual: Seen['usual']; until: number }>();
  const read = keptHistories(now);
  const refusedUntil = new Map<string, number>();
  let databricksAwayUntil = 0;
  let mlflowAwayUntil = 0;

  /** Null where it is refused for this one run: that says nothing of the others. */
  const unlessRefused = <T>(answer: Promise<T>): Promise<T | null> =>
    answer.catch((error: unknown) => {
      if (!isOfTheThing(error)) throw error;
      failed(error);
      return null;
    });

  async function usualOf(jobId: string, signal: AbortSignal): Promise<Seen['usual']> {
    const known = usuals.get(jobId);
    if (known && known.until > now()) return known.usual;
    // Only an estimate: without it everything else is still worth showing.
    const usual = await typicalDuration(jobId, databricks, signal).catch(() => null);
    remember(usuals, jobId, { usual, until: now() + USUAL_FOR_MS });
    return usual;
  }

  /** Looked for ever more rarely until it is there: a training makes its MLflow run some time after it started, or never. */
  async function link(runId: string, signal: AbortSignal): Promise<Linked> {
    const known = links.get(runId);
    if (known?.mlflowRunId || (known && known.againAt > now())) return known;
    const [first] = (await unlessRefused(linkedRuns(mlflow as MLflow, runId, { services: { databricks, mlflow }, settings, signal }))) ?? [];
    const tries = (known?.tries ?? 0) + 1;
    const againAt = now() + Math.min(LINK_AGAIN_MOST_MS, LINK_AGAIN_MS * 1.5 ** (tries - 5));
    return remember(links, runId, { mlflowRunId: first?.runId ?? null, experimentId: first?.experimentId ?? null, tries, againAt });
  }

  async function mlflowRunsOf(runIds: readonly string[], signal: AbortSignal): Promise<Map<string, MlflowRun>> {
    const found = new Map<string, MlflowRun>();
    if (!mlflow) return found;
    const linked: { runId: string; mlflowRunId: string; experimentId: string }[] = [];
    for (const runId of runIds) {
      const { mlflowRunId, experimentId } = await link(runId, signal);
      if (mlflowRunId && experimentId) linked.push({ runId, mlflowRunId, experimentId });
    }
    for (let i = 0; i < linked.length; i += AT_ONCE) {
      const part = linked.slice(i, i + AT_ONCE);
      for (const run of await search(part, signal)) for (const { runId, mlflowRunId } of part) if (mlflowRunId === run.runId) found.set(runId, run);
    }
    return found;
  }

  async function search(part: readonly { mlflowRunId: string; experimentId: string }[], signal: AbortSignal): Promise<MlflowRun[]> {
    const experimentIds = [...new Set(part.map((l) => l.experimentId))];
    const filter = `attributes.run_id IN (${part.map((l) => quote(l.mlflowRunId)).join(', ')})`;
    const page = await unlessRefused((mlflow as MLflow).searchRuns({ experimentIds, filter, maxResults: part.length }, signal));
    if (page || experimentIds.length < 2) return page?.runs ?? [];
    // One experiment that may not be read spoils the search in all of them.
    const each: MlflowRun[] = [];
    for (const id of experimentIds) {
      const runs = await search(
        part.filter((l) => l.experimentId === id),
        signal,
      );
      each.push(...runs);
    }
    return each;
  }

  async function historyOf(run: MlflowRun, metric: string, signal: AbortSignal): Promise<Point[]> {
    const last = run.metrics[metric];
    if (!last) return [];
    const key = `${run.runId} ${metric}`;
    if ((refusedUntil.get(key) ?? 0) > now()) return [];
    const upTo = `${last.step} ${last.timestamp} ${last.value}`;
    const known = read.get(key, upTo);
    if (known) return known;
    const all = await unlessRefused((mlflow as MLflow).getMetricHistory(run.runId, metric, signal));
    if (!all) remember(refusedUntil, key, now() + REFUSED_FOR_MS);
    const points = (all ?? []).map(({ step, value }) => ({ step, value }));
    if (all) read.keep(key, upTo, points);
    return points;
  }

  return async (runs, signal = new AbortController().signal) => {
    const seen = new Map<string, Seen | null>();
    if (now() < databricksAwayUntil) return seen;
    const states = await poll(
      runs.map((r) => r.runId),
      signal,
    );
    for (const { runId } of runs) {
      const state = states.get(runId);
      if (state === undefined) continue;
      seen.set(runId, state && { ...bare(state), usual: state.run && !state.terminal ? await usualOf(state.run.jobId, signal) : null });
    }
    if (!mlflow || now() < mlflowAwayUntil) return seen;
    try {
      const logged = await mlflowRunsOf(
        [...states].flatMap(([runId, state]) => (state?.run ? [runId] : [])),
        signal,
      );
      for (const { runId, metrics } of runs) {
        const [run, one] = [logged.get(runId), seen.get(runId)];
        if (!run || !one) continue;
        one.metric = shownMetric(metrics, run, settings.metrics);
        one.epochs = epochsOf(run.params);
        for (const metric of new Set([...metrics, ...(one.metric ? [one.metric] : [])])) one.histories[metric] = await historyOf(run, metric, signal);
        // It is not asked about again.
        if (one.terminal) read.drop(run.runId);
      }
    } catch (error) {
      if (!(error instanceof UpstreamError)) throw error;
      mlflowAwayUntil = now() + (announced(error.retryAfterMs) ?? MLFLOW_AWAY_MS);
    }
    return seen;
  };
}

function bare({ status, terminal, run }: Polled): Seen {
  return {
    status,
    terminal,
    startedAt: run?.startedAt ?? null,
    endedAt: run?.endedAt ?? null,
    parameters: run?.parameters ?? {},
    usual: null,
    metric: null,
    epochs: null,
    histories: {},
  };
}

/** The metric asked for, else the first of labmate.json's that the run logs, else one that sounds like validation, else any. */
export function shownMetric(asked: readonly string[], run: Pick<MlflowRun, 'metrics'>, configured: Readonly<Record<string, unknown>>): string | null {
  const own = Object.keys(run.metrics).filter((key) => !key.startsWith('system/'));
  return (
    asked.find((key) => own.includes(key)) ??
    Object.keys(configured).find((key) => own.includes(key)) ??
    own.find((key) => /^(val|valid|eval|test)/.test(key)) ??
    own[0] ??
    null
  );
}

function epochsOf(params: Readonly<Record<string, string>>): number | null {
  const name = ['epochs', 'num_epochs', 'n_epochs', 'max_epochs'].find((key) => Object.hasOwn(params, key));
  const epochs = name === undefined ? Number.NaN : Number(params[name]);
  return Number.isInteger(epochs) && epochs > 0 ? epochs : null;
}

/** Keeps the newest few thousand. */
function remember<T>(map: Map<string, T>, key: string, value: T): T {
  map.delete(key);
  map.set(key, value);
  if (map.size > REMEMBERED) map.delete(map.keys().next().value as string);
  return value;
}
