import type { Training } from './launches.ts';
import {
  artifactUri,
  experimentJson,
  invalid,
  MlflowError,
  missing,
  mostResults,
  page,
  pointJson,
  refusal,
  required,
  runJson,
  strange,
} from './mlflow-answers.ts';
import { artifactsOf, isFolder, listing } from './mlflow-artifacts.ts';
import { listPage, showRun } from './mlflow-pages.ts';
import { launchedRuns, type StoredExperiment, type StoredRun, seedExperiments, seededRuns } from './mlflow-runs.ts';
import { BadClause, compileFilter, compileOrder } from './mlflow-search.ts';
import { type Answered, type Asked, html, type OnTraffic, type StandIn, startStandIn } from './stand-in.ts';

export type MlflowStandIn = StandIn & { runs(): StoredRun[] };

/**
 * An MLflow tracking server on loopback, with the manners of 3.17, against which `npm run test:live` holds it: empty arrays are left out, "NaN" is a string, unknown
 * routes are HTML and refused logins plain words. What launched jobs log appears as they train. `login` asks for Basic, `token` for Bearer.
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
  const runOf = (given: unknown): StoredRun => {
    const id = required('run_id', given);
    const run = runs().find((r) => r.runId === id);
    if (!run) throw missing(`Run with id=${id} not found`);
    return run;
  };
  const shown = (experiment: StoredExperiment) => experimentJson(experiment, training.bornAt);
  const one = (experiment: StoredExperiment | undefined, otherwise: string): Answered => {
    if (!experiment) throw missing(otherwise);
    return { body: { experiment: shown(experiment) } };
  };

  function searchRuns({ body }: Asked): Answered {
    const request = asObject(body) as { experiment_ids?: string[]; filter?: string; order_by?: string[]; page_token?: string; run_view_type?: string };
    const most = mostResults(asObject(body)['max_results'], 1000);
    if (most > 50_000) throw strange('max_results', most);
    const found = runs()
      .filter((run) => (request.experiment_ids ?? []).map(String).includes(run.experimentId))
      .filter(inView(request.run_view_type))
      .filter(compileFilter(request.filter ?? ''))
      .sort(compileOrder(request.order_by ?? []));
    const { items, next } = page(found, { most, token: request.page_token, promising: true });
    return { body: { ...(items.length ? { runs: items.map(runJson) } : {}), ...next } };
  }

  function searchExperiments({ body, query }: Asked): Answered {
    const request = (body ?? Object.fromEntries(query)) as { max_results?: number | string; filter?: string; page_token?: string; view_type?: string };
    const most = mostResults(request.max_results, 0);
    if (most > 50_000) throw invalid(`Invalid value ${most} for parameter 'max_results' supplied. It must be at most 50000`);
    const named = namedLike(request.filter?.trim() ?? '');
    const found = seedExperiments.filter((e) => named(e.name) && inView(request.view_type)({ deleted: e.deleted === true })).reverse();
    const { items, next } = page(found, { most, token: request.page_token, promising: false });
    return { body: { ...(items.length ? { experiments: items.map(shown) } : {}), ...next } };
  }

  function setTag({ body }: Asked): Answered {
    const { run_id, key: givenKey, value = '' } = asObject(body);
    const key = required('key', givenKey);
    if (typeof value !== 'string') throw strange('value', value);
    if (!/^[/\w.\- :]+$/.test(key)) {
      const allowed = 'Names may only contain alphanumerics, underscores (_), dashes (-), periods (.), spaces ( ), colon(:) and slashes (/).';
      throw invalid(`Invalid value "${key}" for parameter 'key' supplied: ${allowed}`);
    }
    if (key.length > 250) throw invalid(`'key' exceeds the maximum length of 250 characters`);
    const run = runOf(run_id);
    if (run.deleted) throw invalid(`The run ${run.runId} must be in the 'active' state. Current state is deleted.`);
    // Longer ones are cut without a word.
    training.setTag(run.runId, key, value.slice(0, 8000));
    return { body: {} };
  }

  function history({ query }: Asked): Answered {
    const id = required('run_id', query.get('run_id'));
    const key = required('metric_key', query.get('metric_key'));
    // Nobody's history is an empty one, as is that of a metric nobody logged.
    const points = runs().find((run) => run.runId === id)?.history[key] ?? [];
    const most = query.has('max_results') ? mostResults(query.get('max_results'), 0) : Number.POSITIVE_INFINITY;
    const { items, next } = page(points, { most, token: query.get('page_token'), promising: true });
    return { body: { ...(items.length ? { metrics: items.map((p) => pointJson(key, p)) } : {}), ...next } };
  }

  const api = '/api/2.0/mlflow';
  return {
    runs,
    ...(await startStandIn({
      port: options.port,
      onTraffic: options.onTraffic,
      before: (asked) => refuseStranger(asked, options),
      crashed: (error) => {
        if (error instanceof MlflowError) return refusal(error);
        if (error instanceof BadClause) return refusal(invalid(error.message));
        return html('<!doctype html><html lang=en><title>500 Internal Server Error</title><h1>Internal Server Error</h1></html>', 500);
      },
      otherwise: () => html('<!doctype html><html lang=en><title>404 Not Found</title><h1>Not Found</h1></html>', 404),
      routes: {
        [`GET ${api}/experiments/get-by-name`]: ({ query }) => {
          const name = required('experiment_name', query.get('experiment_name'));
          return one(
            seedExperiments.find((e) => e.name === name),
            `Could not find experiment with name '${name}'`,
          );
        },
        [`GET ${api}/experiments/get`]: ({ query }) => {
          const id = required('experiment_id', query.get('experiment_id'));
          if (!/^\d+$/.test(id)) throw invalid(`Invalid experiment ID '${id}'. Experiment ID must be a valid integer.`);
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
        [`GET ${api}/metrics/get-history`]: history,
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
  const files = artifactsOf(run);
  const found = files[safePath(path)];
  const where = `'${artifactUri(run).replace('mlflow-artifacts:/', '')}/${path}'`;
  if (!found) throw isFolder(files, path) ? invalid(`Artifact path refers to a directory, not a file: ${where}`) : missing(`No such artifact: ${where}`);
  return { type: found.type, body: 'bytes' in found ? found.bytes : new Uint8Array(found.size) };
}

function safePath(path: string): string {
  if (/(^|\/)\.\.(\/|$)|^\/|\\|%/.test(path)) throw invalid('Invalid path');
  return path;
}

function inView(view = 'ACTIVE_ONLY'): (it: { deleted: boolean }) => boolean {
  return (it) => view === 'ALL' || it.deleted === (view === 'DELETED_ONLY');
}

/** Of all filters for experiments, those by name. */
function namedLike(filter: string): (name: string) => boolean {
  if (filter === '') return () => true;
  const [, op = '', single, double] = /^name\s+(=|LIKE|ILIKE)\s+(?:'([^']*)'|"([^"]*)")$/i.exec(filter) ?? [];
  if (op === '') throw invalid(`Invalid clause(s) in filter string: '${filter}'`);
  const source = (single ?? double ?? '').replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll(op === '=' ? '\u0000' : '%', '.*');
  const shape = new RegExp(`^${source}$`, op.toUpperCase() === 'ILIKE' ? 'is' : 's');
  return (name) => shape.test(name);
}

/** A body that can't be read counts as an empty one. */
function asObject(body: unknown): Record<string, unknown> {
  return body !== null && typeof body === 'object' && !Array.isArray(body) ? (body as Record<string, unknown>) : {};
}

function refuseStranger(
  { headers, path }: Asked,
  { login, token }: { login?: { username: string; password: string } | undefined; token?: string | undefined },
): Answered | null {
  const wanted = token ? `Bearer ${token}` : login ? `Basic ${Buffer.from(`${login.username}:${login.password}`).toString('base64')}` : null;
  if (!wanted || !path.startsWith('/api/') || headers.authorization === wanted) return null;
  const body = 'You are not authenticated. Please see https://www.mlflow.org/docs/latest/auth/index.html#authenticating-to-mlflow on how to authenticate.';
  // Plain words that are called HTML.
  return { status: 401, headers: { 'www-authenticate': 'Basic realm="mlflow"' }, type: 'text/html; charset=utf-8', body };
}
