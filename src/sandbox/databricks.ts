import { jobJson, outputJson, runJson } from './databricks-json.ts';
import { runPage } from './databricks-page.ts';
import type { Training } from './launches.ts';
import { mlflowRunIdOf, pastLaunches, type SeedJob, seedJobs } from './seed-jobs.ts';
import { type Answered, type Asked, type OnTraffic, type StandIn, startStandIn } from './stand-in.ts';
import { type Launch, trainingAt } from './training.ts';

/** What the Jobs API answers instead. */
class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export type DatabricksStandIn = StandIn & { training: Training; jobs: readonly SeedJob[] };

/**
 * A Databricks workspace on loopback: the Jobs API as far as labmate needs it, machine-to-machine login, and a page for each run.
 * With `token` or `client` only these are let in; else any bearer token is. `mlflowUrl` is linked from the pages.
 */
export async function startDatabricks(options: {
  training: Training;
  port?: number | undefined;
  token?: string | undefined;
  client?: { id: string; secret: string; expiresInS?: number } | undefined;
  experiment?: string | undefined;
  /** Added to the seeded ones. */
  jobs?: SeedJob[] | undefined;
  mlflowUrl?: (() => string) | undefined;
  onTraffic?: OnTraffic | undefined;
}): Promise<DatabricksStandIn> {
  const { training } = options;
  const jobs = [...seedJobs(options.experiment), ...(options.jobs ?? [])];
  const past = pastLaunches(training);
  const issued = new Set<string>();
  let host = '';

  const launches = () => [...past, ...training.launches()].filter((launch) => !trainingAt(launch, training.now()).vanished);
  const jobOf = (id: string): SeedJob => {
    const job = jobs.find((j) => j.id === id);
    if (!job) throw new ApiError(400, 'INVALID_PARAMETER_VALUE', `Job ${id} does not exist.`);
    if (job.forbidden)
      throw new ApiError(403, 'PERMISSION_DENIED', `User labmate-bot does not have View or Admin or Manage Run or Owner permissions on job ${id}`);
    return job;
  };
  const launchOf = (id: string): Launch => {
    const launch = launches().find((l) => l.runId === id);
    if (launch) return launch;
    if (training.find(id)) throw new ApiError(404, 'RESOURCE_DOES_NOT_EXIST', `Run ${id} was deleted.`);
    throw new ApiError(400, 'INVALID_PARAMETER_VALUE', `Run ${id} does not exist.`);
  };

  function runNow({ body }: Asked): Answered {
    const request = asObject(body);
    const job = jobOf(idIn(request['job_id'], 'job_id'));
    const parameters = asObject(request['job_parameters'] ?? {});
    const odd = Object.entries(parameters).find(([, value]) => typeof value !== 'string');
    if (odd) throw new ApiError(400, 'MALFORMED_REQUEST', `Could not parse request object: Expected 'VALUE_STRING' for job parameter ${odd[0]}`);
    const token = request['idempotency_token'] ?? null;
    if (token !== null && (typeof token !== 'string' || token.length > 64))
      throw new ApiError(400, 'INVALID_PARAMETER_VALUE', 'The idempotency token must be a string of at most 64 characters.');
    const effective = { ...Object.fromEntries(job.parameters.map((p) => [p.name, p.default])), ...(parameters as Record<string, string>) };
    const { launch } = training.launch({ jobId: job.id, parameters: effective, token });
    if (trainingAt(launch, training.now()).vanished) throw new ApiError(400, 'INVALID_PARAMETER_VALUE', 'The run of this idempotency token was deleted.');
    return { body: { run_id: BigInt(launch.runId), number_in_job: BigInt(launch.runId) } };
  }

  function listRuns({ query }: Asked): Answered {
    const limit = limitIn(query, 20, 24);
    const [active, completed] = ['active_only', 'completed_only'].map((flag) => query.get(flag) === 'true');
    if (active && completed) throw new ApiError(400, 'INVALID_PARAMETER_VALUE', 'Only one of active_only and completed_only may be true.');
    const jobId = query.get('job_id');
    if (jobId) jobOf(jobId);
    const found = launches()
      .filter((launch) => !jobId || launch.jobId === jobId)
      .filter((launch) => {
        const ended = trainingAt(launch, training.now()).phase === 'ENDED';
        return !(active && ended) && !(completed && !ended);
      })
      .sort((a, b) => b.startedAt - a.startedAt);
    const expand = query.get('expand_tasks') === 'true';
    return page('runs', found, query, limit, (launch) => runJson(launch, anyJob(launch.jobId), training.now(), host, expand));
  }

  function getOutput({ query }: Asked): Answered {
    const id = idIn(query.get('run_id'), 'run_id');
    const launch = launches().find((l) => l.taskRunId === id);
    if (launch) return { body: outputJson(launch, anyJob(launch.jobId), training.now(), host) };
    launchOf(id);
    throw new ApiError(
      400,
      'INVALID_PARAMETER_VALUE',
      'Retrieving the output of runs with multiple tasks is not supported. Please retrieve the output of each individual task run instead.',
    );
  }

  const anyJob = (id: string): SeedJob => jobs.find((j) => j.id === id) ?? { ...jobOf('101'), id };

  const standIn = await startStandIn({
    port: options.port,
    onTraffic: options.onTraffic,
    before: (asked) => refuseStranger(asked, options, issued),
    crashed: (error) => {
      if (error instanceof ApiError) return { status: error.status, body: { error_code: error.code, message: error.message } };
      return { status: 500, body: { error_code: 'INTERNAL_ERROR', message: String(error) } };
    },
    otherwise: ({ path }) => ({ status: 404, body: { error_code: 'ENDPOINT_NOT_FOUND', message: `No API found for '${path}'` } }),
    routes: {
      'POST /api/:version/jobs/run-now': runNow,
      'GET /api/:version/jobs/get': ({ query }) => ({ body: jobJson(jobOf(idIn(query.get('job_id'), 'job_id')), 'get') }),
      'GET /api/:version/jobs/list': ({ query }) => {
        const name = query.get('name')?.toLowerCase();
        const found = jobs.filter((job) => !job.forbidden && (!name || job.name.toLowerCase() === name));
        return page('jobs', found, query, limitIn(query, 20, 100), (job) => jobJson(job, 'list'));
      },
      'GET /api/:version/jobs/runs/get': ({ query }) => {
        const launch = launchOf(idIn(query.get('run_id'), 'run_id'));
        return { body: runJson(launch, anyJob(launch.jobId), training.now(), host) };
      },
      'GET /api/:version/jobs/runs/list': listRuns,
      'GET /api/:version/jobs/runs/get-output': getOutput,
      // Asynchronous: the run goes on for a moment, and one that has ended is left as it is.
      'POST /api/:version/jobs/runs/cancel': ({ body }) => {
        training.cancel(launchOf(idIn(asObject(body)['run_id'], 'run_id')).runId);
        return { body: {} };
      },
      'GET /oidc/.well-known/oauth-authorization-server': () => ({
        body: { issuer: `${host}/oidc`, authorization_endpoint: `${host}/oidc/v1/authorize`, token_endpoint: `${host}/oidc/v1/token` },
      }),
      'POST /oidc/v1/token': (asked) => issueToken(asked, options.client, issued),
      'GET /jobs/:job/runs/:run': ({ params }) => {
        const launch = launchOf(params['run'] ?? '');
        const mlflowUrl = options.mlflowUrl && anyJob(launch.jobId).experiment ? `${options.mlflowUrl()}/runs/${mlflowRunIdOf(launch)}` : null;
        return runPage(launch, anyJob(launch.jobId), training.now(), mlflowUrl);
      },
    },
  });
  host = standIn.url;
  return { ...standIn, training, jobs };
}

function refuseStranger({ path, headers }: Asked, { token, client }: { token?: string | undefined; client?: object | undefined }, issued: Set<string>) {
  if (!path.startsWith('/api/')) return null;
  const given = /^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1];
  if (!given) return { status: 401 };
  const known = (!token && !client) || given === token || issued.has(given);
  return known ? null : { status: 403, body: { error_code: '403', message: 'Invalid access token.' } };
}

function issueToken({ headers, body }: Asked, client: { id: string; secret: string; expiresInS?: number } | undefined, issued: Set<string>): Answered {
  const basic = client && `Basic ${Buffer.from(`${client.id}:${client.secret}`).toString('base64')}`;
  if (!client || headers.authorization !== basic) return { status: 401, body: { error: 'invalid_client', error_description: 'Client authentication failed' } };
  if (asObject(body)['grant_type'] !== 'client_credentials')
    return { status: 400, body: { error: 'unsupported_grant_type', error_description: 'Use client_credentials' } };
  const token = `oauth-${issued.size + 1}`;
  issued.add(token);
  return { body: { access_token: token, token_type: 'Bearer', scope: 'all-apis', expires_in: client.expiresInS ?? 3600 } };
}

function page<T>(name: string, found: T[], query: URLSearchParams, limit: number, show: (item: T) => unknown): Answered {
  const from = Number(query.get('page_token') ?? 0) || 0;
  const items = found.slice(from, from + limit);
  const more = from + limit < found.length;
  // The list is absent, not empty, when nothing is found.
  return { body: { ...(items.length ? { [name]: items.map(show) } : {}), has_more: more, ...(more ? { next_page_token: String(from + limit) } : {}) } };
}

function limitIn(query: URLSearchParams, otherwise: number, most: number): number {
  const limit = Number(query.get('limit') ?? otherwise);
  if (Number.isInteger(limit) && limit >= 1 && limit <= most) return limit;
  throw new ApiError(400, 'INVALID_PARAMETER_VALUE', `Invalid limit ${query.get('limit')}: it must be between 1 and ${most}.`);
}

function idIn(value: unknown, name: string): string {
  // Bare digits of 16 and more arrive here as strings, see exact-json.ts.
  if (/^\d{1,19}$/.test(String(value ?? ''))) return String(value);
  throw new ApiError(400, 'INVALID_PARAMETER_VALUE', `Missing or invalid required field: ${name}`);
}

function asObject(value: unknown): Record<string, unknown> {
  if (value !== null && typeof value === 'object' && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new ApiError(400, 'MALFORMED_REQUEST', 'Invalid JSON given in the body of the request - expected a map');
}
