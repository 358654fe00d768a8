import { lastPoint, type Point, type StoredExperiment, type StoredRun } from './mlflow-runs.ts';
import type { Answered } from './stand-in.ts';

/** MLflow's own JSON, as a tracking server 3.17 writes it: empty arrays are left out, NaN is a string. */

/** A refusal in MLflow's words. */
export class MlflowError extends Error {
  readonly status: number;
  readonly code: 'RESOURCE_DOES_NOT_EXIST' | 'INVALID_PARAMETER_VALUE';
  constructor(code: MlflowError['code'], message: string) {
    super(message);
    this.status = code === 'RESOURCE_DOES_NOT_EXIST' ? 404 : 400;
    this.code = code;
  }
}

export const invalid = (message: string) => new MlflowError('INVALID_PARAMETER_VALUE', message);
export const missing = (message: string) => new MlflowError('RESOURCE_DOES_NOT_EXIST', message);

export function refusal({ status, code, message }: { status: number; code: MlflowError['code']; message: string }): Answered {
  const error_class = code === 'RESOURCE_DOES_NOT_EXIST' ? 'RESOURCE_NOT_FOUND' : code;
  return { status, body: { error_code: code, message, sqlstate: 'KAM00', error_class } };
}

/** A parameter that must be there and must be text. */
export function required(name: string, value: unknown): string {
  if (value === undefined || value === null || value === '')
    throw invalid(`Missing value for required parameter '${name}'. See the API docs for more information about request parameters.`);
  if (typeof value === 'string') return value;
  throw strange(name, value);
}

/** One page and the token of the next. A `promising` list gives a token with every full page, even the last. */
export function page<T>(found: readonly T[], { most, token, promising }: { most: number; token: string | null | undefined; promising: boolean }) {
  const from = token ? offsetIn(token) : 0;
  const items = found.slice(from, from + most);
  const more = promising ? items.length === most : from + most < found.length;
  return { items, next: more ? { next_page_token: Buffer.from(JSON.stringify({ offset: from + most })).toString('base64') } : {} };
}

/** `max_results` of a search; digits in a string count. */
export function mostResults(value: unknown, otherwise: number): number {
  const most = Number(value ?? otherwise);
  if (!Number.isInteger(most)) throw strange('max_results', value);
  if (most < 1) throw invalid(`Invalid value ${most} for parameter 'max_results' supplied. It must be a positive integer`);
  return most;
}

export const strange = (name: string, value: unknown) =>
  invalid(
    `Invalid value ${String(value)} for parameter '${name}' supplied:  Hint: Value was of type '${typeof value === 'number' ? 'int' : typeof value}'. See the API docs for more information about request parameters.`,
  );

export const artifactUri = (run: StoredRun) => `mlflow-artifacts:/${run.experimentId}/${run.runId}/artifacts`;

export function experimentJson({ id, name, deleted }: StoredExperiment, bornAt: number) {
  const made = bornAt - 500 * 3_600_000;
  return {
    experiment_id: id,
    name,
    artifact_location: `mlflow-artifacts:/${id}`,
    lifecycle_stage: deleted ? 'deleted' : 'active',
    last_update_time: made,
    creation_time: made,
    workspace: 'default',
  };
}

export function runJson(run: StoredRun): Record<string, unknown> {
  const pairs = (values: Record<string, string>) => Object.entries(values).map(([key, value]) => ({ key, value }));
  const metrics = Object.entries(run.history).flatMap(([key, points]) => {
    const last = lastPoint(points);
    return last ? [pointJson(key, last)] : [];
  });
  const filled = <T>(name: string, list: T[]) => (list.length ? { [name]: list } : {});
  const dataset = { name: 'ads.clicks', digest: 'a41c9f02', source_type: 'delta_table', source: '{}', schema: '{}', profile: '{}' };
  return {
    info: {
      run_uuid: run.runId,
      experiment_id: run.experimentId,
      run_name: run.name,
      user_id: run.tags['mlflow.user'] ?? 'unknown',
      status: run.status,
      start_time: run.start,
      ...(run.end === null ? {} : { end_time: run.end }),
      artifact_uri: artifactUri(run),
      lifecycle_stage: run.deleted ? 'deleted' : 'active',
      run_id: run.runId,
    },
    data: { ...filled('metrics', metrics), ...filled('params', pairs(run.params)), ...filled('tags', pairs({ ...run.tags, 'mlflow.runName': run.name })) },
    inputs: { dataset_inputs: [{ tags: [{ key: 'mlflow.data.context', value: 'training' }], dataset }] },
    outputs: {},
  };
}

export function pointJson(key: string, { value, timestamp, step }: Point) {
  return { key, value: Number.isFinite(value) ? value : String(value), timestamp, step };
}

function offsetIn(token: string): number {
  try {
    const { offset } = JSON.parse(Buffer.from(token, 'base64').toString()) as { offset: unknown };
    if (Number.isInteger(offset)) return offset as number;
  } catch {
    // Not one of ours, which is said below.
  }
  throw invalid('Invalid page token, could not base64-decode');
}
