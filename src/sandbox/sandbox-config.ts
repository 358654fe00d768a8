import { app, channels, groups } from './slack/seed.ts';

/** A team's own MCP server, as any host would be told of it. What it says of itself is believed, so that looks run by themselves. */
const mountedRegistry = {
  policy: { default: 'ask', rules: [{ tool: 'mcp__feature-registry__*', action: 'auto', when: { readOnly: true } }] },
  mcpServers: {
    'feature-registry': { type: 'http', url: variable('FEATURE_REGISTRY_URL'), headers: { Authorization: `Bearer ${variable('FEATURE_REGISTRY_TOKEN')}` } },
  },
  mounts: { 'feature-registry': { trusted: true } },
};

/** As labmate.json names an environment variable. */
function variable(name: string): string {
  return `\${${name}}`;
}

/** The labmate.json of the sandbox: what a team would write for the workspace, jobs, repository and experiment that the stand-ins hold. */
export function sandboxConfig({ registry = false } = {}): Record<string, unknown> {
  const channel = channels[0]?.id ?? '';
  return {
    channels: [channel],
    approvers: { default: { users: [], groups: groups.map((group) => group.id), quorum: 1, requesterMayApprove: false, expiresAfter: '24h', channel } },
    executionExpiresAfter: '15m',
    environments: {
      dev: { jobs: ['101', '102', '9007199254740993123', 'ads-*'], tags: { env: 'dev' } },
      prod: { jobs: ['900', '903'], tags: { env: 'prod' }, runAs: ['sp-prod-*', 'sp-finance'], parameters: { catalog: ['prod*'] } },
    },
    actIn: ['dev'],
    allow: { experiments: ['*'], dashboards: ['*'], channels: [channel] },
    policy: { default: 'ask', rules: [] },
    metrics: { val_f1: 'max', val_loss: 'min', val_auc: 'max', train_loss: 'min' },
    thresholdReading: 'relative',
    defaults: { job: '101', experiment: 'ads-rank-v3', repository: 'acme/ads', base: 'main' },
    github: { repositories: ['acme/ads'], recordsPath: 'experiments' },
    onStop: 'ask',
    record: { anchor: true },
    ...(registry ? mountedRegistry : {}),
  };
}

/** Secrets of a world that holds none: their only use is to have the right shape. */
export const TOKENS = {
  bot: `xoxb-sandbox-${app.id}`,
  app: `xapp-sandbox-${app.id}`,
  signing: 'sandbox-signing-secret',
  claude: 'sk-ant-sandbox',
  databricks: 'dapi-sandbox-token',
  mlflow: 'mlflow-sandbox-token',
  github: 'ghp_sandbox_token',
  grafana: 'glsa_sandbox_token',
  registry: 'feature-registry-sandbox-token',
} as const;
