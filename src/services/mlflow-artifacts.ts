import type { MlflowRun } from './mlflow.ts';

/**
 * Where a run's file is fetched from. A server that keeps the files itself names them by an `mlflow-artifacts:` address and hands them out below its API; for any other
 * store the server's own page fetches them. Each part of a path is escaped, so that no name can lead elsewhere.
 */
export function artifactRequest(
  uri: string,
  { runId, artifactUri }: Pick<MlflowRun, 'runId' | 'artifactUri'>,
  path: string,
): { url: string; query?: Record<string, string> } {
  const kept = /^mlflow-artifacts:(?:\/\/[^/]*)?\/(.*)$/.exec(artifactUri)?.[1];
  if (kept === undefined) return { url: `${uri}/get-artifact`, query: { run_id: runId, path } };
  const below = `${kept}/${path}`.split('/').filter((part) => part !== '');
  return { url: `${uri}/api/2.0/mlflow-artifacts/artifacts/${below.map(encodeURIComponent).join('/')}` };
}
