import { z } from 'zod';
import type { Job, JobRun, RunStatus } from './databricks.ts';

/** What we read of the Jobs API's answers; everything else is left alone, vendors add fields. */

/** int64: a string where it has 16 digits or more, see exact-json.ts. */
export const id = z.union([z.string().regex(/^\d{1,19}$/), z.int().nonnegative()]).transform(String);
const ms = z.coerce.number();
const text = z.string().optional();

const states = {
  state: z.object({ life_cycle_state: text, result_state: text, state_message: text }).optional(),
  status: z
    .object({
      state: text,
      termination_details: z.object({ code: text, type: text, message: text }).optional(),
      queue_details: z.object({ code: text, message: text }).optional(),
    })
    .optional(),
};

export const apiRun = z.object({
  run_id: id,
  job_id: id.optional(),
  run_name: text,
  ...states,
  run_page_url: text,
  start_time: ms.optional(),
  end_time: ms.optional(),
  run_duration: ms.optional(),
  job_parameters: z.array(z.object({ name: z.string(), default: text, value: text })).default([]),
  tasks: z.array(z.object({ task_key: z.string(), run_id: id, ...states })).default([]),
  next_page_token: text,
});
export type ApiRun = z.infer<typeof apiRun>;

export const apiJob = z.object({
  job_id: id,
  run_as_user_name: text,
  settings: z
    .object({
      name: text,
      tags: z.record(z.string(), z.string()).default({}),
      parameters: z.array(z.object({ name: z.string(), default: z.string().default('') })).default([]),
      tasks: z.array(z.record(z.string(), z.unknown())).default([]),
      max_concurrent_runs: z.number().default(1),
    })
    .default({ tags: {}, parameters: [], tasks: [], max_concurrent_runs: 1 }),
  next_page_token: text,
});
export type ApiJob = z.infer<typeof apiJob>;

/** A job from its pages: arrays come at most 100 a page. */
export function jobOf(pages: readonly ApiJob[]): Job {
  const [first] = pages;
  if (!first) throw new Error('a job needs at least one page');
  return {
    jobId: first.job_id,
    name: first.settings.name ?? `job ${first.job_id}`,
    tags: first.settings.tags,
    runAs: first.run_as_user_name ?? null,
    parameters: pages.flatMap((page) => page.settings.parameters),
    taskParameters: pages.flatMap((page) => page.settings.tasks.flatMap(parametersOfTask)),
    starts: pages.flatMap((page) => page.settings.tasks.flatMap(startedBy)),
    maxConcurrentRuns: first.settings.max_concurrent_runs,
  };
}

const runJobTask = z.object({ job_id: id, job_parameters: z.record(z.string(), z.unknown()).optional().catch(undefined) });

/** The job that a task starts, and the one of a task that is run for each of a list. */
function startedBy(task: Record<string, unknown>): Job['starts'] {
  const starts = runJobTask.safeParse(task['run_job_task']);
  const each = z.object({ task: z.record(z.string(), z.unknown()) }).safeParse(task['for_each_task']);
  const own = starts.success
    ? [{ jobId: starts.data.job_id, parameters: Object.fromEntries(ofMap(starts.data.job_parameters).map((p) => [p.name, p.value])) }]
    : [];
  return [...own, ...(each.success ? startedBy(each.data.task) : [])];
}

type TaskParameter = Job['taskParameters'][number];

/**
 * Every kind of task names its parameters in a map of its own, or gives them to a program as arguments. Databricks hands a job's parameters down into the maps, where
 * they win, but never into arguments (docs.databricks.com/jobs/task-parameters), into dbt's own fields, or into what a job that is started gets in their stead.
 */
function parametersOfTask(task: Record<string, unknown>): TaskParameter[] {
  return Object.values(task).flatMap((kind) => {
    if (typeof kind !== 'object' || kind === null) return [];
    const { base_parameters, named_parameters, job_parameters, parameters, task: each, ...rest } = kind as Record<string, unknown>;
    const given = [base_parameters, named_parameters, job_parameters, parameters].flatMap(ofMap);
    const { python_params, jar_params, spark_submit_params, notebook_params, python_named_params, sql_params, dbt_commands, commands, catalog, schema } = rest;
    const argument = [
      ...[parameters, python_params, jar_params, spark_submit_params].flatMap(ofArguments),
      ...[notebook_params, python_named_params, sql_params, { catalog, schema }].flatMap(ofMap),
      ...[commands, dbt_commands].flatMap(ofCommands),
    ].map((p): TaskParameter => ({ ...p, argument: true }));
    return [...given, ...argument, ...(typeof each === 'object' && each !== null ? parametersOfTask(each as Record<string, unknown>) : [])];
  });
}

function ofMap(given: unknown): TaskParameter[] {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) return [];
  return Object.entries(given).flatMap(([name, value]) => (typeof value === 'string' ? [{ name, value }] : []));
}

/** `--name value`, `--name=value` and `name=value`. */
function ofArguments(given: unknown): TaskParameter[] {
  if (!Array.isArray(given)) return [];
  return given.flatMap((argument: unknown, i) => {
    const [, option, name = option, value] = (typeof argument === 'string' && argument.match(/^(?:--?([^=\s]+)|(?:--?)?([^=\s]+)=([\s\S]*))$/)) || [];
    if (name === undefined) return [];
    const next: unknown = given[i + 1];
    const its = value ?? (typeof next === 'string' ? next : '');
    return [{ name: name.replaceAll('-', '_'), value: its }];
  });
}

/** What dbt is told on its command line: its options, and each `name: value` of its --vars. */
function ofCommands(given: unknown): TaskParameter[] {
  if (!Array.isArray(given)) return [];
  return given.flatMap((command: unknown) => {
    if (typeof command !== 'string') return [];
    const words = (command.match(/(?:"[^"]*"|'[^']*'|[^\s"'])+/g) ?? []).map((word) => word.replace(/["']/g, '').replace(/^-t(?==|$)/, '--target'));
    const vars = words.flatMap((word) => [...word.matchAll(/([^\s{},:]+)\s*:\s*([^\s{},]+)/g)]);
    return [...ofArguments(words), ...vars.map(([, name = '', value = '']) => ({ name, value }))];
  });
}

/** A run from its pages. */
export function runOf(pages: readonly ApiRun[]): JobRun {
  const [first] = pages;
  if (!first) throw new Error('a run needs at least one page');
  const reading = readState(first);
  const { start_time: start = 0, end_time: end = 0, run_duration: duration = 0 } = first;
  return {
    runId: first.run_id,
    jobId: first.job_id ?? '',
    name: first.run_name ?? `run ${first.run_id}`,
    ...reading,
    url: first.run_page_url ?? null,
    startedAt: start || null,
    endedAt: end || null,
    durationMs: duration || (start && end ? end - start : null),
    parameters: Object.fromEntries(pages.flatMap((page) => page.job_parameters).map((p) => [p.name, p.value ?? p.default ?? ''])),
    tasks: pages
      .flatMap((page) => page.tasks)
      .map((task) => {
        const { status, message } = readState(task);
        return { taskKey: task.task_key, runId: task.run_id, status, message };
      }),
  };
}

type State = Pick<JobRun, 'status' | 'rawState' | 'terminal' | 'message' | 'termination'>;

/**
 * Reads both encodings of a state. What we don't know is taken as going on, so that a new state never ends a wait.
 * `INTERNAL_ERROR` with `FAILED` is what a user's own failing code looks like; only termination_details says whose fault it was.
 */
export function readState({ state, status }: Pick<ApiRun, 'state' | 'status'>): State {
  const life = state?.life_cycle_state ?? status?.state ?? 'UNKNOWN';
  const result = state?.result_state;
  const details = status?.termination_details;
  const terminal = state?.life_cycle_state ? ['TERMINATED', 'SKIPPED', 'INTERNAL_ERROR'].includes(life) : life === 'TERMINATED';
  const code = terminal ? details?.code : status?.queue_details?.code;
  const rawState = `${result ? `${life}/${result}` : life}${code ? ` (${code})` : ''}`;
  const said = state?.state_message || details?.message || status?.queue_details?.message || null;
  const partly = result === 'SUCCESS_WITH_FAILURES' || details?.code === 'SUCCESS_WITH_FAILURES';
  return {
    status: terminal ? ended(result ?? (life === 'SKIPPED' ? life : details?.code)) : (ongoing[life] ?? 'RUNNING'),
    rawState,
    terminal,
    message: partly ? `It succeeded, but with failed tasks.${said ? ` ${said}` : ''}` : said,
    ...(terminal && details?.code ? { termination: { code: details.code, type: details.type ?? null } } : {}),
  };
}

const ongoing: Record<string, RunStatus> = {
  QUEUED: 'QUEUED',
  PENDING: 'PENDING',
  BLOCKED: 'PENDING',
  WAITING: 'PENDING',
  WAITING_FOR_RETRY: 'PENDING',
  RUNNING: 'RUNNING',
  TERMINATING: 'TERMINATING',
};

/** From a result_state or, where there is none, a termination code. An end without a known good word is a failure: nothing is invented. */
function ended(word: string | undefined): RunStatus {
  switch (word) {
    case 'SUCCESS':
    case 'SUCCESS_WITH_FAILURES':
      return 'SUCCEEDED';
    case 'CANCELED':
    case 'UPSTREAM_CANCELED':
    case 'USER_CANCELED':
      return 'CANCELED';
    case 'TIMEDOUT':
      return 'TIMED_OUT';
    case 'SKIPPED':
    case 'EXCLUDED':
    case 'DISABLED':
    case 'MAXIMUM_CONCURRENT_RUNS_REACHED':
    case 'MAX_CONCURRENT_RUNS_EXCEEDED':
    case 'MAX_JOB_QUEUE_SIZE_EXCEEDED':
      return 'SKIPPED';
    default:
      return 'FAILED';
  }
}
