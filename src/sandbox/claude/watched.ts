import type { Defaults, Got } from './conversation.ts';
import { num, rankingInWords, runsInWords, stoppedBy } from './findings.ts';
import { parseChanges } from './parse-prompt.ts';
import { runInWords, type WatchedPlan } from './plan.ts';
import { startRun } from './start-run.ts';
import { answerIn, type Or, type Walk } from './walk.ts';

/** Trains, is woken where the condition comes true, and then stops the run, or shows what it was trained on before it trains again. */
export function* watched(plan: WatchedPlan, defaults: Defaults): Walk {
  const { run, watch } = plan;
  const metric = watch.metric ?? 'val_f1';
  const started = yield* startRun(run, defaults, `My plan:\n1. ${runInWords(run, defaults.job)}\n2. ${watchInWords(plan)}`);
  if ('end' in started) return started.end;
  const { runId, url } = started.go;
  const { react, ...condition } = watch;
  const input = { run_ids: [runId], metric, conditions: [{ ...condition, metric }] };
  const waited = yield* waitFor(input, `Run ${runId} has started; it wakes me if the condition comes true.`, (got) => tripped(got) !== null);
  if ('end' in waited) return waited.end;
  const trip = tripped(waited.go);
  const link = url ? ` ${url}` : '';
  if (!trip) return ['It did not come true.', ...runsInWords(waited.go)].join('\n');
  const came = `The condition "${trip.words}" came true at step ${trip.step}: ${num(trip.value)}.${trip.allAlong ? ' It was never otherwise, so it counted at the end of the run.' : ''}`;
  const goesOn = waited.go.data['still_running'] === true;
  if (react.do === 'stop') return goesOn ? yield* stop(runId, came, link) : `${came}${trip.allAlong ? '' : ' The run had ended by itself.'}${link}`;
  return yield* checkAndRetrain(plan, react.retrain, { runId, metric, came, waited: waited.go }, defaults);
}

function* stop(runId: string, came: string, link: string): Walk {
  const [got] = yield { say: `${came} Stopping the run.`, calls: [{ tool: 'cancel_job_run', input: { run_id: runId, reason: came.slice(0, 200) } }] };
  const stopped = stoppedBy(got, 'stop the run');
  if (stopped) return `${came} ${stopped}`;
  const ended = yield* waitFor({ run_ids: [runId] }, 'Waiting until it has stopped.', () => false);
  if ('end' in ended) return ended.end;
  const status = (ended.go.data['runs'] as { status?: string }[] | undefined)?.[0]?.status ?? 'unknown';
  return `${came} I stopped run ${runId}; it is ${status}.${link}`;
}

type Trip = { runId: string; metric: string; came: string; waited: Got };

function* checkAndRetrain({ run }: WatchedPlan, retrain: Record<string, string> | null, { runId, metric, came, waited }: Trip, defaults: Defaults): Walk {
  const linked = ((waited.data['runs'] as { mlflow_run_ids?: string[] }[] | undefined) ?? [])[0]?.mlflow_run_ids?.[0] ?? runId;
  const looked = yield* lookAtFeatures(linked, `${came} Looking at what it was trained on before anything is trained again.`);
  if ('end' in looked) return `${came} ${looked.end}`;
  let change = retrain;
  if (!change) {
    const options = ['Train again as it was', 'Stop here'];
    const question = `${came} ${looked.go} Shall I train again? Name what to change, such as feature_set=v1.`;
    const [answer] = yield { say: looked.go, calls: [{ tool: 'ask_person', input: { question: question.slice(0, 1000), options } }] };
    const said = answerIn(answer) ?? '';
    change = /\bas it was\b/i.test(said) ? {} : parseChanges(said);
    if (!change) return `${came} ${looked.go} I train nothing again.`;
  }
  const parameters = { ...run.parameters, ...change };
  const again = yield* startRun({ ...run, parameters }, defaults, `${looked.go} Training again.`);
  if ('end' in again) return [came, looked.go, again.end].join('\n');
  const both = yield* waitFor({ run_ids: [runId, again.go.runId], metric }, `Run ${again.go.runId} has started; waiting for both.`, () => false);
  if ('end' in both) return both.end;
  return [came, looked.go, rankingInWords(both.go), ...runsInWords(both.go)].filter(Boolean).join('\n');
}

/** The run's own picture of its features, and in words what shifted: by its drift table, where it left one. */
function* lookAtFeatures(runId: string, say: string): Walk<Or<string>> {
  const tool = 'get_run_artifact';
  const [top] = yield { say, calls: [{ tool, input: { run_id: runId } }] };
  const stopped = stoppedBy(top, "list the run's files");
  if (stopped) return { end: stopped };
  const folder = filesOf(top).find((file) => file.is_dir && /feature|distribution/i.test(file.path));
  const [inside] = folder
    ? yield { say: `Its files about features are in ${folder.path}.`, calls: [{ tool, input: { run_id: runId, path: folder.path } }] }
    : [top];
  const files = filesOf(inside).filter((file) => !file.is_dir);
  const picture = files.find((file) => /distribution.*\.(png|jpe?g)$/i.test(file.path));
  const drift = files.find((file) => /drift.*\.csv$/i.test(file.path));
  const shown = [picture, drift].flatMap((file) => (file ? [{ tool, input: { run_id: runId, path: file.path } }] : []));
  if (shown.length === 0) return { end: 'The run left no picture of its feature distribution, so I stop here.' };
  const got = yield { say: 'Showing the feature distribution.', calls: shown };
  const failed = got.map((one) => stoppedBy(one, 'read it')).find((words) => words !== null);
  if (failed) return { end: failed };
  return { go: drift ? driftInWords(got.at(-1)) : 'The feature distribution is in the thread.' };
}

/** By the population stability index; over 0.2 is commonly called a shift. */
function driftInWords(got: Got | undefined): string {
  const [head = '', ...rows] = String(got?.data['text'] ?? '')
    .trim()
    .split('\n');
  const at = head.split(',').indexOf('psi');
  const found = at < 0 ? [] : rows.map((row) => row.split(',')).map((cells) => ({ feature: cells[0] ?? '', psi: Number(cells[at]) }));
  if (found.length === 0) return 'The feature distribution is in the thread.';
  const shifted = found.filter(({ psi }) => psi > 0.2);
  const all = found.map(({ feature, psi }) => `${feature} ${num(psi)}`).join(', ');
  return `${shifted.length > 0 ? `Shifted against the reference: ${shifted.map((f) => f.feature).join(', ')}` : 'No feature is shifted against the reference'} (PSI over 0.2 counts: ${all}).`;
}

function filesOf(got: Got | undefined): { path: string; is_dir: boolean }[] {
  return (got?.data['files'] as { path: string; is_dir: boolean }[] | undefined) ?? [];
}

/** A message interrupts a wait and is answered; then it goes on. */
function* waitFor(input: Record<string, unknown>, opening: string, enough: (got: Got) => boolean): Walk<Or<Got>> {
  for (let say = opening; ; say = 'Still waiting.') {
    const [got] = yield { say, calls: [{ tool: 'wait_for_job', input }] };
    const stopped = stoppedBy(got, 'wait for the run');
    if (stopped || !got) return { end: stopped ?? '' };
    if (enough(got) || got.data['still_running'] !== true) return { go: got };
  }
}

function tripped(got: Got): { words: string; step: unknown; value: unknown; allAlong: boolean } | null {
  const [first] = (got.data['tripped'] as { condition_in_words?: string; step?: unknown; value?: unknown; all_along?: unknown }[] | undefined) ?? [];
  return first ? { words: String(first.condition_in_words), step: first.step, value: first.value, allAlong: first.all_along === true } : null;
}

function watchInWords({ watch: { metric, kind, value, after_step, react } }: WatchedPlan): string {
  const name = metric ?? 'val_f1';
  const what =
    kind === 'nan'
      ? `${name} is no number any more`
      : `${name} ${kind === 'below' ? 'drops below' : 'rises above'} ${value}${after_step === undefined ? '' : ` after step ${after_step}`}`;
  if (react.do === 'stop') return `Stop it if ${what}.`;
  const change = Object.entries(react.retrain ?? {}).map(([key, said]) => `${key}=${said}`);
  return `If ${what}, show the feature distribution, then train again${change.length > 0 ? ` with ${change.join(', ')}` : ', once you have said with what'}.`;
}
