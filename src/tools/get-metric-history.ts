import { z } from 'zod';
import { downsample } from '../analysis/downsample.ts';
import { nearMisses } from '../analysis/near-miss.ts';
import { figure, isUsable, jsonNumber, timeOf } from '../analysis/numbers.ts';
import type { Metric, MlflowRun } from '../services/mlflow.ts';
import { done, readTool, ToolError } from './define-tool.ts';
import { theMlflowRun } from './linked-runs.ts';
import { cell, listed } from './markdown.ts';

/** For the points alone; the sentences around them are short. */
const MOST_CHARACTERS = 7_000;

export const getMetricHistory = readTool({
  name: 'get_metric_history',
  title: 'Get a metric over time',
  description:
    'One metric of an MLflow run step by step, thinned to `samples` with the first, last, lowest and highest kept. Use when the course matters: a peak, a jump. Not for last values (fetch_mlflow_run) or a judgement (diagnose_run). run_id: 32 hex digits (MLflow).',
  input: z.strictObject({
    run_id: z.string().min(1),
    metric: z.string().min(1),
    samples: z.int().min(4).max(500).default(50),
    min_step: z.int().optional(),
    max_step: z.int().optional(),
  }),
  output: z.looseObject({
    run_id: z.string(),
    metric: z.string(),
    points: z.array(z.looseObject({ step: z.int(), value: z.union([z.number(), z.string()]), timestamp: z.string() })),
    total: z.int(),
    downsampled: z.boolean(),
    omitted: z.int(),
  }),
  needs: ['mlflow'],
  async run({ run_id, metric, samples, min_step = -Infinity, max_step = Infinity }, ctx) {
    const mlflow = ctx.services.mlflow;
    const { run, note } = await theMlflowRun(run_id, ctx);
    const all = await mlflow.getMetricHistory(run.runId, metric, ctx.signal);
    if (all.length === 0) throw noSuchMetric(metric, run);
    const inside = all.filter((p) => p.step >= min_step && p.step <= max_step);
    const line = (p: Metric) => `${p.step} ${figure(p.value)}`;
    let points = downsample(inside, samples);
    while (points.length > 4 && points.map(line).join('\n').length > MOST_CHARACTERS) points = downsample(inside, Math.floor(points.length * 0.8));
    const omitted = inside.length - points.length;
    const finite = inside.filter((p) => isUsable(p.value));
    const lowest = finite.reduce<Metric | null>((low, p) => (low === null || p.value < low.value ? p : low), null);
    const highest = finite.reduce<Metric | null>((high, p) => (high === null || p.value > high.value ? p : high), null);
    const strange = inside.length - finite.length;
    const said = (p: Metric | null) => (p ? `${figure(p.value)} at step ${p.step}` : 'none');
    const text = [
      `${cell(metric)} of run ${run.runId} (${cell(run.name)}, ${run.status}): ${inside.length} points${inside.length < all.length ? ` of ${all.length} lie in these steps` : ''}.`,
      `Lowest ${said(lowest)}, highest ${said(highest)}, last ${said(inside.at(-1) ?? null)}.${strange > 0 ? ` ${strange} are not finite.` : ''}`,
      ...(omitted > 0 ? [`${omitted} points are left out; narrow with min_step and max_step.`] : []),
      ...(points.length > 0 ? [`step value\n${points.map(line).join('\n')}`] : []),
      ...(note ? [note] : []),
    ];
    return done(text.join('\n\n'), {
      run_id: run.runId,
      metric,
      points: points.map((p) => ({ step: p.step, value: jsonNumber(p.value), timestamp: timeOf(p.timestamp) })),
      total: inside.length,
      downsampled: omitted > 0,
      omitted,
      non_finite: strange,
      run_url: mlflow.runUrl(run),
    });
  },
});

/** Names what may have been meant; another metric is never taken in its place. */
export function noSuchMetric(metric: string, run: MlflowRun): ToolError {
  const names = Object.keys(run.metrics).sort();
  const near = nearMisses(metric, names);
  const next = near.length > 0 ? `ask whether ${listed(near)} is meant.` : `choose one that it has: ${listed(names)}.`;
  return new ToolError('METRIC_NOT_FOUND', `Run ${run.runId} has no metric called ${cell(metric)}.`, next);
}
