import type { Env } from './config-env.ts';
import type { DatabricksLogin } from './services/databricks-auth.ts';
import type { GitHubOptions } from './services/github.ts';

/** How each backend is reached. One without its variables is undefined: its tools are not listed. */
export type Backends = {
  databricks?: DatabricksLogin | undefined;
  mlflow?: MLflowConfig | undefined;
  github?: GitHubOptions | undefined;
  grafana?: { url: string; token: string } | undefined;
};
/** `databricks`: hosted there, with the same host and login. */
export type MLflowConfig = { uri: string } & (
  | { databricks: DatabricksLogin }
  | { token: string }
  | { username: string; password: string }
  | { anonymous: true }
);

/** What makes each service known; .env.example explains each. */
export const VARIABLES = {
  claude: 'ANTHROPIC_API_KEY',
  slack: 'SLACK_BOT_TOKEN, and SLACK_APP_TOKEN or SLACK_SIGNING_SECRET',
  databricks: 'DATABRICKS_HOST, and DATABRICKS_TOKEN or DATABRICKS_CLIENT_ID and DATABRICKS_CLIENT_SECRET',
  mlflow: 'MLFLOW_TRACKING_URI',
  github: 'GITHUB_TOKEN, or GITHUB_APP_ID, GITHUB_APP_PRIVATE_KEY and GITHUB_APP_INSTALLATION_ID',
  grafana: 'GRAFANA_URL and GRAFANA_SERVICE_ACCOUNT_TOKEN',
} as const;

export function backendsOf(env: Env): Backends {
  const databricks = databricksOf(env);
  return { databricks, mlflow: mlflowOf(env, databricks), github: githubOf(env), grafana: grafanaOf(env) };
}

function databricksOf(env: Env): Backends['databricks'] {
  const host = env.url('DATABRICKS_HOST', { schemeless: true });
  const token = env.secret('DATABRICKS_TOKEN');
  const clientId = env.text('DATABRICKS_CLIENT_ID');
  const clientSecret = env.secret('DATABRICKS_CLIENT_SECRET');
  const auth = token ? { token } : clientId && clientSecret ? { clientId, clientSecret } : null;
  if (host && auth) return { host, ...auth };
  if (env.has('DATABRICKS_HOST') && !auth)
    env.faults.push('DATABRICKS_HOST is set without credentials: set DATABRICKS_TOKEN, or DATABRICKS_CLIENT_ID and DATABRICKS_CLIENT_SECRET.');
  if (auth && !env.has('DATABRICKS_HOST')) env.faults.push('Databricks credentials are set without DATABRICKS_HOST: set it to https://….cloud.databricks.com.');
  return undefined;
}

function mlflowOf(env: Env, databricks: Backends['databricks']): Backends['mlflow'] {
  const token = env.secret('MLFLOW_TRACKING_TOKEN');
  const username = env.text('MLFLOW_TRACKING_USERNAME');
  const password = env.secret('MLFLOW_TRACKING_PASSWORD');
  if (Boolean(username) !== Boolean(password)) env.faults.push('MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD belong together: set both or neither.');
  if (env.text('MLFLOW_TRACKING_URI') === 'databricks') {
    if (databricks) return { uri: databricks.host, databricks };
    env.faults.push('MLFLOW_TRACKING_URI is "databricks", which needs DATABRICKS_HOST and its credentials.');
    return undefined;
  }
  const uri = env.url('MLFLOW_TRACKING_URI');
  if (!uri) return undefined;
  if (token) return { uri, token };
  return username && password ? { uri, username, password } : { uri, anonymous: true };
}

function githubOf(env: Env): Backends['github'] {
  const token = env.secret('GITHUB_TOKEN');
  const appId = env.text('GITHUB_APP_ID');
  // Settings that hold one line carry the key's line ends as \n.
  const privateKey = env.secret('GITHUB_APP_PRIVATE_KEY')?.replaceAll('\\n', '\n');
  const installationId = env.text('GITHUB_APP_INSTALLATION_ID');
  const baseUrl = env.url('GITHUB_API_URL');
  if (token) return { token, baseUrl };
  if (appId && privateKey && installationId) return { app: { appId, privateKey, installationId }, baseUrl };
  if (appId || privateKey || installationId)
    env.faults.push('A GitHub app needs all of GITHUB_APP_ID, GITHUB_APP_PRIVATE_KEY and GITHUB_APP_INSTALLATION_ID; or set GITHUB_TOKEN instead.');
  return undefined;
}

function grafanaOf(env: Env): Backends['grafana'] {
  const url = env.url('GRAFANA_URL');
  const token = env.secret('GRAFANA_SERVICE_ACCOUNT_TOKEN');
  if (url && token) return { url, token };
  if (env.has('GRAFANA_URL') && !token)
    env.faults.push('GRAFANA_URL is set without GRAFANA_SERVICE_ACCOUNT_TOKEN: create a service account token with the Viewer role.');
  if (token && !env.has('GRAFANA_URL')) env.faults.push('GRAFANA_SERVICE_ACCOUNT_TOKEN is set without GRAFANA_URL.');
  return undefined;
}
