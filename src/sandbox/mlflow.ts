import { curve, standInPage } from './databricks-page.ts';
import type { Training } from './launches.ts';
import { artifactsOf, listing } from './mlflow-artifacts.ts';
import { lastPoint, launchedRuns, type StoredExperiment, type StoredRun, seedExperiments, seededRuns } from './mlflow-runs.ts';
import { BadClause, compileFilter, compileOrder } from './mlflow-search.ts';
import { type Answered, type Asked, escapeHtml, html, type OnTraffic, type StandIn, startStandIn } from './stand-in.ts';

class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export type MlflowStandIn = StandIn & { runs(): StoredRun[] };

/**
 * An MLflow tracking server on loopback, with the manners of 2.x: empty arrays are left out, "NaN" is a string, unknown routes are HTML and refused logins
 * plain text. What launched jobs log appears as they train. `login` asks for Basic, `token` for Bearer.
 */
export async function startMlflow(options: {
  training: Training;
  port?: number | undefined;
  login?: { username: string; password: string } | undefined;
  token?: string | undefined;
  /** Where launched jobs log; default ads-rank-v3. */
  experiment?: string | undefined;
  onTraffic?: OnTraffic | undefined;
}): Promise<MlflowStandIn> {
  const { training } = options;
  const seeded = seededRuns(training.bornAt);
  const runs = () => [...seeded, ...launchedRuns(training, options.experiment)].map((run) => ({ ...run, tags: { ...run.tags, ...training.tags(run.runId) } }));
  const runOf = (id: unknown): StoredRun => {
    const run = runs().find((r) => r.runId === id);
    if (!run) throw new ApiError(404, 'RESOURCE_DOES_NOT_EXIST', `Run with id=${id} not found`);
    return run;
  };

  function searchRuns({ body }: Asked): Answered {
    const request = (body ?? {}) as {
      experiment_ids?: string[];
      filter?: string;
      order_by?: string[];
      max_results?: number;
      page_token?: string;
      run_view_type?: string;
    };
    const most = request.max_results ?? 1000;
    if (most > 50_000)
      throw new ApiError(400, 'INVALID_PARAMETER_VALUE', `Invalid value for request parameter max_results. It must be at most 50000, but got value ${most}`);
    const view = request.run_view_type ?? 'ACTIVE_ONLY';
    const found = runs()
      .filter((run) => (request.experiment_ids ?? []).map(String).includes(run.experimentId))
      .filter((run) => view === 'ALL' || run.deleted === (view === 'DELETED_ONLY'))
      .filter(compileFilter(request.filter ?? ''))
      .sort(compileOrder(request.order_by ?? []));
    const from = request.page_token ? Number(Buffer.from(request.page_token, 'base64').toString()) : 0;
    const page = found.slice(from, from + most);
    // A full page carries a token even if it is the last.
    const token = page.length === most ? { next_page_token: Buffer.from(String(from + most)).toString('base64') } : {};
    return { body: { ...(page.length ? { runs: page.map(runJson) } : {}), ...token } };
  }

  function searchExperiments({ body, query }: Asked): Answered {
    const request = (body ?? Object.fromEntries(query)) as { max_results?: number | string; filter?: string; page_token?: string };
    const most = Number(request.max_results);
    if (!most) throw new ApiError(400, 'INVALID_PARAMETER_VALUE', 'Invalid value for request parameter max_results. It must be at least 1, but got value 0');
    const clause = /^name\s+(=|LIKE|ILIKE)\s+(?:'([^']*)'|"([^"]*)")$/i.exec(request.filter?.trim() ?? '');
    if (request.filter && !clause) throw new ApiError(400, 'INVALID_PARAMETER_VALUE', `Invalid clause(s) in filter string: '${request.filter}'`);
    const [, op = '', single, double] = clause ?? [];
    const source = (single ?? double ?? '').replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll(op === '=' ? '\u0000' : '%', '.*');
    const shape = new RegExp(`^${source}$`, op.toUpperCase() === 'ILIKE' ? 'is' : 's');
    const found = seedExperiments.filter((e) => !e.deleted && (!clause || shape.test(e.name))).reverse();
    const from = Number(request.page_token ?? 0);
    const page = found.slice(from, from + most);
    return {
      body: {
        ...(page.length ? { experiments: page.map(experimentJson) } : {}),
        ...(from + most < found.length ? { next_page_token: String(from + most) } : {}),
      },
    };
  }

  function setTag({ body }: Asked): Answered {
    const { run_id, key, value } = (body ?? {}) as { run_id?: string; key?: string; value?: string };
    const run = runOf(run_id);
    if (run.deleted) throw new ApiError(400, 'INVALID_PARAMETER_VALUE', `The run ${run_id} must be in the 'active' state. Current state is deleted.`);
    if (!key || key.length > 250 || !/^[/\w.\- ]+$/.test(key)) throw new ApiError(400, 'INVALID_PARAMETER_VALUE', `Invalid tag name: '${key?.slice(0, 40)}'.`);
    if ((value ?? '').length > 5000) throw new ApiError(400, 'INVALID_PARAMETER_VALUE', `Tag value exceeded length limit of 5000 characters.`);
    training.setTag(run.runId, key, value ?? '');
    return { body: {} };
  }

  const api = '/api/2.0/mlflow';
  return {
    runs,
    ...(await startStandIn({
      port: options.port,
      onTraffic: options.onTraffic,
      before: (asked) => refuseStranger(asked, options),
      crashed: (error) => {
        if (error instanceof ApiError) return { status: error.status, body: { error_code: error.code, message: error.message } };
        if (error instanceof BadClause) return { status: 400, body: { error_code: 'INVALID_PARAMETER_VALUE', message: error.message } };
        return html('<!doctype html><html lang=en><title>500 Internal Server Error</title><h1>Internal Server Error</h1></html>', 500);
      },
      otherwise: () => html('<!doctype html><html lang=en><title>404 Not Found</title><h1>Not Found</h1></html>', 404),
      routes: {
        [`GET ${api}/experiments/get-by-name`]: ({ query }) => {
          const name = query.get('experiment_name');
          return one(
            seedExperiments.find((e) => e.name === name),
            `Could not find experiment with name '${name}'`,
          );
        },
        [`GET ${api}/experiments/get`]: ({ query }) => {
          const id = query.get('experiment_id');
          return one(
            seedExperiments.find((e) => e.id === id),
            `No Experiment with id=${id} exists`,
          );
        },
        [`POST ${api}/experiments/search`]: searchExperiments,
        [`GET ${api}/experiments/search`]: searchExperiments,
        [`GET ${api}/runs/get`]: ({ query }) => ({ body: { run: runJson(runOf(query.get('run_id') ?? query.get('run_uuid'))) } }),
        [`POST ${api}/runs/search`]: searchRuns,
        [`POST ${api}/runs/set-tag`]: setTag,
        [`GET ${api}/metrics/get-history`]: ({ query }) => {
          const key = query.get('metric_key') ?? '';
          const points = runOf(query.get('run_id')).history[key];
          return { body: points ? { metrics: points.map((p) => ({ key, ...p, value: valueJson(p.value) })) } : {} };
        },
        [`GET ${api}/artifacts/list`]: ({ query }) => {
          const run = runOf(query.get('run_id'));
          const files = listing(artifactsOf(run), safePath(query.get('path') ?? ''));
          return { body: { root_uri: artifactUri(run), ...(files.length ? { files } : {}) } };
        },
        'GET /api/2.0/mlflow-artifacts/artifacts/:experiment/:run/artifacts/*path': ({ params }) => artifact(runOf(params['run']), params['path'] ?? ''),
        'GET /get-artifact': ({ query }) => artifact(runOf(query.get('run_id')), query.get('path') ?? ''),
        'GET /': () => html("<!doctype html><script>location.replace((location.hash.match(/\\/runs\\/\\w+/) || ['/experiments'])[0])</script>"),
        'GET /experiments': () => listPage(runs()),
        'GET /runs/:run': ({ params }) => showRun(runOf(params['run'])),
      },
    })),
  };
}

function artifact(run: StoredRun, path: string): Answered {
  const found = artifactsOf(run)[safePath(path)];
  // A missing file is a crash page, not a 404.
  if (!found) throw new Error(`no artifact ${path}`);
  return { type: found.type, body: 'bytes' in found ? found.bytes : new Uint8Array(found.size) };
}

function safePath(path: string): string {
  if (/(^|\/)\.\.(\/|$)|^\/|\\|%/.test(path)) throw new ApiError(400, 'INVALID_PARAMETER_VALUE', 'Invalid path');
  return path;
}

const artifactUri = (run: StoredRun) => `mlflow-artifacts:/${run.experimentId}/${run.runId}/artifacts`;

function refuseStranger(
  { headers, path }: Asked,
  { login, token }: { login?: { username: string; password: string } | undefined; token?: string | undefined },
): Answered | null {
  const wanted = token ? `Bearer ${token}` : login ? `Basic ${Buffer.from(`${login.username}:${login.password}`).toString('base64')}` : null;
  if (!wanted || !path.startsWith('/api/') || headers.authorization === wanted) return null;
  const body = 'You are not authenticated. Please see https://www.mlflow.org/docs/latest/auth/index.html#authenticating-to-mlflow on how to authenticate.';
  return { status: 401, headers: { 'www-authenticate': 'Basic realm="mlflow"' }, type: 'text/plain', body };
}

function one(experiment: StoredExperiment | undefined, otherwise: string): Answered {
  if (!experiment) throw new ApiError(404, 'RESOURCE_DOES_NOT_EXIST', otherwise);
  return { body: { experiment: experimentJson(experiment) } };
}

const experimentJson = ({ id, name, deleted }: StoredExperiment) => ({
  experiment_id: id,
  name,
  artifact_location: `mlflow-artifacts:/${id}`,
  lifecycle_stage: deleted ? 'deleted' : 'active',
});

function runJson(run: StoredRun): Record<string, unknown> {
  const pairs = (values: Record<string, string>) => Object.entries(values).map(([key, value]) => ({ key, value }));
  const metrics = Object.entries(run.history).flatMap(([key, points]) => {
    const last = lastPoint(points);
    return last ? [{ key, ...last, value: valueJson(last.value) }] : [];
  });
  const filled = <T>(name: string, list: T[]) => (list.length ? { [name]: list } : {});
  return {
    info: {
      run_id: run.runId,
      run_uuid: run.runId,
      run_name: run.name,
      experiment_id: run.experimentId,
      user_id: run.tags['mlflow.user'],
      status: run.status,
      start_time: run.start,
      ...(run.end === null ? {} : { end_time: run.end }),
      artifact_uri: artifactUri(run),
      lifecycle_stage: run.deleted ? 'deleted' : 'active',
    },
    data: { ...filled('metrics', metrics), ...filled('params', pairs(run.params)), ...filled('tags', pairs({ ...run.tags, 'mlflow.runName': run.name })) },
    inputs: {
      dataset_inputs: [
        {
          tags: [{ key: 'mlflow.data.context', value: 'training' }],
          dataset: { name: 'ads.clicks', digest: 'a41c9f02', source_type: 'delta_table', source: '{}' },
        },
      ],
    },
  };
}

const valueJson = (value: number) => (Number.isFinite(value) ? value : String(value));

function listPage(runs: StoredRun[]): Answered {
  const rows = runs
    .filter((run) => !run.deleted)
    .sort((a, b) => b.start - a.start)
    .map((run) => {
      const f1 = lastPoint(run.history['val_f1'])?.value;
      return `<tr><td><a href="/runs/${run.runId}">${escapeHtml(run.name)}</a></td><td>${run.status}</td><td>${f1?.toFixed(4) ?? ''}</td></tr>`;
    });
  return standInPage('Runs', 'MLflow', `<h1>Runs</h1><table><tr><th>run</th><th>status</th><th>val_f1</th></tr>${rows.join('')}</table>`);
}

function showRun(run: StoredRun): Answered {
  const table = (values: Record<string, string>) =>
    `<table>${Object.entries(values)
      .map(([name, value]) => `<tr><td>${escapeHtml(name)}</td><td>${escapeHtml(value)}</td></tr>`)
      .join('')}</table>`;
  const points = run.history['val_f1'] ?? [];
  const epochs = points.map((p) => ({ epoch: p.step, metrics: { val_f1: p.value } }));
  const metrics = Object.fromEntries(Object.entries(run.history).map(([key, list]) => [key, String(lastPoint(list)?.value ?? '')]));
  const body = `<h1>${escapeHtml(run.name)} <small>${run.runId}</small></h1><p>${run.status}</p>${curve(epochs, 'val_f1', 20)}
<h2>Metrics</h2>${table(metrics)}<h2>Parameters</h2>${table(run.params)}<h2>Tags</h2>${table(run.tags)}`;
  return standInPage(run.name, 'MLflow', body, run.status === 'RUNNING' && run.tags['mlflow.databricks.jobRunID'] !== undefined);
}
