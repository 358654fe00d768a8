import { z } from 'zod';
import { type Authorization, baseUrl } from './databricks-auth.ts';
import { type HttpRequest, send, sendJson, UpstreamError, unlessMissing } from './http.ts';
import { artifactRequest } from './mlflow-artifacts.ts';
import { apiArtifacts, apiExperiment, apiMetric, apiRun, runOf } from './mlflow-shapes.ts';
import { pages } from './pages.ts';

/** A metric's value; MLflow sends "NaN" and infinities as strings, and so do we in JSON. */
export type Metric = { key: string; value: number; step: number; timestamp: number };

export type MlflowRun = {
  runId: string;
  name: string;
  experimentId: string;
  status: 'RUNNING' | 'SCHEDULED' | 'FINISHED' | 'FAILED' | 'KILLED';
  deleted: boolean;
  startedAt: number | null;
  endedAt: number | null;
  artifactUri: string;
  /** Last value (greatest step, then timestamp), not the best. NaN and infinities are numbers here. */
  metrics: Record<string, Metric>;
  params: Record<string, string>;
  tags: Record<string, string>;
  datasets: { name: string; digest: string; context: string | null }[];
};

export type Experiment = { experimentId: string; name: string };

/** A file or folder that a run left, by its path below the run's artifacts. `size` is null for folders. */
export type ArtifactFile = { path: string; isDir: boolean; size: number | null };

/** Throws UpstreamError. */
export type MLflow = {
  uri: string;
  runUrl(run: { experimentId: string; runId: string }): string;
  getRun(runId: string, signal?: AbortSignal): Promise<MlflowRun>;
  /** By exact name, else by a unique path suffix (Databricks names are paths). Null: there is none. */
  findExperiment(nameOrId: string, signal?: AbortSignal): Promise<Experiment | null>;
  /** Null: there is none of this id. A deleted one is found. */
  getExperiment(experimentId: string, signal?: AbortSignal): Promise<Experiment | null>;
  listExperiments(
    query: { name?: string | undefined; cursor?: string | undefined },
    signal?: AbortSignal,
  ): Promise<{ experiments: Experiment[]; nextCursor: string | null }>;
  searchRuns(
    query: {
      experimentIds: string[];
      filter?: string | undefined;
      orderBy?: string[] | undefined;
      maxResults?: number | undefined;
      cursor?: string | undefined;
    },
    signal?: AbortSignal,
  ): Promise<{ runs: MlflowRun[]; nextCursor: string | null }>;
  getMetricHistory(runId: string, metric: string, signal?: AbortSignal): Promise<Metric[]>;
  setTag(runId: string, key: string, value: string, signal?: AbortSignal): Promise<void>;
  /** The files and folders directly below `path`; a file's own path lists that file alone. */
  listArtifacts(query: { runId: string; path?: string | undefined }, signal?: AbortSignal): Promise<ArtifactFile[]>;
  /** Null: this server hands out no files (Databricks keeps them behind links). Throws TOO_LARGE above `largest` bytes. */
  getArtifact(query: { run: Pick<MlflowRun, 'runId' | 'artifactUri'>; path: string; largest: number }, signal?: AbortSignal): Promise<Uint8Array | null>;
};

export type MlflowLogin = { uri: string } & (
  | { token?: string | undefined; username?: undefined; password?: undefined; authorization?: undefined }
  | { username: string; password: string; token?: undefined; authorization?: undefined }
  /** Databricks hosts MLflow: its paths, its login, another page for a run. */
  | { authorization: Authorization; token?: undefined; username?: undefined; password?: undefined }
);

/** The tracking API 2.0 of one server. */
export function mlflow(login: MlflowLogin): MLflow {
  const uri = baseUrl(login.uri);

  async function ask<T>(schema: z.ZodType<T>, request: Omit<HttpRequest, 'upstream' | 'url' | 'headers'> & { path: string }, again = true): Promise<T> {
    const { path, ...rest } = request;
    const authorization = await credentials(login);
    try {
      return await sendJson({ ...rest, upstream: 'MLflow', url: `${uri}/api/2.0/mlflow/${path}`, headers: authorization ? { authorization } : {} }, schema);
    } catch (error) {
      // A 401 did nothing; a shared login may have expired in between.
      if (!(error instanceof UpstreamError) || error.status !== 401 || !again || !login.authorization) throw error;
      login.authorization.forget();
      return await ask(schema, request, false);
    }
  }

  const experiments = (filter: string | undefined, cursor: string | undefined, what: string, signal?: AbortSignal) =>
    ask(experimentPage, { path: 'experiments/search', what, json: { max_results: 100, filter, page_token: cursor }, signal });

  return {
    uri,
    runUrl({ experimentId, runId }) {
      return login.authorization ? `${uri}/ml/experiments/${experimentId}/runs/${runId}` : `${uri}/#/experiments/${experimentId}/runs/${runId}`;
    },
    async getRun(runId, signal) {
      const { run } = await ask(z.object({ run: apiRun }), { path: 'runs/get', what: `look up MLflow run ${runId}`, query: { run_id: runId }, signal });
      return runOf(run);
    },
    async findExperiment(nameOrId, signal) {
      const what = `look up the experiment "${nameOrId}"`;
      const one = z.object({ experiment: apiExperiment });
      const get = async (path: string, query: Record<string, string>) => {
        const experiment = (await unlessMissing(ask(one, { path, what, query, signal })))?.experiment;
        return experiment && experiment.lifecycle_stage !== 'deleted' ? { experimentId: experiment.experiment_id, name: experiment.name } : null;
      };
      const byName = await get('experiments/get-by-name', { experiment_name: nameOrId });
      if (byName) return byName;
      // LIKE knows wildcards, so what it finds is checked again here.
      const { experiments: near } = await experiments(`name LIKE ${quote(`%/${nameOrId}`)}`, undefined, what, signal);
      const bySuffix = near.filter((e) => e.name.endsWith(`/${nameOrId}`));
      if (bySuffix.length > 1) {
        const names = bySuffix.map((e) => e.name).join(', ');
        const facts = { upstream: 'MLflow', status: 200, code: 'AMBIGUOUS_EXPERIMENT', transient: false };
        throw new UpstreamError(`MLflow has ${bySuffix.length} experiments called "${nameOrId}": ${names}. Name one in full.`, facts);
      }
      if (bySuffix[0]) return { experimentId: bySuffix[0].experiment_id, name: bySuffix[0].name };
      return /^\d{1,19}$/.test(nameOrId) ? await get('experiments/get', { experiment_id: nameOrId }) : null;
    },
    async getExperiment(experimentId, signal) {
      const asking = { path: 'experiments/get', what: `look up experiment ${experimentId}`, query: { experiment_id: experimentId }, signal };
      const found = await unlessMissing(ask(z.object({ experiment: apiExperiment }), asking));
      return found && { experimentId: found.experiment.experiment_id, name: found.experiment.name };
    },
    async listExperiments({ name, cursor }, signal) {
      const page = await experiments(name ? `name ILIKE ${quote(`%${name}%`)}` : undefined, cursor, 'list experiments', signal);
      const found = page.experiments.map((e) => ({ experimentId: e.experiment_id, name: e.name }));
      return { experiments: found, nextCursor: page.next_page_token || null };
    },
    async searchRuns({ experimentIds, filter, orderBy, maxResults = 1000, cursor }, signal) {
      // max_results 0 would return a page token for ever, more than 50,000 is refused.
      const max_results = Math.min(Math.max(Math.trunc(maxResults), 1), 50_000);
      const json = { experiment_ids: experimentIds, filter, order_by: orderBy, max_results, page_token: cursor };
      const page = await ask(runPage, { path: 'runs/search', what: 'search MLflow runs', json, signal });
      return { runs: page.runs.map(runOf), nextCursor: page.next_page_token || null };
    },
    async getMetricHistory(runId, metric, signal) {
      const what = `read the history of ${metric} of MLflow run ${runId}`;
      const get = (token?: string) =>
        ask(historyPage, { path: 'metrics/get-history', what, query: { run_id: runId, metric_key: metric, page_token: token }, signal });
      const points: Metric[] = [];
      for await (const { metrics } of pages({ upstream: 'MLflow', what }, get, (page) => page.next_page_token)) for (const point of metrics) points.push(point);
      return points.sort((a, b) => a.step - b.step || a.timestamp - b.timestamp);
    },
    async setTag(runId, key, value, signal) {
      const what = `set the tag ${key} of MLflow run ${runId}`;
      await ask(z.unknown(), { path: 'runs/set-tag', what, json: { run_id: runId, key, value }, signal, timeoutMs: 6000 });
    },
    async listArtifacts({ runId, path }, signal) {
      const what = `list the artifacts of MLflow run ${runId}`;
      const get = (token?: string) => ask(apiArtifacts, { path: 'artifacts/list', what, query: { run_id: runId, path, page_token: token }, signal });
      const found: ArtifactFile[] = [];
      for await (const { files } of pages({ upstream: 'MLflow', what }, get, (page) => page.next_page_token)) {
        for (const f of files) found.push({ path: f.path, isDir: f.is_dir, size: f.is_dir ? null : (f.file_size ?? null) });
        if (found.length >= 1000) break;
      }
      return found;
    },
    async getArtifact({ run, path, largest }, signal) {
      if (login.authorization) return null;
      const authorization = await credentials(login);
      const headers = { accept: '*/*', ...(authorization ? { authorization } : {}) };
      const what = `fetch ${path} of MLflow run ${run.runId}`;
      return (await send({ upstream: 'MLflow', what, ...artifactRequest(uri, run, path), headers, largest, signal })).bytes;
    },
  };
}

/** A string for a filter: MLflow knows no escape, but both kinds of quotes. */
export function quote(text: string): string {
  if (!text.includes("'")) return `'${text}'`;
  if (!text.includes('"')) return `"${text}"`;
  const facts = { upstream: 'MLflow', status: 0, code: 'UNQUOTABLE', transient: false };
  throw new UpstreamError('MLflow cannot search for text that holds both kinds of quotes.', facts);
}

async function credentials(login: MlflowLogin): Promise<string | null> {
  if (login.authorization) return await login.authorization.header();
  if (login.token) return `Bearer ${login.token}`;
  return login.username === undefined ? null : `Basic ${Buffer.from(`${login.username}:${login.password}`).toString('base64')}`;
}

// Empty arrays are left out of the answers.
const experimentPage = z.object({ experiments: z.array(apiExperiment).default([]), next_page_token: z.string().optional() });
const runPage = z.object({ runs: z.array(apiRun).default([]), next_page_token: z.string().optional() });
const historyPage = z.object({ metrics: z.array(apiMetric).default([]), next_page_token: z.string().optional() });
