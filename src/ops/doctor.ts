import type { AnyConfig, Read } from '../config.ts';
import { openServices } from '../open-services.ts';
import { slackService } from '../services/slack.ts';
import { reachRedis } from './reach-redis.ts';

/** One thing looked at. `wrong` would stop or break something; `warning` is unwise; `left out` is not configured, with what that costs. */
export type Finding = { is: 'ok' | 'left out' | 'warning' | 'wrong'; about: string; text: string };

/** Looks at everything labmate leans on, all at once, and touches nothing. Each finding names the fix. */
export async function examine(read: Read<AnyConfig>): Promise<Finding[]> {
  if (!read.ok) return read.faults.map((text) => wrong('configuration', text));
  const { config } = read;
  const looked = await Promise.all([redisFindings(config), slackFindings(config), claudeFindings(config), ...backendFindings(config)]);
  return [
    ok('configuration', config.fileFound ? 'every variable and labmate.json can be read' : 'every variable can be read'),
    ...config.warnings.map((text) => warning('configuration', text)),
    ...looked.flat(),
  ];
}

const ok = (about: string, text: string): Finding => ({ is: 'ok', about, text });
const wrong = (about: string, text: string): Finding => ({ is: 'wrong', about, text });
const warning = (about: string, text: string): Finding => ({ is: 'warning', about, text });
const leftOut = (about: string, text: string): Finding => ({ is: 'left out', about, text });

const LIMIT_MS = 10_000;

/** What a look-up says when it works, or why it does not. */
async function look(about: string, work: (signal: AbortSignal) => Promise<string | Finding[]>): Promise<Finding[]> {
  try {
    const answer = await work(AbortSignal.timeout(LIMIT_MS));
    return typeof answer === 'string' ? [ok(about, answer)] : answer;
  } catch (error) {
    return [wrong(about, error instanceof Error && error.name !== 'TimeoutError' ? error.message : `no answer within ${LIMIT_MS / 1000} s`)];
  }
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

async function slackFindings({ slack, channels }: AnyConfig): Promise<Finding[]> {
  if (!slack) return [wrong('Slack', 'SLACK_BOT_TOKEN and SLACK_APP_TOKEN (or SLACK_SIGNING_SECRET) are not set; "labmate manifest" makes the app.')];
  const service = slackService({ token: slack.botToken, apiUrl: slack.apiUrl });
  const bot = look('Slack', async (signal) => `bot user ${(await service.self(signal)).user} signs in with SLACK_BOT_TOKEN`);
  const seen = channels.map((channel) =>
    look(`channel ${channel}`, async (signal) => {
      const name = await service.channelName(channel, signal);
      return name === null ? [warning(`channel ${channel}`, 'the bot cannot see it: invite it there, or correct "channels" in labmate.json.')] : `is #${name}`;
    }),
  );
  const { transport } = slack;
  const socket =
    transport.mode === 'http'
      ? [[ok('Slack events', 'HTTP mode: Slack must reach POST /slack/events at PORT')]]
      : [await look('Slack events', (signal) => openSocket(slack.apiUrl ?? 'https://slack.com/api', transport.appToken, signal))];
  return [...(await bot), ...socket.flat(), ...(await Promise.all(seen)).flat(), ...(await manifestFindings())];
}

/** Asks for a Socket Mode address and does not use it. */
async function openSocket(apiUrl: string, appToken: string, signal: AbortSignal): Promise<string> {
  const url = `${apiUrl.replace(/\/+$/, '')}/apps.connections.open`;
  const answer = await fetch(url, { method: 'POST', headers: { authorization: `Bearer ${appToken}` }, redirect: 'error', signal });
  const body = (await answer.json()) as { ok?: boolean; error?: string };
  if (body.ok) return 'Socket Mode opens with SLACK_APP_TOKEN';
  throw new Error(
    `Slack refuses Socket Mode (${String(body.error).slice(0, 60)}): SLACK_APP_TOKEN needs the scope connections:write, and the app Socket Mode.`,
  );
}

async function manifestFindings(): Promise<Finding[]> {
  return look('manifest', async () => {
    const { readFile } = await import('node:fs/promises');
    const { manifestYaml } = await import('../slack/manifest.ts');
    const file = await readFile(new URL('../../manifest.yml', import.meta.url), 'utf8');
    if (file === manifestYaml()) return 'manifest.yml is what this version needs';
    return [
      warning('manifest', 'manifest.yml differs from what this version needs: write it with "labmate manifest > manifest.yml" and update the Slack app.'),
    ];
  });
}

async function claudeFindings({ claude }: AnyConfig): Promise<Finding[]> {
  if (!claude) return [wrong('Claude', 'ANTHROPIC_API_KEY is not set; without it nothing can be planned.')];
  return look('Claude', async (signal) => {
    const url = `${claude.baseUrl ?? 'https://api.anthropic.com'}/v1/models/${encodeURIComponent(claude.model)}`;
    const answer = await fetch(url, { headers: { 'x-api-key': claude.apiKey, 'anthropic-version': '2023-06-01' }, redirect: 'error', signal });
    if (answer.ok) return `${claude.model} can be used with ANTHROPIC_API_KEY`;
    if (answer.status === 404) throw new Error(`there is no model ${claude.model}: correct ANTHROPIC_MODEL.`);
    throw new Error(`the Messages API answers ${answer.status}: ${answer.status === 401 ? 'ANTHROPIC_API_KEY is not accepted.' : 'see ANTHROPIC_BASE_URL.'}`);
  });
}

function backendFindings(config: AnyConfig): Promise<Finding[]>[] {
  const { databricks, mlflow, grafana, github } = openServices(config);
  const { backends, settings, permissions } = config;
  const repositories = permissions.repositories.length > 0 ? permissions.repositories : [settings.defaults.repository].filter((r) => r !== undefined);
  const absent = (about: string, variables: string) => Promise.resolve([leftOut(about, `${variables} not set: its tools are not offered`)]);
  return [
    databricks ? look('Databricks', async (signal) => jobsSeen(await databricks.listJobs({}, signal))) : absent('Databricks', 'DATABRICKS_HOST'),
    mlflow
      ? look('MLflow', async (signal) => `answers, ${(await mlflow.listExperiments({}, signal)).experiments.length} experiments on its first page`)
      : absent('MLflow', 'MLFLOW_TRACKING_URI'),
    grafana && backends.grafana ? look('Grafana', (signal) => grafanaHealth(backends.grafana, signal)) : absent('Grafana', 'GRAFANA_URL'),
    ...(github
      ? repositories.map((repo) =>
          look(`GitHub ${repo}`, async (signal) => `can be read, its default branch is ${(await github.getRepo(repo, signal)).defaultBranch}`),
        )
      : [absent('GitHub', 'GITHUB_TOKEN or GITHUB_APP_ID')]),
  ];
}

function jobsSeen({ jobs }: { jobs: readonly unknown[] }): string | Finding[] {
  return jobs.length > 0 ? `answers, ${jobs.length} jobs on its first page` : [warning('Databricks', 'answers, but shows no job: its token may see none.')];
}

async function grafanaHealth(grafana: AnyConfig['backends']['grafana'], signal: AbortSignal): Promise<string> {
  const answer = await fetch(`${grafana?.url}/api/frontend/settings`, { headers: { authorization: `Bearer ${grafana?.token}` }, redirect: 'error', signal });
  if (answer.ok) return 'answers and accepts the token';
  throw new Error(`answers ${answer.status}: ${answer.status === 401 ? 'GRAFANA_SERVICE_ACCOUNT_TOKEN is not accepted.' : 'see GRAFANA_URL.'}`);
}
