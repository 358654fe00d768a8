import { z } from 'zod';
import type { MlflowRun } from './mlflow.ts';

/** What we read of the tracking API's answers. Empty arrays are left out of them, and long integers may come as strings. */

const text = z.string().optional();
const int = z.union([z.number(), z.string().regex(/^-?\d+$/)]).transform(Number);

/** A number, or the strings MLflow writes for those JSON has none for. */
const value = z.union([z.number(), z.enum(['NaN', 'Infinity', '-Infinity']), z.string().regex(/^-?\d+(\.\d+)?([eE][+-]?\d+)?$/)]).transform(Number);

export const apiMetric = z.object({ key: z.string(), value, step: int.default(0), timestamp: int.default(0) });

const pairs = z
  .array(z.object({ key: z.string(), value: z.string().default('') }))
  .default([])
  .transform((list) => Object.fromEntries(list.map((pair) => [pair.key, pair.value])));

const dataset = z.object({
  tags: pairs,
  dataset: z.object({ name: z.string(), digest: z.string().default('') }),
});

export const apiRun = z.object({
  info: z.object({
    run_id: z.string(),
    run_name: text,
    experiment_id: z.string(),
    status: z.enum(['RUNNING', 'SCHEDULED', 'FINISHED', 'FAILED', 'KILLED']).catch('RUNNING'),
    start_time: int.optional(),
    end_time: int.optional(),
    artifact_uri: z.string().default(''),
    lifecycle_stage: text,
  }),
  data: z.object({ metrics: z.array(apiMetric).default([]), params: pairs, tags: pairs }).default({ metrics: [], params: {}, tags: {} }),
  inputs: z.object({ dataset_inputs: z.array(dataset).default([]) }).default({ dataset_inputs: [] }),
});

export const apiExperiment = z.object({ experiment_id: z.string(), name: z.string(), lifecycle_stage: text });

/** `files` is left out of an empty folder. */
export const apiArtifacts = z.object({
  files: z.array(z.object({ path: z.string(), is_dir: z.boolean().default(false), file_size: int.optional() })).default([]),
  next_page_token: text,
});

export function runOf({ info, data, inputs }: z.infer<typeof apiRun>): MlflowRun {
  return {
    runId: info.run_id,
    name: info.run_name || data.tags['mlflow.runName'] || info.run_id,
    experimentId: info.experiment_id,
    status: info.status,
    deleted: info.lifecycle_stage === 'deleted',
    startedAt: info.start_time || null,
    endedAt: info.end_time || null,
    artifactUri: info.artifact_uri,
    metrics: Object.fromEntries(data.metrics.map((metric) => [metric.key, metric])),
    params: data.params,
    tags: data.tags,
    datasets: inputs.dataset_inputs.map((input) => ({ ...input.dataset, context: input.tags['mlflow.data.context'] ?? null })),
  };
}
