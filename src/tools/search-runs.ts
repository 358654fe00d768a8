import { z } from 'zod';
import { figure, type JsonNumber, jsonNumber, timeOf } from '../analysis/numbers.ts';
import { UpstreamError } from '../services/http.ts';
import type { MlflowRun } from '../services/mlflow.ts';
import { checkExperiment } from './allowed.ts';
import { advised, done, readTool, ToolError } from './define-tool.ts';
import { experimentsNear } from './find-best-run.ts';
import { cell, listed, table } from './markdown.ts';
import { notOrdered, orderKeys } from './run-order.ts';

const MOST_CHARACTERS = 7_000;
/** Of each kind, where no columns are named. */
const MOST_COLUMNS = 6;
const LONGEST_VALUE = 120;

type Row = { run_id: string; name: string; status: string; started_at: string | null; metrics: Record<string, JsonNumber>; params: Record<string, string> };

export const searchRuns = readTool({
  name: 'search_runs',
  title: 'Search runs',
  description:
    'Runs of an MLflow experiment by filter and order, with their last metric values and parameters. Use when asked what was tried, or for several runs at once. Not for "the best" (find_best_run: here unfinished, nested and NaN runs stand too).',
  input: z.strictObject({
    experiment: z.string().min(1).describe('name or id'),
    filter: z.string().optional().describe("MLflow filter, AND only: params.lr = '0.01' and metrics.val_f1 > 0.7"),
    order_by: z.string().optional().describe('metrics.val_f1 DESC; default newest first'),
    limit: z.int().min(1).max(50).default(10),
    cursor: z.string().optional(),
    columns: z.array(z.string()).max(20).optional().describe('metrics and params to show'),
  }),
  output: z.looseObject({
    runs: z.array(z.looseObject({ run_id: z.string(), name: z.string(), status: z.string() })),
    truncated: z.boolean(),
    omitted: z.int(),
    next_cursor: z.string().optional(),
  }),
  needs: ['mlflow'],
  async run({ experiment: wanted, filter, order_by, limit, cursor, columns }, ctx) {
    const mlflow = ctx.services.mlflow;
    const experiment = await mlflow.findExperiment(wanted, ctx.signal);
    if (!experiment) {
      const { names, near } = await experimentsNear(wanted, mlflow, ctx);
      const next = near.length > 0 ? `ask whether ${listed(near)} is meant.` : `ask which is meant; some that exist: ${listed(names, 10)}.`;
      throw new ToolError('EXPERIMENT_NOT_FOUND', `MLflow has no experiment called ${cell(wanted)}.`, next);
    }
    checkExperiment(experiment, ctx.settings);
    const order = order_by === undefined ? [] : orderKeys(order_by);
    const query = {
      experimentIds: [experiment.experimentId],
      filter: filter?.trim() || undefined,
      orderBy: order.length > 0 ? order.map((key) => key.clause) : undefined,
      cursor,
    };
    const search = async (maxResults: number) => {
      const page = await mlflow.searchRuns({ ...query, maxResults }, ctx.signal).catch((error: unknown) => {
        throw correctable(error);
      });
      return { rows: page.runs.map((run) => rowOf(run, columns)), nextCursor: page.nextCursor, runs: page.runs };
    };
    let page = await search(limit);
    // A shorter page is asked for again, so that the cursor goes on where this answer ends.
    const fits = howManyFit(page.rows);
    if (fits < page.rows.length) page = await search(fits);
    const { rows, nextCursor, runs } = page;
    const asked = columns ?? [];
    const unknown = rows.length === 0 ? [] : asked.filter((c) => !runs.some((run) => has(run, c)));
    const hidden = runs.reduce((sum, run, i) => sum + Object.keys(run.metrics).length + Object.keys(run.params).length - width(rows[i]), 0);
    const unordered = notOrdered(order, runs);
    const data = {
      experiment: experiment.name,
      experiment_id: experiment.experimentId,
      runs: rows,
      ...(unknown.length > 0 ? { unknown_columns: unknown } : {}),
      ...(unordered ? { unordered_by: unordered.by } : {}),
      truncated: nextCursor !== null || hidden > 0,
      // Metrics and parameters of these runs that are not shown.
      omitted: hidden,
      ...(nextCursor === null ? {} : { next_cursor: nextCursor }),
    };
    const said = [inWords(experiment.name, data), ...(unordered ? [unordered.text] : [])].join('\n\n');
    return unordered?.advice ? advised(said, unordered.advice, data) : done(said, data);
  },
});

function correctable(error: unknown): unknown {
  if (!(error instanceof UpstreamError) || error.status !== 400) return error;
  return new ToolError(
    'BAD_FILTER',
    error.message,
    'correct filter or order_by: AND only, names like params.x or metrics.x, values in single quotes; a cursor only with the same filter.',
  );
}

function rowOf(run: MlflowRun, columns: readonly string[] | undefined): Row {
  const shows = (kind: 'metrics' | 'params', name: string) => !columns || columns.includes(name) || columns.includes(`${kind}.${name}`);
  const most = columns ? columns.length : MOST_COLUMNS;
  const names = (kind: 'metrics' | 'params') =>
    Object.keys(run[kind])
      .filter((name) => shows(kind, name) && (columns !== undefined || !name.startsWith('system/')))
      .sort()
      .slice(0, most);
  const short = (text = '') => (text.length > LONGEST_VALUE ? `${text.slice(0, LONGEST_VALUE - 1)}…` : text);
  return {
    run_id: run.runId,
    name: short(run.name),
    status: run.status,
    started_at: run.startedAt === null ? null : timeOf(run.startedAt),
    metrics: Object.fromEntries(names('metrics').map((name) => [name, jsonNumber(run.metrics[name]?.value ?? Number.NaN)])),
    params: Object.fromEntries(names('params').map((name) => [name, short(run.params[name])])),
  };
}

function howManyFit(rows: readonly Row[]): number {
  let size = 0;
  const fitting = rows.findIndex((row) => {
    size += JSON.stringify(row).length;
    return size > MOST_CHARACTERS;
  });
  return fitting < 0 ? rows.length : Math.max(1, fitting);
}

function has(run: MlflowRun, column: string): boolean {
  const name = column.replace(/^(metrics|params)\./, '');
  return [name, column].some((n) => Object.hasOwn(run.metrics, n) || Object.hasOwn(run.params, n));
}

function width(row: Row | undefined): number {
  return row ? Object.keys(row.metrics).length + Object.keys(row.params).length : 0;
}

function inWords(
  experiment: string,
  { runs, unknown_columns: unknown, omitted, next_cursor: cursor }: { runs: Row[]; unknown_columns?: string[]; omitted: number; next_cursor?: string },
): string {
  if (runs.length === 0) return `No run of ${cell(experiment)} matches.`;
  const metrics = [...new Set(runs.flatMap((run) => Object.keys(run.metrics)))].sort();
  const params = [...new Set(runs.flatMap((run) => Object.keys(run.params)))].sort();
  const rows = runs.map((run) => [
    run.run_id,
    cell(run.name, 40),
    run.status,
    ...metrics.map((name) => figure(run.metrics[name] ?? null)),
    ...params.map((name) => cell(run.params[name] ?? '', 40)),
  ]);
  return [
    `${runs.length} ${runs.length === 1 ? 'run' : 'runs'} of ${cell(experiment)}; metrics are last values.`,
    table(['run_id', 'name', 'status', ...metrics.map((name) => cell(name)), ...params.map((name) => cell(name))], rows),
    ...(unknown ? [`None of these runs has a metric or parameter ${listed(unknown)}.`] : []),
    ...(omitted > 0 ? [`${omitted} more values are left out; name them in columns.`] : []),
    ...(cursor ? [`There are more: cursor ${cursor}`] : []),
  ].join('\n\n');
}
