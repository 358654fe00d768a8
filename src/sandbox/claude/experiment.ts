import { type ActState, act } from './actions.ts';
import type { Defaults } from './conversation.ts';
import { type Compared, notFound, num, stoppedBy, verdictInWords } from './findings.ts';
import { type ComparePlan, type Plan, planInWords } from './plan.ts';
import { startRun } from './start-run.ts';
import { type Ask, answerIn, type Or, type Walk } from './walk.ts';

type Run = { runId: string; url: string | null; mlflow: string };

/** The whole experiment: look up what to compare with, run, wait, compare, branch. Every branch is taken on what a tool answered. */
export function* experiment(plan: Plan, defaults: Defaults): Walk {
  const sure = plan.compare ? yield* lookUp(plan.compare, defaults) : { go: null };
  if ('end' in sure) return sure.end;
  // In the names that were settled: approvers read it on the card.
  const opening = `My plan:\n${planInWords(sure.go ? { ...plan, compare: sure.go } : plan, defaults)}`;
  const started = yield* startRun(plan.run, defaults, opening);
  if ('end' in started) return started.end;
  const ended = yield* waitFor(started.go.runId);
  if ('end' in ended) return ended.end;
  const changes = Object.entries(started.go.parameters)
    .map(([key, value]) => `${key}=${value}`)
    .join(', ');
  const run: Run = { ...ended.go, url: started.go.url ?? ended.go.url };
  const compared = sure.go ? yield* compare(sure.go, run, Object.keys(started.go.parameters)) : yield* figures(run);
  if ('end' in compared) return compared.end;
  const actions = plan.compare ? [...plan.always, ...(compared.go.primary?.verdict === 'improved' ? plan.improved : plan.otherwise)] : plan.always;
  const done: string[] = [];
  const state: ActState = { branch: null };
  for (const action of actions) {
    const result = yield* act(action, { compared: compared.go, changes, defaults, state, runId: run.runId, parameters: started.go.parameters });
    if ('end' in result) return [lastWords(run, compared.go), ...done, result.end].join('\n');
    if (result.go) done.push(result.go);
  }
  return [lastWords(run, compared.go), ...done].join('\n');
}

function lastWords(run: Run, compared: Compared): string {
  const { primary, warnings = [], links } = compared;
  const figures = compared.metrics.slice(0, 6).map((m) => `${m.key} ${num(m.candidate)}`);
  return [
    primary ? `${verdictInWords(primary, 'First')}: ${primary.verdict_reason}` : `Run ${run.runId} succeeded: ${figures.join(', ')}.`,
    ...warnings.slice(0, 3).map((w) => `Note: ${w}`),
    [run.url && `New run: ${run.url}`, links?.baseline && `Baseline: ${links.baseline}`].filter(Boolean).join(' · '),
  ]
    .filter(Boolean)
    .join('\n');
}

function* waitFor(runId: string): Walk<Or<Run>> {
  for (let say = `Run ${runId} has started; waiting for its end.`; ; say = 'Still waiting.') {
    const [got] = yield { say, calls: [{ tool: 'wait_for_job', input: { run_ids: [runId], until: 'all' } }] };
    const stopped = stoppedBy(got, `wait for run ${runId}`);
    if (stopped || !got) return { end: stopped ?? '' };
    const run = ((got.data['runs'] ?? []) as Record<string, unknown>[]).find((r) => String(r['run_id']) === runId);
    if (!run) return { end: `I lost sight of run ${runId}: ${got.text}` };
    const status = String(run['status']);
    // A message interrupts the wait; it has been answered, so wait on.
    if (/^(QUEUED|PENDING|RUNNING|TERMINATING)$/.test(status)) continue;
    const url = typeof run['run_url'] === 'string' ? run['run_url'] : null;
    if (status !== 'SUCCEEDED') return { end: `Run ${runId} ended as ${status}${causeOf(run)} I stop here.${url ? ` ${url}` : ''}` };
    const linked = (run['mlflow_run_ids'] ?? []) as string[];
    // Where none or several are linked the tools decide by the job's own id, or say why they can't.
    return { go: { runId, url, mlflow: linked.length === 1 && linked[0] ? linked[0] : runId } };
  }
}

/** Why a run failed: what its tasks said, else what Databricks says. */
function causeOf(run: Record<string, unknown>): string {
  const causes = ((run['causes'] ?? []) as { task: string; error: string }[]).map(({ task, error }) => `task ${task}: ${error}`);
  const said = causes.length > 0 ? causes.join('; ') : String(run['message'] ?? '');
  return said ? `: ${said.replace(/[.\s]+$/, '')}.` : ', and Databricks names no cause.';
}

/** Without a comparison there are still figures to tell. */
function* figures(run: Run): Walk<Or<Compared>> {
  const [got] = yield { say: `Run ${run.runId} succeeded; reading its figures.`, calls: [{ tool: 'fetch_mlflow_run', input: { run_id: run.mlflow } }] };
  const stopped = stoppedBy(got, 'read its figures');
  if (stopped || !got) return { end: stopped ?? '' };
  const metrics = Object.entries((got.data['metrics'] ?? {}) as Record<string, unknown>);
  return { go: { primary: null, metrics: metrics.map(([key, candidate]) => ({ key, baseline: null, candidate, delta: null, delta_pct: null })) } };
}

type Comparable = ComparePlan & { metric: string; experiment: string };

/** What it is compared with and by, before the run is paid for. A name that does not exist is asked about, never replaced by a near one. */
function* lookUp(asked: ComparePlan, defaults: Defaults): Walk<Or<Comparable>> {
  let metric = asked.metric;
  if (!metric) {
    const [answer] = yield { say: 'The request names no metric.', calls: [{ tool: 'ask_person', input: { question: 'Which metric decides?' } }] };
    metric = /^\s*["'`]?([A-Za-z][\w./@-]*?)["'`.]*\s*$/.exec(answerIn(answer) ?? '')?.[1] ?? null;
    if (!metric) return { end: 'Without the name of a metric I compare nothing. I stop here.' };
  }
  if (asked.baseline.is === 'run') return { go: { ...asked, metric, experiment: '' } };
  let experiment = asked.baseline.experiment ?? defaults.experiment;
  if (!experiment) return { end: 'The request names no experiment to compare with, and there is no default. I stop here.' };
  let say = `First I look whether there is a run of ${experiment} to compare ${metric} with.`;
  for (let asking = true; ; asking = false) {
    const [best] = yield { say, calls: [search({ ...asked, metric, experiment })] };
    const stopped = stoppedBy(best, 'find the best run');
    if (stopped || !best) return { end: stopped ?? '' };
    if (typeof best.data['run_id'] === 'string') {
      const usual = asked.baseline.experiment === null && experiment === defaults.experiment;
      return { go: { ...asked, metric, experiment, baseline: { is: 'best', experiment: usual ? null : experiment } } };
    }
    const nothing = notFound(best, experiment, metric);
    if (!asking || nothing.near.length === 0) return { end: `${nothing.why} I stop here.` };
    const question = `${nothing.why} Which one is meant?`;
    const [answer] = yield { say: nothing.why, calls: [{ tool: 'ask_person', input: { question, options: nothing.near } }] };
    const meant = nothing.near.find((name) => answerIn(answer)?.includes(name));
    if (!meant) return { end: `${nothing.why} That stays open, so I stop here.` };
    if (nothing.of === 'metric') metric = meant;
    else experiment = meant;
    say = `Taking ${meant}.`;
  }
}

function search({ metric, experiment, direction }: Comparable, without: string[] = []): Ask {
  const mode = direction ? { mode: direction } : {};
  return { tool: 'find_best_run', input: { experiment, metric, ...mode, ...(without.length > 0 ? { exclude_run_ids: without } : {}) } };
}

function* compare(asked: Comparable, run: Run, changed: string[]): Walk<Or<Compared>> {
  const { metric } = asked;
  const found = yield* findBaseline(asked, run);
  if ('end' in found) return found;
  const baseline = found.go;
  const input = {
    baseline_run_id: baseline,
    candidate_run_id: run.mlflow,
    primary_metric: metric,
    ...(asked.direction ? { direction: asked.direction } : {}),
    ...(asked.threshold ? { threshold: asked.threshold } : {}),
    ...(changed.length > 0 ? { expected_changes: changed } : {}),
  };
  const [got] = yield { say: `Comparing ${metric}.`, calls: [{ tool: 'compare_runs', input }] };
  const stopped = stoppedBy(got, 'compare the runs');
  if (stopped || !got) return { end: stopped ?? '' };
  const compared = got.data as unknown as Compared;
  if (!compared.primary?.readings_disagree || asked.threshold?.kind || !asked.threshold) return { go: compared };
  return yield* askReading(input, asked.threshold.value);
}

/** The new run's figures and the run to compare with: a better one may have ended meanwhile. */
function* findBaseline(asked: Comparable, run: Run): Walk<Or<string>> {
  const { baseline, experiment, metric } = asked;
  const fetch: Ask = { tool: 'fetch_mlflow_run', input: { run_id: run.mlflow } };
  const ended = `Run ${run.runId} succeeded; reading its figures`;
  if (baseline.is === 'run') {
    const [fetched] = yield { say: `${ended}.`, calls: [fetch] };
    const stopped = stoppedBy(fetched, 'read its figures');
    return stopped ? { end: stopped } : { go: baseline.runId };
  }
  const [fetched, best] = yield { say: `${ended} and looking for the best run of ${experiment}.`, calls: [fetch, search(asked, [run.mlflow])] };
  const stopped = stoppedBy(fetched, 'read its figures') ?? stoppedBy(best, 'find the best run');
  if (stopped || !best) return { end: stopped ?? '' };
  const id = best.data['run_id'];
  return typeof id === 'string' ? { go: id } : { end: `${notFound(best, experiment, metric).why} I stop here.` };
}

/** Relative or points: where the two readings of a percentage disagree, a person says which one was meant. */
function* askReading(input: Record<string, unknown>, value: number): Walk<Or<Compared>> {
  const options = ['relative', 'percentage points'];
  const question = `The two readings of ${value} % disagree here: relative to the baseline, or percentage points?`;
  const [answer] = yield {
    say: 'The threshold can be read in two ways, with different verdicts.',
    calls: [{ tool: 'ask_person', input: { question, options } }],
  };
  const said = answerIn(answer)?.toLowerCase() ?? '';
  const kind = /relativ/.test(said) ? 'relative' : /point|pp/.test(said) ? 'points' : null;
  if (!kind) return { end: 'Which reading was meant stays open, so I draw no conclusion. I stop here.' };
  const [got] = yield { say: `Comparing again, read as ${kind}.`, calls: [{ tool: 'compare_runs', input: { ...input, threshold: { value, kind } } }] };
  const stopped = stoppedBy(got, 'compare the runs');
  return stopped || !got ? { end: stopped ?? '' } : { go: got.data as unknown as Compared };
}
