import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseEnv } from 'node:util';
import type { MountedServer } from './agent/mount.ts';
import { type Backends, backendsOf } from './config-backends.ts';
import { Env, type Variables } from './config-env.ts';
import { schemaFaults } from './config-faults.ts';
import { type ConfigFile, fileSchema } from './config-file.ts';
import { mountedServers } from './config-mounts.ts';
import { contradictions, permissionsOf, warningsOf } from './config-permissions.ts';
import { whyNotRead } from './file-faults.ts';
import { parseJsonc } from './jsonc.ts';
import type { Permissions } from './policy/rules.ts';
import { readRedisUrl } from './runtime/redis-address.ts';
import type { BudgetLimits } from './session/budget.ts';
import type { ToolSettings } from './tools/define-tool.ts';

/** Where labmate meets its surroundings: environment variables and labmate.json, read once, checked whole. Nothing else reads process.env. */

export type SlackConfig = {
  botToken: string;
  apiUrl?: string | undefined;
  /** Reads the app's own manifest; only the doctor uses it. */
  configToken?: string | undefined;
  transport: { mode: 'socket'; appToken: string } | { mode: 'http'; signingSecret: string };
};

export type McpHttpConfig = {
  port: number;
  host: string;
  allowedHosts: string[];
  /** By the SHA-256 of the bearer token. */
  tokens: Record<string, { user: string; scope: 'read' | 'write'; audience?: string | undefined }>;
};

/** All that is configured; what is left out is null. */
export type AnyConfig = {
  role: 'gateway' | 'worker' | 'all';
  slack: SlackConfig | null;
  redis: { url: string; prefix: string } | null;
  claude: { apiKey: string; baseUrl?: string | undefined; model: string } | null;
  backends: Backends;
  /** For the header of POST /hooks/databricks; null: the hook is off. */
  databricksWebhookSecret: string | null;
  port: number;
  admin: { host: string; port: number };
  /** Whether the bells can be looked at on the admin port. */
  queueBoard: boolean;
  mcpHttp: McpHttpConfig | null;
  /** The Slack user at a stdio door. */
  user: string | null;
  /** HTTPS_PROXY, HTTP_PROXY and NO_PROXY; null: requests go straight. */
  proxies: { https: string; http: string; except: string } | null;
  logLevel: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';
  otlpEndpoint: string | null;
  channels: string[];
  permissions: Permissions;
  settings: ToolSettings;
  onStop: 'ask' | 'cancel' | 'leave';
  budgets: { turns: number; toolCalls: number; outputTokens: number; wallTimeMs: number; perUser: number; perTeam: number; usd?: BudgetLimits['usd'] };
  /** US dollars for a million tokens, by model. */
  pricing: ConfigFile['pricing'];
  record: { anchor: boolean };
  retentionMs: number;
  /** The MCP servers whose tools a session may call. */
  mounted: MountedServer[];
  /** Every secret value given to us, to be scrubbed wherever text leaves. */
  secrets: string[];
  /** Sentences for the log at start-up. */
  warnings: string[];
  /** Whether there is a labmate.json at all. */
  fileFound: boolean;
};

/** What `labmate start` needs: Slack, Redis and Claude are there. */
export type Config = AnyConfig & { slack: SlackConfig; redis: { url: string; prefix: string }; claude: { apiKey: string; model: string } };

/** What the log needs: Redis is there. */
export type CoreConfig = AnyConfig & { redis: { url: string; prefix: string } };

export type Read<C> = { ok: true; config: C } | { ok: false; faults: string[] };

export type ReadOptions = {
  /** Every tool there is, so that a rule for a misspelt one is found. */
  tools?: readonly string[] | undefined;
  /** How the file is called in messages. */
  fileName?: string | undefined;
};

/** Everything that `start` needs, or every fault at once, each naming the variable or the key and the fix. Pure. */
export function readConfig(variables: Variables, fileText?: string, options: ReadOptions = {}): Read<Config> {
  const read = readAnyConfig(variables, fileText, options);
  const absent: string[] = [];
  const env = new Env(variables);
  if (!env.has('SLACK_BOT_TOKEN')) absent.push('SLACK_BOT_TOKEN is not set: the bot token (xoxb-…) from the app’s "OAuth & Permissions" page.');
  if (!env.has('SLACK_APP_TOKEN') && !env.has('SLACK_SIGNING_SECRET'))
    absent.push('Neither SLACK_APP_TOKEN (xapp-…, Socket Mode) nor SLACK_SIGNING_SECRET (HTTP mode) is set: one of them says how Slack reaches labmate.');
  if (!env.has('ANTHROPIC_API_KEY')) absent.push('ANTHROPIC_API_KEY is not set: the key of the model that plans.');
  if (!env.has('REDIS_URL')) absent.push('REDIS_URL is not set: redis://127.0.0.1:6379 for a Redis on this machine.');
  if (!read.ok) return { ok: false, faults: [...absent, ...read.faults] };
  return absent.length > 0 ? { ok: false, faults: absent } : { ok: true, config: read.config as Config };
}

/** The same for commands that run on less: what is not set is null, what is set wrongly is still a fault. */
export function readAnyConfig(variables: Variables, fileText?: string, options: ReadOptions = {}): Read<AnyConfig> {
  const env = new Env(variables);
  const file = readFile(fileText, options, env.faults);
  const config: AnyConfig = {
    role: env.oneOf('ROLE', ['gateway', 'worker', 'all'], 'all'),
    slack: slackOf(env),
    redis: redisOf(env),
    claude: claudeOf(env),
    backends: backendsOf(env),
    databricksWebhookSecret: env.secret('DATABRICKS_WEBHOOK_SECRET') ?? null,
    port: env.port('PORT', 3000),
    admin: { host: env.text('ADMIN_HOST') ?? '127.0.0.1', port: env.port('ADMIN_PORT', 3001) },
    queueBoard: env.oneOf('QUEUE_BOARD', ['on', 'off'], 'off') === 'on',
    mcpHttp: env.mcpHttp(),
    user: env.slackUser('LABMATE_USER') ?? null,
    proxies: env.proxies(),
    logLevel: env.oneOf('LOG_LEVEL', ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'], 'info'),
    otlpEndpoint: env.url('OTEL_EXPORTER_OTLP_ENDPOINT') ?? null,
    channels: file.channels,
    permissions: permissionsOf(file),
    settings: {
      defaults: file.defaults,
      metrics: file.metrics,
      thresholdReading: file.thresholdReading,
      recordsPath: file.github.recordsPath,
      jobCostPerHour: file.jobCostPerHour,
      anchors: file.record.anchor,
      environments: file.environments,
      actIn: file.actIn,
      allow: { experiments: file.allow.experiments, dashboards: file.allow.dashboards, repositories: file.github.repositories },
    },
    onStop: file.onStop,
    budgets: {
      turns: file.budgets.turns,
      toolCalls: file.budgets.toolCalls,
      outputTokens: file.budgets.outputTokens,
      wallTimeMs: file.budgets.wallTime,
      perUser: file.budgets.perUser,
      perTeam: file.budgets.perTeam,
      usd: file.budgets.usd === undefined ? undefined : { limit: file.budgets.usd, prices: file.pricing },
    },
    pricing: file.pricing,
    record: file.record,
    retentionMs: file.retention,
    mounted: mountedServers(file, env, options.fileName ?? 'labmate.json'),
    secrets: env.secrets,
    warnings: fileText === undefined ? [noFile(options), ...warningsOf(file)] : warningsOf(file),
    fileFound: fileText !== undefined,
  };
  const { usd } = config.budgets;
  if (usd && config.claude && Object.keys(usd.prices).length > 0 && !Object.hasOwn(usd.prices, config.claude.model))
    env.faults.push(
      `${options.fileName ?? 'labmate.json'}: budgets.usd is counted by "pricing", which has no price for ${config.claude.model}, the model that plans.`,
    );
  return env.faults.length > 0 ? { ok: false, faults: env.faults } : { ok: true, config };
}

/** This process's environment. */
export function environment(): Variables {
  return process.env;
}

/** Reads the environment, `.env` and labmate.json; `needs: 'anything'` for commands that run on less than `start`. */
export function loadConfig(options: ReadOptions & { needs: 'anything' }): Read<AnyConfig>;
export function loadConfig(options?: ReadOptions): Read<Config>;
export function loadConfig(options: ReadOptions & { needs?: 'anything' } = {}): Read<AnyConfig> {
  // `.env` stands beside labmate.json: a process whose configuration is elsewhere never picks up the .env of the folder it happens to run in.
  const envName = join(dirname(process.env['LABMATE_CONFIG'] || './labmate.json'), '.env');
  const dotEnv = textOf(envName);
  if ('why' in dotEnv && !dotEnv.absent) return { ok: false, faults: [`${envName} cannot be read (${dotEnv.why}): correct that.`] };
  const variables = { ...('text' in dotEnv ? parseEnv(dotEnv.text) : {}), ...process.env };
  const named = variables['LABMATE_CONFIG'];
  const fileName = named || './labmate.json';
  const file = textOf(fileName);
  // No file of the default name is a choice, and its consequences are warned of; a named one that is not there is a mistake.
  if ('why' in file && named)
    return { ok: false, faults: [`LABMATE_CONFIG names ${fileName}, which cannot be read (${file.why}): correct the path or the permissions.`] };
  if ('why' in file && !file.absent)
    return { ok: false, faults: [`${fileName} cannot be read (${file.why}): correct that, or name another in LABMATE_CONFIG.`] };
  const read = options.needs === 'anything' ? readAnyConfig : readConfig;
  return read(variables, 'text' in file ? file.text : undefined, { ...options, fileName });
}

function textOf(fileName: string): { text: string } | { why: string; absent: boolean } {
  try {
    return { text: readFileSync(fileName, 'utf8') };
  } catch (error) {
    return { why: whyNotRead(error), absent: ['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '') };
  }
}

function noFile({ fileName = './labmate.json' }: ReadOptions): string {
  return `${fileName} was not found in this folder: cp labmate.example.json labmate.json, and change what stands in capitals.`;
}

function readFile(text: string | undefined, options: ReadOptions, faults: string[]): ConfigFile {
  const name = options.fileName ?? 'labmate.json';
  const nothing = fileSchema.parse({});
  let value: unknown = {};
  try {
    if (text !== undefined) value = parseJsonc(text);
  } catch (error) {
    faults.push(`${name} ${(error as Error).message}.`);
    return nothing;
  }
  const parsed = fileSchema.safeParse(value);
  if (!parsed.success) {
    faults.push(...schemaFaults(parsed.error.issues, value).map((fault) => `${name}: ${fault}.`));
    return nothing;
  }
  faults.push(...contradictions(parsed.data, options.tools ?? null).map((fault) => `${name}: ${fault}.`));
  return parsed.data;
}

function slackOf(env: Env): SlackConfig | null {
  const botToken = env.secret('SLACK_BOT_TOKEN', 'xoxb-');
  const appToken = env.secret('SLACK_APP_TOKEN', 'xapp-');
  const signingSecret = env.secret('SLACK_SIGNING_SECRET');
  const apiUrl = env.url('SLACK_API_URL');
  const configToken = env.secret('SLACK_CONFIG_TOKEN', 'xoxe');
  if (!botToken) return null;
  if (appToken) return { botToken, apiUrl, configToken, transport: { mode: 'socket', appToken } };
  return signingSecret ? { botToken, apiUrl, configToken, transport: { mode: 'http', signingSecret } } : null;
}

function redisOf(env: Env): AnyConfig['redis'] {
  const url = env.secret('REDIS_URL');
  const prefix = env.text('REDIS_PREFIX') ?? 'lm';
  if (!/^[\w:.-]+$/.test(prefix)) env.faults.push('REDIS_PREFIX may hold letters, digits and : . _ - only.');
  if (url === undefined) return null;
  const address = readRedisUrl(url);
  if ('fault' in address) env.faults.push(address.fault);
  return { url, prefix };
}

function claudeOf(env: Env): AnyConfig['claude'] {
  const apiKey = env.secret('ANTHROPIC_API_KEY');
  const baseUrl = env.url('ANTHROPIC_BASE_URL');
  const model = env.text('ANTHROPIC_MODEL') ?? 'claude-sonnet-5-5';
  return apiKey ? { apiKey, baseUrl, model } : null;
}
