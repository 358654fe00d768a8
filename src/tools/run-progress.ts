import type { Databricks, JobRun } from '../services/databricks.ts';
import { UpstreamError } from '../services/http.ts';
import { type MLflow, type MlflowRun, quote } from '../services/mlflow.ts';
import { runPoller } from '../services/poll-runs.ts';
import type { ToolSettings } from './define-tool.ts';
import { typicalDuration } from './job-definition.ts';
import { linkedRuns } from './linked-runs.ts';

type Point = { step: number; value: number };
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
const MLFLOW_AWAY_MS = 15_000;
/** Ids of 32 digits each, in one filter. */
const AT_ONCE = 100;

/**
 * Looks at runs for all who wait for them: their states in batches of their jobs, and what they log to MLflow with one search for all. A history is read again only
 * where something was logged since. MLflow's failures leave the curves out for a while; those of Databricks are thrown.
 */
export function progressReader(deps: {
  databricks: Databricks;
  mlflow: MLflow | undefined;
  settings: ToolSettings;
  now?: () => number;
}): (runs: readonly Watched[], signal?: AbortSignal) => Promise<Map<string, Seen>> {
  const { databricks, mlflow, settings } = deps;
  const now = deps.now ?? Date.now;
  const poll = runPoller(databricks);
  const links = new Map<string, Linked>();
  const usuals = new Map<string, { usual: Seen['usual']; until: number }>();
  const read = new Map<string, { upTo: string; points: Point[] }>();
  let mlflowAwayUntil = 0;

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
    const [first] = await linkedRuns(mlflow as MLflow, runId, { services: { databricks, mlflow }, settings, signal });
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
      const filter = `attributes.run_id IN (${part.map((l) => quote(l.mlflowRunId)).join(', ')})`;
      const { runs } = await mlflow.searchRuns({ experimentIds: [...new Set(part.map((l) => l.experimentId))], filter, maxResults: part.length }, signal);
      for (const { runId, mlflowRunId } of part) {
        const run = runs.find((r) => r.runId === mlflowRunId);
        if (run) found.set(runId, run);
      }
    }
    return found;
  }

  async function historyOf(run: MlflowRun, metric: string, signal: AbortSignal): Promise<Point[]> {
    const last = run.metrics[metric];
    if (!last) return [];
    const key = `${run.runId} ${metric}`;
    const upTo = `${last.step} ${last.timestamp} ${last.value}`;
    const known = read.get(key);
    if (known?.upTo === upTo) return known.points;
    const points = (await (mlflow as MLflow).getMetricHistory(run.runId, metric, signal)).map(({ step, value }) => ({ step, value }));
    return remember(read, key, { upTo, points }).points;
  }

  return async (runs, signal = new AbortController().signal) => {
    const states = await poll(
      runs.map((r) => r.runId),
      signal,
    );
    const seen = new Map<string, Seen>();
    for (const { runId } of runs) {
      const state = states.get(runId);
      if (state) seen.set(runId, { ...bare(state), usual: state.run && !state.terminal ? await usualOf(state.run.jobId, signal) : null });
    }
    if (!mlflow || now() < mlflowAwayUntil) return seen;
    try {
      const logged = await mlflowRunsOf([...seen.keys()], signal);
      for (const { runId, metrics } of runs) {
        const [run, one] = [logged.get(runId), seen.get(runId)];
        if (!run || !one) continue;
        one.metric = shownMetric(metrics, run, settings.metrics);
        one.epochs = epochsOf(run.params);
        for (const metric of new Set([...metrics, ...(one.metric ? [one.metric] : [])])) one.histories[metric] = await historyOf(run, metric, signal);
      }
    } catch (error) {
      if (!(error instanceof UpstreamError)) throw error;
      mlflowAwayUntil = now() + (error.retryAfterMs ?? MLFLOW_AWAY_MS);
    }
    return seen;
  };
}

function bare({ status, terminal, run }: { status: string; terminal: boolean; run: JobRun | null }): Seen {
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
