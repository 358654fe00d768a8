import { z } from 'zod';
import { nearestInWords, nearMisses } from '../analysis/near-miss.ts';
import { placeJob } from '../policy/environments.ts';
import type { Databricks, Job } from '../services/databricks.ts';
import { done, type Plan, type Question, type ToolContext, ToolError, writeTool } from './define-tool.ts';
import { type Config, configParameter, resolveConfig, stillThere } from './job-config.ts';
import { definitionDigest, jobTouched, pastRuns, theJob, type WholeJob } from './job-definition.ts';
import { costOf, sinceLast } from './job-preview.ts';
import { cell } from './markdown.ts';
import { databricksId } from './run-id.ts';
import { seconds } from './run-states.ts';

export const runDatabricksJob = writeTool({
  name: 'run_databricks_job',
  title: 'Run a Databricks job',
  description:
    "Starts one run of a Databricks job. Use when an experiment needs training. Name a config file in `config`, never in parameters; give only what is to differ from the job's own parameters. Not for waiting (wait_for_job). job_id: digits (Databricks). Gives run_id: digits.",
  input: z.strictObject({
    job_id: databricksId,
    config: z.string().min(1).optional().describe('path or name of a config file'),
    parameters: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).default({}),
    note: z.string().max(500).optional().describe('for the approvers and the record'),
    idempotency_token: z.string().max(64).optional().describe('only without a session'),
  }),
  output: z.looseObject({
    status: z.string(),
    run_id: z.string().optional(),
    run_url: z.string().optional(),
    resolved_parameters: z.record(z.string(), z.string()).optional(),
    environment: z.string().optional(),
  }),
  needs: ['databricks'],
  destructive: true,
  idempotent: false,
  recovery: 'same-key',
  timeoutMs: 8_000,
  async plan(input, ctx) {
    const databricks = ctx.services.databricks;
    // A session's own key is the token: it is derived from the call, so that a restart can't start a second run.
    if (ctx.session && input.idempotency_token !== undefined)
      throw new ToolError('TOKEN_NOT_TAKEN', 'In a session the idempotency token is derived from the call.', 'call again without idempotency_token.');
    const resolved = ctx.session?.resolved === undefined ? null : resolvedBefore.parse(ctx.session.resolved);
    const job = await theJob(resolved?.job_id ?? input.job_id, databricks, ctx.signal);
    const given = resolved?.parameters ?? texts(input.parameters);
    const odd = unknownKeys(given, job) ?? (resolved ? null : notNumbers(given, job));
    if (odd) return odd;
    const resolution = resolved ? await resolveAgain(resolved, ctx) : await resolve(input.config, given, job, ctx);
    if (resolution.kind === 'question') return resolution;
    const named = new Set(Object.keys(input.parameters));
    return await planOf(job, { ...resolution, named, note: resolved ? resolved.note : input.note }, databricks, ctx);
  },
  async run(plan, ctx, key) {
    const databricks = ctx.services.databricks;
    const { job_id, parameters, config, note } = resolvedBefore.parse(plan.arguments);
    const { runId } = await databricks.runNow({ jobId: job_id, parameters, idempotencyToken: key }, ctx.signal);
    const [url, about] = await Promise.all([pageOf(runId, databricks, ctx.signal), aboutJob(job_id, parameters, databricks, ctx)]);
    const said = Object.entries(parameters).map(([name, value]) => `${cell(name)}=${cell(value, 120)}`);
    return done(`Job ${job_id} was started as run ${runId}${said.length ? ` with ${said.join(', ')}` : ''}.${url ? ` ${url}` : ''}`, {
      status: 'started',
      run_id: runId,
      ...(url ? { run_url: url } : {}),
      job_id,
      resolved_parameters: parameters,
      ...about,
      ...(config ? { config } : {}),
      ...(note ? { note } : {}),
    });
  },
});

const configSchema = z.object({ repository: z.string(), path: z.string(), commit: z.string(), sha: z.string() });
/** The resolved arguments: what is approved, digested and sent. */
const resolvedBefore = z.object({
  job_id: z.string(),
  parameters: z.record(z.string(), z.string()),
  config: configSchema.optional(),
  note: z.string().optional(),
});

type Resolution = { kind: 'resolved'; parameters: Record<string, string>; config?: Config | undefined; differs: { name: string; file: string; job: string }[] };

/** The config file, if one is named, and over it what was given. */
async function resolve(config: string | undefined, given: Record<string, string>, job: Job, ctx: ToolContext): Promise<Resolution | Question> {
  const own = configParameter(job);
  const asParameter = own === null ? undefined : given[own];
  if (config !== undefined && asParameter !== undefined && asParameter !== config)
    return {
      kind: 'question',
      text: `Two configs are named: ${cell(config, 200)}, and ${cell(asParameter, 200)} as parameter ${own}. Ask which one is meant.`,
      ask: `Two configs are named: ${cell(config, 200)}, and ${cell(asParameter, 200)} as parameter ${own}. Which one is meant?`,
      argument: ['config'],
    };
  const wanted = config ?? asParameter;
  if (wanted === undefined) return { kind: 'resolved', parameters: given, differs: [] };
  const found = await resolveConfig(wanted, job, ctx);
  if (found.kind === 'question') return { ...found, argument: config === undefined ? ['parameters', own ?? ''] : ['config'] };
  const parameters = { ...found.parameters, ...given, ...(own === null ? {} : { [own]: found.parameters[own] ?? wanted }) };
  return { kind: 'resolved', config: found.config, parameters, differs: found.differs.filter((d) => given[d.name] === undefined) };
}

/** What a person was shown, to the same bytes: the file is read again at its commit. */
async function resolveAgain({ parameters, config }: z.infer<typeof resolvedBefore>, ctx: ToolContext): Promise<Resolution | Question> {
  if (config && !(await stillThere(config, ctx.services.github, ctx.signal)))
    return {
      kind: 'question',
      text: `${config.path} can't be found any more at commit ${config.commit.slice(0, 12)} of ${config.repository}. Ask which config is meant now.`,
      ask: `${config.path} can't be found any more at commit ${config.commit.slice(0, 12)} of ${config.repository}. Which config is meant now?`,
    };
  return { kind: 'resolved', parameters, config, differs: [] };
}

async function planOf(
  job: WholeJob,
  { parameters, config, differs, named, note }: Resolution & { named: ReadonlySet<string>; note?: string | undefined },
  databricks: Databricks,
  ctx: ToolContext,
): Promise<Plan> {
  const { typical, last } = await pastRuns(job.jobId, databricks, ctx.signal);
  const defaults = new Map(job.parameters.map((p) => [p.name, p.default]));
  const changes = Object.entries(parameters)
    .filter(([name, value]) => defaults.get(name) !== value)
    .map(([name, to]) => ({ name, from: defaults.get(name) ?? null, to }));
  const facts = [
    { label: 'Job', value: `${job.name} (${job.jobId})` },
    { label: 'Runs as', value: job.runAs ?? 'unknown' },
    ...(job.inner.length > 0 ? [{ label: 'Starts', value: [...new Set(job.inner.map((i) => `${i.job.name} (${i.job.jobId})`))].join(', ') }] : []),
    { label: 'Usually takes', value: typical ? `${seconds(typical.ms / 1000)} (median of ${typical.of} successful runs)` : 'unknown: no successful run yet' },
    ...costOf(job.jobId, typical?.ms ?? null, ctx.settings),
    ...(config
      ? [{ label: 'Config', value: `${config.path} in ${config.repository} at commit ${config.commit.slice(0, 12)}, blob ${config.sha.slice(0, 12)}` }]
      : []),
    ...(note ? [{ label: 'Note', value: note }] : []),
    ...differs.map((d) => ({ label: `Two values of ${d.name}`, value: `${d.file} in the file, ${d.job} by the job's own default` })),
  ];
  // What was asked for is said though the job would do the same by itself; of a file only what it changes.
  const shown = Object.entries(parameters)
    .filter(([name, value]) => name !== configParameter(job) && (named.has(name) || defaults.get(name) !== value))
    .map(([name, value]) => `${name}=${value}`);
  const how = [...(config ? [`config ${config.path}`] : []), ...shown];
  return {
    kind: 'plan',
    arguments: { job_id: job.jobId, parameters, ...(config ? { config } : {}), ...(note ? { note } : {}) },
    touches: { job: jobTouched(job, parameters), ...(typical ? { typicalMinutes: typical.ms / 60_000 } : {}) },
    preview: {
      summary: `Run job ${job.jobId} (${cell(job.name)})${how.length ? ` with ${cell(how.join(', '), 300)}` : ''}`,
      facts,
      changes,
      ...sinceLast(job, parameters, last),
      adds: [
        'an idempotency token, so that sending it twice starts one run',
        ...(ctx.services.mlflow && ctx.settings.anchors !== false ? ["when the experiment has ended: its record's head, as a tag of the MLflow run"] : []),
      ],
      target: definitionDigest(job),
    },
  };
}

/** Names that the job does not declare would be ignored by it in silence. */
function unknownKeys(given: Record<string, string>, job: Job): Question | null {
  const declared = job.parameters.map((p) => p.name);
  const unknown = Object.keys(given).filter((name) => !declared.includes(name));
  if (unknown.length === 0) return null;
  const near = unknown.map((name) => ({ name, near: nearMisses(name, declared) }));
  const words = near.filter((n) => n.near.length > 0).map((n) => ({ name: cell(n.name), near: n.near.map((d) => cell(d)) }));
  const nearest = words.map((n) => nearestInWords(n.near, n.name));
  const toPeople = words.map((n) => `Did you mean ${n.near.join(' or ')} instead of ${n.name}?`).join(' ') || 'Which one is meant?';
  const has = declared.length ? `It has ${declared.map((name) => cell(name)).join(', ')}.` : 'It declares none.';
  return {
    kind: 'question',
    text: `Job ${job.jobId} (${cell(job.name)}) has no parameter ${unknown.map((name) => `"${cell(name)}"`).join(', ')}. ${has} ${[...nearest, 'Ask; do not choose.'].join(' ')}`,
    ask: `Job ${job.jobId} (${cell(job.name)}) has no parameter ${unknown.map((name) => `"${cell(name)}"`).join(', ')}. ${has} ${toPeople}`,
    data: { unknown, declared, near },
    argument: ['parameters', unknown[0] ?? ''],
  };
}

/** Words where the job's own default is a number are more likely a slip than meant; a job would find out after it has started. */
function notNumbers(given: Record<string, string>, job: Job): Question | null {
  const isNumber = (text: string) => text.trim() !== '' && Number.isFinite(Number(text));
  const odd = job.parameters.find(({ name, default: own }) => {
    const value = given[name];
    // Databricks fills in its own references when the run starts.
    return isNumber(own) && value !== undefined && !isNumber(value) && !value.includes('{{');
  });
  if (!odd) return null;
  return {
    kind: 'question',
    text: `${cell(odd.name)} is a number in job ${job.jobId} (${cell(job.name)}), ${odd.default} by default, and "${cell(given[odd.name] ?? '', 60)}" is not. Ask which number is meant; do not choose.`,
    ask: `${cell(odd.name)} is a number in job ${job.jobId} (${cell(job.name)}), ${odd.default} by default, and "${cell(given[odd.name] ?? '', 60)}" is not. Which number is meant?`,
    data: { parameter: odd.name, default: odd.default },
    argument: ['parameters', odd.name],
  };
}

function texts(parameters: Record<string, string | number | boolean>): Record<string, string> {
  const all = Object.entries(parameters).map(([name, value]) => [name, String(value)]);
  const size = new TextEncoder().encode(JSON.stringify(all)).length;
  // Databricks' own limit for a run's parameters.
  if (size > 10_000)
    throw new ToolError(
      'PARAMETERS_TOO_LARGE',
      `The parameters take ${size} bytes; Databricks takes at most 10,000.`,
      'put them into a config file and name it in config.',
    ).about('parameters');
  return Object.fromEntries(all);
}

/** Best effort, as the page: where the run that has started belongs, and what may be changed when it is repeated. */
async function aboutJob(
  jobId: string,
  parameters: Record<string, string>,
  databricks: Databricks,
  { settings, signal }: ToolContext,
): Promise<{ environment?: string; declared?: string[] }> {
  if (!settings.actIn) return {};
  try {
    const job = await theJob(jobId, databricks, signal);
    const { environment } = placeJob(jobTouched(job, parameters), settings.environments, settings.actIn);
    return { ...(environment ? { environment } : {}), declared: job.parameters.map((p) => p.name) };
  } catch {
    return {};
  }
}

/** Best effort: the run has started, whatever this look-up says. */
async function pageOf(runId: string, databricks: Databricks, signal: AbortSignal): Promise<string | null> {
  try {
    return (await databricks.getRun(runId, signal)).url;
  } catch {
    return null;
  }
}
