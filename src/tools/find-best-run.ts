import { z } from 'zod';
import { type BestRun, type BestRunRules, bestRun } from '../analysis/best-run.ts';
import { type Directed, direction } from '../analysis/direction.ts';
import { nearestInWords, nearMisses } from '../analysis/near-miss.ts';
import { figure } from '../analysis/numbers.ts';
import { UpstreamError } from '../services/http.ts';
import type { Experiment, MLflow, MlflowRun } from '../services/mlflow.ts';
import { checkExperiment, mayReadExperiment } from './allowed.ts';
import { advised, type ContextWith, done, readTool, type ToolAnswer, type ToolContext, ToolError } from './define-tool.ts';
import { isOfJobRun } from './linked-runs.ts';
import { cell, listed } from './markdown.ts';

const input = z.strictObject({
  experiment: z.string().min(1).describe('name or id'),
  metric: z.string().min(1),
  mode: z.enum(['max', 'min']).optional().describe('only where the person said which is better'),
  filter: z.string().optional().describe("MLflow filter, AND only: params.feature_set = 'v1'"),
  exclude_run_ids: z.array(z.string()).optional().describe('e.g. the candidate: MLflow or Databricks run ids'),
  only_finished: z.boolean().default(true),
  include_children: z.boolean().default(false),
});
type Input = z.output<typeof input>;

/** Pages of 1000 runs; past these the count is a lower bound. */
const MOST_PAGES = 5;

export const findBestRun = readTool({
  name: 'find_best_run',
  title: 'Find the best run',
  description:
    'The best run of an MLflow experiment by one metric, with runner-up, ties and the rule it was chosen by. Use when a baseline is "the best run". Exclude the candidate. Not for one known run (fetch_mlflow_run).',
  input,
  output: z.looseObject({
    found: z.boolean(),
    run_id: z.string().optional(),
    value: z.number().optional(),
    runner_up: z.looseObject({ run_id: z.string(), value: z.number() }).optional(),
    considered: z.int(),
    ties: z.array(z.string()),
    mode: z.string().optional(),
    mode_source: z.string().optional(),
    rule: z.string().optional(),
  }),
  needs: ['mlflow'],
  async run(query, ctx) {
    const mlflow = ctx.services.mlflow;
    const experiment = await mlflow.findExperiment(query.experiment, ctx.signal);
    if (!experiment) return await noExperiment(query.experiment, mlflow, ctx);
    checkExperiment(experiment, ctx.settings);
    const directed = direction(query.metric, { prompt: query.mode, config: ctx.settings.metrics });
    const { runs, complete } = await competitors(query, experiment, directed, mlflow, ctx.signal);
    const unwanted = (query.exclude_run_ids ?? []).map((id) => id.trim().toLowerCase());
    const exclude = runs.filter((run) => unwanted.includes(run.runId) || isOfJobRun(run, unwanted)).map((run) => run.runId);
    const rules = {
      metric: query.metric,
      direction: directed?.direction ?? 'max',
      exclude,
      onlyFinished: query.only_finished,
      includeChildren: query.include_children,
    };
    const chosen = bestRun(runs, rules);
    if (!chosen.best && !complete) throw tooMany(query, experiment, chosen, runs.length);
    if (!chosen.best) return await nobody(query, experiment, rules, directed, mlflow, ctx.signal);
    if (!directed) {
      throw new ToolError(
        'DIRECTION_UNKNOWN',
        `whether higher or lower ${query.metric} is better stands neither in the request nor in labmate.json.`,
        'ask the person (ask_person), then call again with mode "max" or "min".',
      );
    }
    return answer(chosen.best, chosen, { metric: query.metric, experiment, directed, complete }, ctx);
  },
});

function answer(
  { run, value }: { run: MlflowRun; value: number },
  { runnerUp, considered, ties, rule }: BestRun<MlflowRun>,
  { metric, experiment, directed, complete }: { metric: string; experiment: Experiment; directed: Directed; complete: boolean },
  ctx: ContextWith<'mlflow'>,
): ToolAnswer {
  const own = isOfJobRun(run, ctx.session?.runs ?? []);
  const data = {
    found: true,
    experiment_id: experiment.experimentId,
    experiment: experiment.name,
    metric,
    run_id: run.runId,
    run_name: run.name.slice(0, 200),
    run_url: ctx.services.mlflow.runUrl(run),
    value,
    ...(runnerUp ? { runner_up: { run_id: runnerUp.run.runId, value: runnerUp.value } } : {}),
    considered,
    ...(complete ? {} : { considered_is_at_least: true }),
    ties: ties.slice(0, 20).map((tie) => tie.runId),
    mode: directed.direction,
    mode_source: directed.source,
    rule,
    ...(own ? { started_by_this_session: true } : {}),
  };
  const alike = ties.map((tie) => tie.runId).filter((id) => id !== runnerUp?.run.runId);
  const source = { prompt: 'as asked', config: 'by labmate.json', 'name-guess': 'a guess from its name: say so' }[directed.source];
  const text = [
    `Best ${cell(metric)} in ${cell(experiment.name)}: ${figure(value)}, run ${run.runId} (${cell(run.name)}), best of ${complete ? '' : 'at least '}${considered}. ${data.run_url}`,
    `Rule: ${cell(rule, 300)}. ${directed.direction === 'max' ? 'Higher' : 'Lower'} is better: ${source}.`,
    runnerUp ? `Runner-up: ${figure(runnerUp.value)}, run ${runnerUp.run.runId}.` : 'No other run competed.',
    ...(alike.length > 0 ? [`${alike.length} more with the same value: ${alike.slice(0, 5).join(', ')}.`] : []),
    ...(own ? ['This session started this run itself: exclude it (exclude_run_ids) if it is the candidate.'] : []),
  ];
  return done(text.join('\n'), data);
}

/** The server only helps to find candidates sooner: bestRun applies every rule again. Where the direction is unknown one page tells whether anybody has the metric. */
async function competitors(
  query: Input,
  experiment: Experiment,
  directed: Directed | null,
  mlflow: MLflow,
  signal: AbortSignal,
): Promise<{ runs: MlflowRun[]; complete: boolean }> {
  // A name with a backtick can't be quoted: then everything is fetched and sorted out here.
  const key = query.metric.includes('`') ? null : `metrics.\`${query.metric}\``;
  const filter = [
    ...(query.only_finished ? ["attributes.status = 'FINISHED'"] : []),
    ...(key ? [`${key} > -1e308`] : []),
    ...(query.filter?.trim() ? [query.filter.trim()] : []),
  ].join(' and ');
  const order = key && directed ? { orderBy: [`${key} ${directed.direction === 'max' ? 'DESC' : 'ASC'}`] } : {};
  const runs: MlflowRun[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < MOST_PAGES; page++) {
    const found = await mlflow
      .searchRuns({ experimentIds: [experiment.experimentId], maxResults: 1000, ...(filter ? { filter } : {}), ...order, cursor }, signal)
      .catch((error: unknown) => {
        throw query.filter ? badFilter(error) : error;
      });
    runs.push(...found.runs);
    // A full last page still promises another one.
    if (!found.nextCursor || found.runs.length === 0) return { runs, complete: true };
    cursor = found.nextCursor;
  }
  return { runs, complete: false };
}

function badFilter(error: unknown): unknown {
  if (!(error instanceof UpstreamError) || error.status !== 400) return error;
  return new ToolError('BAD_FILTER', error.message, 'correct the filter: AND only, names like params.x, values in single quotes; or leave it out.');
}

/** The first runs are all left out, and there are more: whether one of these competes is not known, so nothing is said of it. */
function tooMany(query: Input, experiment: Experiment, { leftOut }: BestRun<MlflowRun>, looked: number): ToolError {
  return new ToolError(
    'TOO_MANY_RUNS',
    `${cell(experiment.name)} has more runs than are looked at, and none of the first ${looked} competes for the best ${cell(query.metric)}: ${inWords(leftOut).join(', ')}.`,
    `narrow the search with filter${query.include_children ? '' : ', or pass include_children where nested runs are meant'}.`,
  );
}

function inWords(leftOut: BestRun<MlflowRun>['leftOut']): string[] {
  return Object.entries(leftOut).flatMap(([why, n]) => (n > 0 ? [`${n} ${why.replaceAll('_', ' ')}`] : []));
}

/** Nobody competed: says why, from the newest runs whatever they are. */
async function nobody(
  query: Input,
  experiment: Experiment,
  rules: BestRunRules,
  directed: Directed | null,
  mlflow: MLflow,
  signal: AbortSignal,
): Promise<ToolAnswer> {
  const { runs } = await mlflow.searchRuns({ experimentIds: [experiment.experimentId], maxResults: 200 }, signal);
  const { leftOut, nearMetrics, rule, considered: outside } = bestRun(runs, rules);
  const known = [...new Set(runs.flatMap((run) => Object.keys(run.metrics)))].sort();
  const exists = known.includes(query.metric);
  const others = known.filter((key) => !key.startsWith('system/'));
  const reasons = [
    // Without the filter they would compete, so it is what leaves nobody.
    ...(outside > 0 && query.filter?.trim() ? [`${outside} that would compete do not pass the filter`] : []),
    ...(outside === 0 ? inWords(leftOut) : []),
  ];
  const what = exists
    ? `No run of ${cell(experiment.name)} competes for the best ${cell(query.metric)}: ${reasons.join(', ') || (query.filter?.trim() ? 'no run matches the filter' : 'there was none when it was looked for')}.`
    : `No run of ${cell(experiment.name)} has a metric called ${cell(query.metric)}. ${nearestInWords(nearMetrics.map((name) => cell(name))) || `Its metrics: ${listed(others)}.`}`;
  return advised(what, 'Nothing was chosen in its place; ask the person.', {
    found: false,
    experiment_id: experiment.experimentId,
    experiment: experiment.name,
    metric: query.metric,
    considered: 0,
    ties: [],
    left_out: leftOut,
    ...(outside > 0 && query.filter?.trim() ? { outside_filter: outside } : {}),
    ...(exists ? {} : { near_metrics: nearMetrics, metrics: others.slice(0, 20) }),
    ...(directed ? { mode: directed.direction, mode_source: directed.source, rule } : {}),
  });
}

async function noExperiment(wanted: string, mlflow: MLflow, ctx: ToolContext): Promise<ToolAnswer> {
  const { names, near } = await experimentsNear(wanted, mlflow, ctx);
  const hint = nearestInWords(near.map((name) => cell(name))) || `Some that exist: ${listed(names, 10)}.`;
  const said = `MLflow has no experiment called ${cell(wanted)}. ${hint}`;
  return advised(said, 'Nothing was chosen in its place; ask the person.', {
    found: false,
    considered: 0,
    ties: [],
    near_experiments: near,
    experiments: names.slice(0, 10),
  });
}

/** What may be read, and of these what may have been meant. */
export async function experimentsNear(wanted: string, mlflow: MLflow, { settings, signal }: ToolContext): Promise<{ names: string[]; near: string[] }> {
  const { experiments } = await mlflow.listExperiments({}, signal);
  const names = experiments.filter((e) => mayReadExperiment(e, settings)).map((e) => e.name);
  return { names, near: nearMisses(wanted, names) };
}
