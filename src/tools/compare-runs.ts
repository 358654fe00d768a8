import { z } from 'zod';
import { type Comparison, compareRuns as compare } from '../analysis/compare.ts';
import { downsampleTogether } from '../analysis/downsample.ts';
import { noiseInWords } from '../analysis/noise.ts';
import { figure, type JsonNumber, jsonNumber, percent, signed } from '../analysis/numbers.ts';
import type { Point, Side } from '../analysis/run.ts';
import { verdictTitle } from '../analysis/verdict.ts';
import type { MlflowRun } from '../services/mlflow.ts';
import { type ContextWith, done, readTool } from './define-tool.ts';
import { theMlflowRun } from './linked-runs.ts';
import { cell, table } from './markdown.ts';

/** Histories cost a request each. */
const MOST_HISTORIES = 5;
/** As many as Slack's own chart takes. */
const CURVE_POINTS = 20;
/** What an answer may weigh, as JSON. */
const MOST_CHARACTERS = 7500;

export const compareRuns = readTool({
  name: 'compare_runs',
  title: 'Compare two runs',
  description:
    'Compares two MLflow runs and gives the verdict on one metric: improved, regressed, within_threshold or inconclusive, with its reason, both readings of a percentage, what else differs, and warnings. Use when a decision depends on two runs; repeat its verdict, do not work it out. Not for choosing a baseline (find_best_run). Ids: 32 hex digits (MLflow), or digits (Databricks) where the MLflow run is tagged.',
  input: z.strictObject({
    baseline_run_id: z.string().min(1),
    candidate_run_id: z.string().min(1),
    primary_metric: z.string().optional().describe('the one the verdict is on'),
    metrics: z.array(z.string()).optional().describe('show only these beside it'),
    direction: z.enum(['max', 'min']).optional().describe('only where the person said which is better'),
    threshold: z
      .strictObject({ value: z.number().nonnegative(), kind: z.enum(['relative', 'points', 'absolute']).optional() })
      .optional()
      .describe("1 = 1 % for relative, 1 percentage point for points; the metric's own unit for absolute. Leave kind out unless the person said it"),
    aggregate: z.enum(['last', 'best']).optional().describe('of the history; default last'),
    expected_changes: z.array(z.string()).optional().describe('parameters that were meant to differ'),
  }),
  output: z.looseObject({
    primary: z.looseObject({ metric: z.string(), verdict: z.string(), verdict_reason: z.string() }).nullable(),
    warnings: z.array(z.string()),
  }),
  needs: ['mlflow'],
  async run(asked, ctx) {
    const baseline = await theMlflowRun(asked.baseline_run_id, ctx);
    const candidate = await theMlflowRun(asked.candidate_run_id, ctx);
    const common = {
      metrics: asked.metrics,
      direction: asked.direction,
      directions: ctx.settings.metrics,
      threshold: asked.threshold,
      aggregate: asked.aggregate,
    };
    const terms = { ...common, primary: asked.primary_metric, defaultReading: ctx.settings.thresholdReading, expectedChanges: asked.expected_changes };
    const side = (run: MlflowRun): Side => ({ run, url: ctx.services.mlflow.runUrl(run) });
    // Once without histories, to learn which metric the verdict is on.
    const primary = compare(side(baseline.run), side(candidate.run), terms).primary?.metric;
    const wanted = [...new Set([...(primary ? [primary] : []), ...(asked.metrics ?? [])])].slice(0, MOST_HISTORIES);
    const [before, after, peers] = await Promise.all([
      histories(baseline.run, wanted, ctx),
      histories(candidate.run, wanted, ctx),
      finishedRuns(baseline.run, candidate.run, ctx),
    ]);
    const found = compare({ ...side(baseline.run), histories: before }, { ...side(candidate.run), histories: after }, { ...terms, peers });
    const notes = [baseline.note, candidate.note].filter((note) => note !== null);
    const data = fitting({ ...found, ...(primary ? { curve: curveOf(primary, before, after) } : {}), notes });
    return done(inWords(data), data);
  },
});

async function histories(run: MlflowRun, metrics: readonly string[], ctx: ContextWith<'mlflow'>): Promise<Record<string, Point[]>> {
  const mlflow = ctx.services.mlflow;
  const present = metrics.filter((key) => Object.hasOwn(run.metrics, key));
  return Object.fromEntries(await Promise.all(present.map(async (key) => [key, await mlflow.getMetricHistory(run.runId, key, ctx.signal)] as const)));
}

/** The newest finished runs of both experiments, among which repetitions with other seeds may be. */
async function finishedRuns(baseline: MlflowRun, candidate: MlflowRun, ctx: ContextWith<'mlflow'>): Promise<MlflowRun[]> {
  const experimentIds = [...new Set([baseline.experimentId, candidate.experimentId])];
  const query = { experimentIds, filter: "attributes.status = 'FINISHED'", maxResults: 500 };
  return (await ctx.services.mlflow.searchRuns(query, ctx.signal)).runs;
}

/** The primary metric over the steps, thinned to what a chart shows: [step, value]. */
type Curve = { metric: string; baseline: [number, JsonNumber][]; candidate: [number, JsonNumber][] };

function curveOf(metric: string, before: Record<string, Point[]>, after: Record<string, Point[]>): Curve {
  const [first = [], second = []] = downsampleTogether([before[metric] ?? [], after[metric] ?? []], CURVE_POINTS);
  const pairs = (points: readonly Point[]) => points.map((p): [number, JsonNumber] => [p.step, jsonNumber(p.value)]);
  return { metric, baseline: pairs(first), candidate: pairs(second) };
}

type Found = Comparison & { curve?: Curve; notes: string[] };
type Fitted = Found & { omitted?: Record<string, number>; truncated?: true };

/** Shortens lists until the answer fits, counting what is left out. The verdict, its reason and the warnings always stay. */
function fitting(found: Found): Fitted {
  for (let most = 30; ; most = Math.floor(most / 2)) {
    const omitted: Record<string, number> = {};
    const first = <T>(name: string, list: readonly T[], room = most): T[] => {
      if (list.length > room) omitted[name] = list.length - room;
      return list.slice(0, room);
    };
    const length = Math.max(24, most * 6);
    const fitted: Fitted = {
      ...found,
      baseline: { ...found.baseline, datasets: first('datasets_baseline', found.baseline.datasets, 5) },
      candidate: { ...found.candidate, datasets: first('datasets_candidate', found.candidate.datasets, 5) },
      metrics: first('metrics', found.metrics, Math.max(most, 1)),
      only_in_baseline: first('only_in_baseline', found.only_in_baseline),
      only_in_candidate: first('only_in_candidate', found.only_in_candidate),
      params: {
        changed: short(first('changed', found.params.changed), length),
        added: short(first('added', found.params.added), length),
        removed: short(first('removed', found.params.removed), length),
        same_count: found.params.same_count,
      },
      tags_changed: short(first('tags_changed', found.tags_changed), length),
      warnings: found.warnings.map((warning) => (warning.length > 600 ? `${warning.slice(0, 599)}…` : warning)),
      ...(Object.keys(omitted).length > 0 ? { truncated: true as const, omitted } : {}),
    };
    if (most === 0 || JSON.stringify(fitted).length <= MOST_CHARACTERS) return fitted;
  }
}

function short<T extends Record<string, string>>(list: readonly T[], length: number): T[] {
  const cut = (text: string) => (text.length > length ? `${text.slice(0, length - 1)}…` : text);
  return list.map((entry) => Object.fromEntries(Object.entries(entry).map(([key, value]) => [key, cut(value)])) as T);
}

/** The same facts as a short Markdown: verdict line, table, what differs, objections. */
function inWords(found: Fitted): string {
  const { primary } = found;
  const rows = found.metrics.map((m) => [
    cell(m.key),
    figure(m.baseline),
    figure(m.candidate),
    m.delta === null ? '' : signed(m.delta),
    m.delta_pct === null ? '' : percent(m.delta_pct),
    m.flag.replace('_', ' '),
  ]);
  const changed = found.params.changed.map((p) => `${cell(p.key)} ${cell(p.baseline, 60)} -> ${cell(p.candidate, 60)}`);
  const alone = [
    ...found.params.added.map((p) => `${cell(p.key)} only in the candidate`),
    ...found.params.removed.map((p) => `${cell(p.key)} only in the baseline`),
  ];
  return [
    primary ? `**${verdictTitle(primary.verdict).words}:** ${cell(primary.verdict_reason, 600)}` : 'No verdict: no primary metric was named.',
    `Candidate ${found.candidate.run_id} (${cell(found.candidate.name)}) against baseline ${found.baseline.run_id} (${cell(found.baseline.name)}).`,
    ...(rows.length > 0 ? [table(['metric', 'baseline', 'candidate', 'delta', 'delta %', 'change'], rows)] : ['They have no metric in common.']),
    `Parameters that differ: ${[...changed, ...alone].join(', ') || 'none'} (${found.params.same_count} alike).`,
    ...(found.noise ? [`Noise: ${noiseInWords(found.noise)}`] : []),
    ...(found.warnings.length > 0 ? [found.warnings.map((warning) => `- ${cell(warning, 600)}`).join('\n')] : []),
    ...(found.truncated
      ? [
          `Left out: ${Object.entries(found.omitted ?? {})
            .map(([name, n]) => `${n} ${name.replaceAll('_', ' ')}`)
            .join(', ')}.`,
        ]
      : []),
    ...found.notes,
    `Baseline: ${found.links.baseline} Candidate: ${found.links.candidate}`,
  ].join('\n\n');
}
