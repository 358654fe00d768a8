import { parseExactJson } from './exact-json.ts';

/** What a scenario may look up where the effects are: in the services themselves, through their own APIs. */
export type Backends = {
  /** Training runs, newest first. */
  runs(): Promise<BackendRun[]>;
  pulls(): Promise<BackendPull[]>;
  /** What was marked in the feature registry, the mounted MCP server. */
  marked(): Promise<{ name: string; run_id: string }[]>;
  /** The tags of the MLflow run that a training run logged to. */
  tags(runId: string): Promise<Record<string, string>>;
};
export type BackendRun = { runId: string; jobId: string; parameters: Record<string, string>; result: string | null };
export type BackendPull = { number: number; title: string; body: string; url: string };

/** Asks the services that these environment variables name, stand-ins or not. */
export function backendsOf(variables: Readonly<Record<string, string>>, names = { repository: 'acme/ads', experiment: 'ads-rank-v3' }): Backends {
  const databricks = client(variables['DATABRICKS_HOST'], variables['DATABRICKS_TOKEN']);
  const mlflow = client(variables['MLFLOW_TRACKING_URI'], variables['MLFLOW_TRACKING_TOKEN']);
  const github = client(variables['GITHUB_API_URL'], variables['GITHUB_TOKEN']);
  const registry = client(variables['FEATURE_REGISTRY_URL']?.replace(/\/mcp$/, ''), variables['FEATURE_REGISTRY_TOKEN']);
  return {
    marked: async () => (await registry('/marked')) as { name: string; run_id: string }[],
    async runs() {
      const { runs = [] } = (await databricks('/api/2.2/jobs/runs/list?limit=24')) as { runs?: RunAnswer[] };
      return runs.map((run) => ({
        runId: String(run.run_id),
        jobId: String(run.job_id),
        parameters: Object.fromEntries((run.job_parameters ?? []).map((p) => [p.name, p.value ?? p.default ?? ''])),
        result: run.state?.result_state ?? null,
      }));
    },
    async pulls() {
      const pulls = (await github(`/repos/${names.repository}/pulls?state=all&per_page=100`)) as PullAnswer[];
      return pulls.map(({ number, title, body, html_url: url }) => ({ number, title, body: body ?? '', url }));
    },
    async tags(runId) {
      const byName = `/api/2.0/mlflow/experiments/get-by-name?experiment_name=${encodeURIComponent(names.experiment)}`;
      const { experiment } = (await mlflow(byName)) as { experiment: { experiment_id: string } };
      const search = { experiment_ids: [experiment.experiment_id], max_results: 1000 };
      const { runs = [] } = (await mlflow('/api/2.0/mlflow/runs/search', search)) as { runs?: { data?: { tags?: { key: string; value: string }[] } }[] };
      const tags = runs.map((run) => Object.fromEntries((run.data?.tags ?? []).map(({ key, value }) => [key, value])));
      return tags.find((t) => t['mlflow.databricks.jobRunID'] === runId) ?? {};
    },
  };
}

type RunAnswer = {
  run_id: number | string;
  job_id: number | string;
  state?: { result_state?: string };
  job_parameters?: { name: string; default?: string; value?: string }[];
};
type PullAnswer = { number: number; title: string; body: string | null; html_url: string };

function client(base = '', token = ''): (path: string, body?: unknown) => Promise<unknown> {
  return async (path, body) => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const init = body === undefined ? { headers } : { headers, method: 'POST', body: JSON.stringify(body) };
    const response = await fetch(base.replace(/\/$/, '') + path, init);
    if (!response.ok) throw new Error(`${path} answered ${response.status}.`);
    return parseExactJson(await response.text());
  };
}
