import { bestRun } from '../analysis/best-run.ts';
import { type DirectionSource, direction } from '../analysis/direction.ts';
import { downsampleTogether } from '../analysis/downsample.ts';
import { type Called, type Noise, noise, noiseInWords, repetitions } from '../analysis/noise.ts';
import { figure, type JsonNumber, jsonNumber, minus, signed } from '../analysis/numbers.ts';
import type { MLflow, MlflowRun } from '../services/mlflow.ts';
import { runNames } from '../session/run-names.ts';
import type { ToolContext } from './define-tool.ts';
import { cell } from './markdown.ts';
import { shownMetric } from './run-progress.ts';
import type { RunReport } from './run-states.ts';

export type Ranked = { run_id: string; mlflow_run_id: string; name: string; value: number };

/** Several runs that were waited for, side by side on one metric. */
export type Ranking = {
  metric: string;
  direction: 'max' | 'min' | null;
  direction_source: DirectionSource | null;
  /** By its last value; null where the direction is unknown or no run has a finite one. */
  best: Ranked | null;
  runner_up?: Ranked;
  considered: number;
  of: number;
  noise?: Pick<Noise, 'n_baseline' | 'n_candidate' | 'mean' | 'std' | 'welch_p' | 'single_p' | 'ci95' | 'note' | 'figures'>;
  /** Every run's curve, thinned: [step, value]. */
  curves: { run_id: string; name: string; points: [number, JsonNumber][] }[];
};

/** Points of a curve in an answer: few where there are many runs, for the answer is read by a model too. */
const POINTS = { few: 20, many: 8 };
const FEW_RUNS = 6;

/**
 * Ranks ended runs by what they logged last, with the rules of best-run, and says how far the best is from the next and whether that may be chance.
 * Null where fewer than two logged anything in common. Throws UpstreamError.
 */
export async function rankRuns(reports: readonly RunReport[], asked: readonly string[], ctx: ToolContext): Promise<Ranking | null> {
  const { mlflow } = ctx.services;
  const linked = reports.flatMap((report) =>
    report.mlflow_run_ids?.length === 1 && report.mlflow_run_ids[0] ? [{ report, id: report.mlflow_run_ids[0] }] : [],
  );
  if (!mlflow || linked.length < 2) return null;
  const runs = await Promise.all(linked.map(async ({ report, id }) => ({ report, run: await mlflow.getRun(id, ctx.signal) })));
  const metric = runs.map(({ run }) => shownMetric(asked, run, ctx.settings.metrics)).find((found) => found !== null);
  if (!metric) return null;
  const directed = direction(metric, { config: ctx.settings.metrics });
  const names = runNames(runs.map(({ report, run }) => ({ runId: report.run_id, parameters: run.params })));
  const chosen = directed
    ? bestRun(
        runs.map(({ run }) => run),
        { metric, direction: directed.direction },
      )
    : null;
  const ranked = (found: { run: MlflowRun; value: number } | null | undefined): Ranked | null => {
    const runId = runs.find(({ run }) => run === found?.run)?.report.run_id;
    return found && runId ? { run_id: runId, mlflow_run_id: found.run.runId, name: names.get(runId) ?? runId, value: found.value } : null;
  };
  const [best, runnerUp] = [ranked(chosen?.best), ranked(chosen?.runnerUp)];
  const histories = await Promise.all(
    runs.map(({ run }) => (Object.hasOwn(run.metrics, metric) ? mlflow.getMetricHistory(run.runId, metric, ctx.signal) : [])),
  );
  const thin = downsampleTogether(histories, runs.length <= FEW_RUNS ? POINTS.few : POINTS.many);
  const called = { baseline: runnerUp?.name ?? '', candidate: best?.name ?? '' };
  const chance = chosen?.best && chosen.runnerUp ? await noiseBetween(metric, chosen.runnerUp.run, chosen.best.run, called, mlflow, ctx.signal) : null;
  return {
    metric,
    direction: directed?.direction ?? null,
    direction_source: directed?.source ?? null,
    best,
    ...(runnerUp ? { runner_up: runnerUp } : {}),
    considered: chosen?.considered ?? 0,
    of: reports.length,
    ...(chance && best && runnerUp ? { noise: { ...chance, note: noteOf(chance.note, chosen?.considered ?? 0) } } : {}),
    curves: runs.map(({ report }, i) => ({
      run_id: report.run_id,
      name: names.get(report.run_id) ?? report.run_id,
      points: (thin[i] ?? []).map((p): [number, JsonNumber] => [p.step, jsonNumber(p.value)]),
    })),
  };
}

export function rankingInWords({ metric, direction: better, direction_source: source, best, runner_up, considered, of, noise: chance }: Ranking): string {
  if (!better) return `Whether higher or lower is better for ${cell(metric)} is not known, so none of the ${of} runs is named the best.`;
  if (!best) return `None of the ${of} runs finished with a finite ${cell(metric)}, so none is the best.`;
  const others = considered < of ? `, of which ${considered} finished with a finite value` : '';
  const gap = runner_up
    ? `, ${signed(minus(best.value, runner_up.value))} from the next, ${cell(runner_up.name)} (${figure(runner_up.value)}, run ${runner_up.run_id})`
    : '';
  const guess = source === 'name-guess' ? ` ${better === 'max' ? 'Higher' : 'Lower'} is better: a guess from its name.` : '';
  return `Best of ${of}${others}: ${cell(best.name)}, ${cell(metric)} ${figure(best.value)} (run ${best.run_id}, MLflow ${best.mlflow_run_id})${gap}.${guess}${chance ? ` ${noiseInWords(chance)}` : ''}`;
}

async function noiseBetween(
  metric: string,
  before: MlflowRun,
  after: MlflowRun,
  called: Called,
  mlflow: MLflow,
  signal: AbortSignal,
): Promise<NonNullable<Ranking['noise']>> {
  const experimentIds = [...new Set([before.experimentId, after.experimentId])];
  const { runs } = await mlflow.searchRuns({ experimentIds, filter: "attributes.status = 'FINISHED'", maxResults: 500 }, signal);
  const { welch_t: _, ...found } = noise(metric, repetitions(before, runs), repetitions(after, runs), called);
  return found;
}

/** The highest of many is partly the luckiest. */
function noteOf(note: string, considered: number): string {
  return considered > 2 ? `${note} Picked after the fact as the best of ${considered}, which flatters it.` : note;
}
