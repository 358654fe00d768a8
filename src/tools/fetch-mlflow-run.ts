import { z } from 'zod';
import { figure, isUsable, type JsonNumber, jsonNumber, timeOf } from '../analysis/numbers.ts';
import type { MlflowRun } from '../services/mlflow.ts';
import { done, readTool } from './define-tool.ts';
import { theMlflowRun } from './linked-runs.ts';
import { cell, listed, table } from './markdown.ts';

const input = z.strictObject({
  run_id: z.string().min(1),
  metrics: z.array(z.string()).optional().describe('only these'),
  include: z
    .array(z.enum(['system_metrics', 'mlflow_tags']))
    .optional()
    .describe('left out otherwise'),
});
type Input = z.output<typeof input>;

export const fetchMlflowRun = readTool({
  name: 'fetch_mlflow_run',
  title: 'Fetch an MLflow run',
  description:
    'Metrics, parameters, tags and data versions of one MLflow run. Use when one run is to be described. Not for a verdict (compare_runs) or the state of a job run (get_job_status). Metrics are LAST values, not the best. run_id: 32 hex digits (MLflow), or digits (Databricks) where the MLflow run is tagged.',
  input,
  output: z.looseObject({
    run_id: z.string(),
    run_name: z.string(),
    experiment_id: z.string(),
    status: z.string(),
    metrics: z.record(z.string(), z.union([z.number(), z.string()])),
    params: z.record(z.string(), z.string()),
    tags: z.record(z.string(), z.string()),
    non_finite: z.array(z.string()),
    run_url: z.string(),
  }),
  needs: ['mlflow'],
  async run(asked, ctx) {
    const { run, note } = await theMlflowRun(asked.run_id, ctx);
    const data = fitting(run, asked, ctx.services.mlflow.runUrl(run));
    return done(inWords(run, data, note), { ...data, ...(note ? { note } : {}) });
  },
});

type Data = ReturnType<typeof facts>;
/** Entries of each kind, and characters of each value. */
type Room = { most: number; length: number };

/** As much as an answer holds; what is left out is counted. */
function fitting(run: MlflowRun, asked: Input, url: string): Data {
  const rooms: Room[] = [
    { most: 60, length: 200 },
    { most: 40, length: 60 },
    { most: 20, length: 40 },
  ];
  for (const room of rooms) {
    const data = facts(run, asked, url, room);
    if (JSON.stringify(data).length <= 7000) return data;
  }
  return facts(run, asked, url, { most: 10, length: 30 });
}

function facts(run: MlflowRun, { metrics: only, include = [] }: Input, url: string, room: Room) {
  const short = (text: string) => (text.length > room.length ? `${text.slice(0, room.length - 1)}…` : text);
  const wanted = Object.values(run.metrics).filter((m) => (only ? only.includes(m.key) : include.includes('system_metrics') || !m.key.startsWith('system/')));
  const ownTag = (key: string) => include.includes('mlflow_tags') || !key.startsWith('mlflow.') || key.startsWith('mlflow.source.git.');
  const metrics = first<JsonNumber>(
    wanted.map((m) => [m.key, jsonNumber(m.value)]),
    room,
  );
  const params = first<string>(
    Object.entries(run.params).map(([key, value]) => [key, short(value)]),
    room,
  );
  const tags = first<string>(
    Object.entries(run.tags).flatMap(([key, value]) => (ownTag(key) ? [[key, short(value)]] : [])),
    room,
  );
  const omitted = metrics.omitted + params.omitted + tags.omitted;
  const missing = only?.filter((key) => !Object.hasOwn(run.metrics, key)).slice(0, room.most) ?? [];
  return {
    run_id: run.runId,
    run_name: short(run.name),
    experiment_id: run.experimentId,
    status: run.status,
    ...(run.deleted ? { deleted: true } : {}),
    started_at: iso(run.startedAt),
    ended_at: iso(run.endedAt),
    last_step: wanted.reduce((most, m) => Math.max(most, m.step), 0),
    metrics: metrics.kept,
    params: params.kept,
    tags: tags.kept,
    datasets: run.datasets.slice(0, 5),
    non_finite: wanted
      .filter((m) => !isUsable(m.value))
      .map((m) => m.key)
      .slice(0, room.most),
    ...(missing.length > 0 ? { missing } : {}),
    ...(omitted > 0 ? { truncated: true, omitted } : {}),
    run_url: url,
  };
}

/** The same facts as a short Markdown. */
function inWords(run: MlflowRun, data: Data, note: string | null): string {
  const rows = Object.entries(data.metrics).map(([key, value]) => [cell(key), figure(value), String(run.metrics[key]?.step ?? '')]);
  const given = Object.entries(data.params).map(([key, value]) => `${cell(key)}=${cell(value, 60)}`);
  return [
    `MLflow run ${run.runId} (${cell(data.run_name)}), ${run.status}, experiment ${run.experimentId}: ${data.run_url}`,
    rows.length > 0 ? table(['metric', 'last value', 'step'], rows) : 'It has no metrics.',
    given.length > 0 ? `Parameters: ${given.join(', ')}` : 'It has no parameters.',
    ...(note ? [note] : []),
    ...(run.status === 'FINISHED' ? [] : [`The run is ${run.status}: its figures may still change or be partial.`]),
    ...(run.deleted ? ['The run is deleted.'] : []),
    ...(data.non_finite.length > 0 ? [`Not finite: ${listed(data.non_finite)}.`] : []),
    ...(data.missing ? [`It has no metric ${listed(data.missing)}; it has ${listed(Object.keys(run.metrics))}.`] : []),
    ...(data.omitted ? [`${data.omitted} more metrics, parameters or tags are left out.`] : []),
  ].join('\n\n');
}

function first<V>(entries: [string, V][], { most }: Room): { kept: Record<string, V>; omitted: number } {
  const sorted = entries.sort(([a], [b]) => (a < b ? -1 : 1));
  return { kept: Object.fromEntries(sorted.slice(0, most)), omitted: Math.max(0, sorted.length - most) };
}

function iso(ms: number | null): string | null {
  return ms === null ? null : timeOf(ms);
}
