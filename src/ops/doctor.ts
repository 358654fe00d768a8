import { modelFacts } from '../agent/claude.ts';
import type { AnyConfig, Read } from '../config.ts';
import { openServices } from '../open-services.ts';
import { defaultFindings, fixesOf } from './doctor-backends.ts';
import { mountFindings } from './doctor-mounts.ts';
import { placeholderFindings } from './doctor-placeholders.ts';
import { slackFindings } from './doctor-slack.ts';
import { type Finding, leftOut, look, ok, reach, warning, wrong } from './findings.ts';
import { reachRedis } from './reach-redis.ts';

/** Looks at everything labmate leans on, all at once, and touches nothing. Each finding names the fix. */
export async function examine(read: Read<AnyConfig>): Promise<Finding[]> {
  if (!read.ok) return read.faults.map((text) => wrong('configuration', text));
  const { config } = read;
  const looked = await Promise.all([
    redisFindings(config),
    slackFindings(config),
    claudeFindings(config),
    tracesFindings(config),
    ...backendFindings(config),
    mountFindings(config),
  ]);
  return [
    ok('configuration', config.fileFound ? 'every variable and labmate.json can be read' : 'every variable can be read'),
    ...config.warnings.map((text) => warning('configuration', text)),
    ...placeholderFindings(config),
    ...proxyFindings(config),
    ...looked.flat(),
  ];
}

function proxyFindings({ proxies }: AnyConfig): Finding[] {
  if (!proxies) return [];
  const by = (address: string) => `${new URL(address).protocol}//${new URL(address).host}`;
  const https = proxies.https || proxies.http;
  const http = proxies.http ? `, plain HTTP through ${by(proxies.http)}` : ', plain HTTP straight (HTTP_PROXY is not set)';
  return [ok('proxy', `requests go through ${by(https)}${http}, but for this machine's own${proxies.except ? ` and ${proxies.except}` : ''}`)];
}

async function redisFindings({ redis }: AnyConfig): Promise<Finding[]> {
  if (!redis) return [wrong('Redis', 'REDIS_URL is not set; without it nothing can be remembered. redis://127.0.0.1:6379 for one on this machine.')];
  return look('Redis', async () => {
    const warnings: string[] = [];
    const connection = await reachRedis(redis.url, (sentence) => warnings.push(sentence));
    connection.disconnect();
    return [ok('Redis', `answers, keys begin with {${redis.prefix}}`), ...warnings.map((text) => warning('Redis', text))];
  });
}

async function claudeFindings({ claude }: AnyConfig): Promise<Finding[]> {
  if (!claude) return [wrong('Claude', 'ANTHROPIC_API_KEY is not set; without it nothing can be planned.')];
  return look('Claude', async (signal) => {
    const facts = await modelFacts(claude, signal);
    if (!facts.known) return [wrong('Claude', /ANTHROPIC_/.test(facts.why) ? facts.why : `${facts.why} Correct ANTHROPIC_BASE_URL, or see to the network.`)];
    if (facts.lifecycle === 'retired') return [wrong('Claude', `${facts.id} is retired: set ANTHROPIC_MODEL to another.`)];
    const ends = facts.retiresAt ? `, on ${facts.retiresAt.slice(0, 10)}` : '';
    if (facts.lifecycle === 'deprecated') return [warning('Claude', `${facts.id} will be retired${ends}: set ANTHROPIC_MODEL to another by then.`)];
    return `${facts.id} can be used with ANTHROPIC_API_KEY`;
  });
}

/** Sends an empty export, which every collector takes and none keeps. */
async function tracesFindings({ otlpEndpoint }: AnyConfig): Promise<Finding[]> {
  if (otlpEndpoint === null) return [];
  return look('traces', async (signal) => {
    const headers = { 'content-type': 'application/x-protobuf' };
    const answer = await fetch(`${otlpEndpoint}/v1/traces`, { method: 'POST', headers, body: new Uint8Array(), redirect: 'error', signal }).catch(() => null);
    if (answer?.ok) return 'the collector takes them';
    const what = answer ? `answers ${answer.status}` : 'does not answer';
    return [warning('traces', `the collector ${what}: correct OTEL_EXPORTER_OTLP_ENDPOINT, or its OTEL_EXPORTER_OTLP_HEADERS. Sessions go on without traces.`)];
  });
}

function backendFindings(config: AnyConfig): Promise<Finding[]>[] {
  const { databricks, mlflow, grafana, github } = openServices(config);
  const { backends, settings, permissions } = config;
  const { repository } = settings.defaults;
  const repositories = permissions.repositories.length > 0 ? permissions.repositories : [repository].filter((r) => r !== undefined);
  const absent = (about: string, variables: string) => Promise.resolve([leftOut(about, `${variables} not set: its tools are not offered`)]);
  const fixes = fixesOf(backends);
  return [
    databricks
      ? look('Databricks', async (signal) => jobsSeen(await databricks.listJobs({}, signal)), fixes.databricks)
      : absent('Databricks', 'DATABRICKS_HOST'),
    mlflow
      ? look(
          'MLflow',
          async (signal) => `answers, ${(await mlflow.listExperiments({}, signal)).experiments.length} experiments on its first page`,
          fixes.mlflow,
        )
      : absent('MLflow', 'MLFLOW_TRACKING_URI'),
    grafana && backends.grafana ? look('Grafana', (signal) => grafanaHealth(backends.grafana, signal)) : absent('Grafana', 'GRAFANA_URL'),
    ...(github
      ? repositories.map((repo) =>
          look(`GitHub ${repo}`, async (signal) => `can be read, its default branch is ${(await github.getRepo(repo, signal)).defaultBranch}`, fixes.github),
        )
      : [absent('GitHub', 'GITHUB_TOKEN or GITHUB_APP_ID')]),
    ...defaultFindings(config, { databricks, mlflow, github }, fixes),
  ];
}

function jobsSeen({ jobs }: { jobs: readonly unknown[] }): string | Finding[] {
  return jobs.length > 0
    ? `answers, ${jobs.length} jobs on its first page`
    : [warning('Databricks', 'answers, but shows no job, as its token may see none: grant it CAN_VIEW on those that it is to know.')];
}

async function grafanaHealth(grafana: AnyConfig['backends']['grafana'], signal: AbortSignal): Promise<string> {
  const answer = await reach('GRAFANA_URL', `${grafana?.url}/api/frontend/settings`, {
    headers: { authorization: `Bearer ${grafana?.token}` },
    redirect: 'error',
    signal,
  });
  if (answer.ok) return 'answers and accepts the token';
  throw new Error(`answers ${answer.status}: ${answer.status === 401 ? 'GRAFANA_SERVICE_ACCOUNT_TOKEN is not accepted.' : 'see GRAFANA_URL.'}`);
}
