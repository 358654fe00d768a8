import { type Config, readConfig } from '../../src/config.ts';

/** The product's configuration as the benchmarks run it: everything on, nobody's credentials. */
export function benchConfig(more: Record<string, string> = {}): Config {
  const modelUrl = process.env['MODEL_URL'] ?? '';
  const variables = {
    SLACK_BOT_TOKEN: 'xoxb-bench-bench-bench',
    SLACK_SIGNING_SECRET: process.env['SIGNING_SECRET'] ?? 'bench-signing-secret',
    SLACK_API_URL: `${modelUrl}/api/`,
    ANTHROPIC_API_KEY: 'sk-bench-key-of-nobody',
    ANTHROPIC_BASE_URL: modelUrl,
    REDIS_URL: process.env['REDIS_URL'],
    REDIS_PREFIX: process.env['REDIS_PREFIX'] ?? 'lm',
    DATABRICKS_HOST: 'http://127.0.0.1:9',
    DATABRICKS_TOKEN: 'dapi-bench-token-of-nobody',
    GITHUB_TOKEN: 'ghp_bench_token_of_nobody',
    LOG_LEVEL: 'info',
    ...(process.env['PORT'] ? { PORT: process.env['PORT'] } : {}),
    ...more,
  };
  const read = readConfig(variables, JSON.stringify(BENCH_FILE));
  if (!read.ok) throw new Error(read.faults.join(' '));
  return read.config;
}

export const BENCH_FILE = {
  channels: ['C0ML'],
  approvers: { default: { users: ['U2'] } },
  budgets: { turns: 100_000, toolCalls: 100_000, outputTokens: 100_000_000, perUser: 10_000_000, perTeam: 10_000_000 },
};
