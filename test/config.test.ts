import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { describe, expect, it } from 'vitest';
import { readAnyConfig, readConfig } from '../src/config.ts';
import { fileJsonSchema } from '../src/config-file.ts';

const ENOUGH = {
  SLACK_BOT_TOKEN: 'xoxb-very-secret-bot',
  SLACK_APP_TOKEN: 'xapp-very-secret-app',
  ANTHROPIC_API_KEY: 'sk-ant-very-secret',
  REDIS_URL: 'redis://:hunter2hunter2@127.0.0.1:6379',
};
const TOOLS = ['run_databricks_job', 'compare_runs', 'post_to_slack'];

function faults(env: Record<string, string | undefined>, file?: unknown): string[] {
  const text = file === undefined ? undefined : typeof file === 'string' ? file : JSON.stringify(file);
  const read = readConfig({ ...ENOUGH, ...env }, text, { tools: TOOLS });
  return read.ok ? [] : read.faults;
}

function config(env: Record<string, string | undefined> = {}, file: unknown = {}) {
  const read = readConfig({ ...ENOUGH, ...env }, JSON.stringify(file), { tools: TOOLS });
  if (!read.ok) throw new Error(read.faults.join('\n'));
  return read.config;
}

describe('what start needs', () => {
  it('names every missing variable in one answer', () => {
    const read = readConfig({});
    expect(read.ok ? [] : read.faults.map((fault) => fault.split(/ is not set| is set:/)[0])).toEqual([
      'SLACK_BOT_TOKEN',
      'Neither SLACK_APP_TOKEN (xapp-…, Socket Mode) nor SLACK_SIGNING_SECRET (HTTP mode)',
      'ANTHROPIC_API_KEY',
      'REDIS_URL',
    ]);
  });

  it('counts what .env.example has of a token, until it is filled in, as not set', () => {
    const read = readConfig(parseEnv(readFileSync('.env.example', 'utf8').replace('# SLACK_CONFIG_TOKEN', 'SLACK_CONFIG_TOKEN')));
    expect(read.ok ? [] : read.faults.map((fault) => fault.split(/ is not set| is set:/)[0])).toEqual([
      'SLACK_BOT_TOKEN',
      'Neither SLACK_APP_TOKEN (xapp-…, Socket Mode) nor SLACK_SIGNING_SECRET (HTTP mode)',
      'ANTHROPIC_API_KEY',
    ]);
    expect(config({ SLACK_CONFIG_TOKEN: 'xoxe.xoxp-' }).slack.configToken).toBeUndefined();
  });

  it('lets other commands run without any of it', () => {
    const read = readAnyConfig({});
    expect(read.ok && { slack: read.config.slack, redis: read.config.redis, claude: read.config.claude, backends: read.config.backends }).toEqual({
      slack: null,
      redis: null,
      claude: null,
      backends: { databricks: undefined, mlflow: undefined, github: undefined, grafana: undefined },
    });
  });
});

describe('a fault names the variable or key and the fix', () => {
  it.each<[string, Record<string, string | undefined>, unknown, RegExp]>([
    ['a role that does not exist', { ROLE: 'boss' }, {}, /^ROLE is "boss": it must be gateway, worker, all/],
    ['a port out of range', { PORT: '99999' }, {}, /^PORT is "99999": a port is a whole number/],
    ['tokens swapped', { SLACK_BOT_TOKEN: 'xapp-1' }, {}, /^SLACK_BOT_TOKEN must begin with xoxb-/],
    ['a person by name', { LABMATE_USER: '@alice' }, {}, /^LABMATE_USER is no Slack user id, which begins with U or W/],
    ['a URL that is none', { SLACK_API_URL: 'slack' }, {}, /^SLACK_API_URL is not a URL/],
    ['another kind of database', { REDIS_URL: 'postgres://x' }, {}, /^REDIS_URL must begin with redis:\/\//],
    ['a prefix with braces', { REDIS_PREFIX: '{a}' }, {}, /^REDIS_PREFIX may hold/],
    ['a URL with a login in it', { MLFLOW_TRACKING_URI: 'https://me:hunter2@h' }, {}, /^MLFLOW_TRACKING_URI holds a user name or a password: take them out/],
    ['a URL as a browser shows it', { DATABRICKS_HOST: 'adb-1.test/?o=5', DATABRICKS_TOKEN: 'dapi-1' }, {}, /^DATABRICKS_HOST goes on with \? or #: give/],
    ['a host without credentials', { DATABRICKS_HOST: 'https://x.test' }, {}, /^DATABRICKS_HOST is set without credentials/],
    ['credentials without a host', { DATABRICKS_TOKEN: 'dapi-secret-1' }, {}, /without DATABRICKS_HOST/],
    ['MLflow on a Databricks that is not there', { MLFLOW_TRACKING_URI: 'databricks' }, {}, /^MLFLOW_TRACKING_URI is "databricks", which needs/],
    ['half a basic login', { MLFLOW_TRACKING_USERNAME: 'a' }, {}, /set both or neither/],
    ['half a GitHub app', { GITHUB_APP_ID: '1' }, {}, /^A GitHub app needs all of/],
    ['Grafana without a token', { GRAFANA_URL: 'https://g.test' }, {}, /^GRAFANA_URL is set without GRAFANA_SERVICE_ACCOUNT_TOKEN/],
    ['a proxy that is none', { HTTPS_PROXY: 'ftp://proxy' }, {}, /^HTTPS_PROXY is not the address of a proxy/],
    ['a proxy whose password holds a bare %', { HTTP_PROXY: 'http://me:100%sure@proxy:3128' }, {}, /^HTTP_PROXY has a % .*write % as %25/],
    ['tokens that are no JSON', { MCP_HTTP_TOKENS: '{' }, {}, /^MCP_HTTP_TOKENS must be JSON/],
    [
      'an open door',
      { MCP_HTTP_PORT: '3002', MCP_HTTP_HOST: '0.0.0.0', MCP_HTTP_ALLOWED_HOSTS: 'lab.test' },
      {},
      /^MCP_HTTP_HOST is 0\.0\.0\.0: beyond loopback MCP_HTTP_TOKENS/,
    ],
    ['a misspelt key', {}, { chanels: ['C1'] }, /labmate\.json: there is a key "chanels", which nothing reads \(did you mean "channels"\?\)\.$/],
    ['a duration in words', {}, { retention: 'a year' }, /labmate\.json: retention is "a year": a duration is a number and s, m, h or d/],
    [
      'a misspelt key deeper down',
      {},
      { approvers: { default: { users: ['U1'], quorom: 2 } } },
      /: approvers\.default has a key "quorom", which nothing reads \(did you mean "quorum"\?\)\.$/,
    ],
    ['a key that is near to none', {}, { record: { xyz: 1 } }, /: record has a key "xyz", which nothing reads; it may have: anchor\.$/],
    ['a name that is empty', {}, { environments: { '': {} } }, /: environments has a name that is empty\.$/],
    ['a word of another kind', {}, { channels: 'C1' }, /: channels is "C1": it must be a list in \[ \]\.$/],
    [
      'a choice that is none',
      {},
      { policy: { rules: [{ tool: '*', action: 'alow' }] } },
      /: policy\.rules\[0\]\.action is "alow": it must be auto, ask or deny/,
    ],
    ['what has to be there', {}, { policy: { rules: [{ action: 'deny' }] } }, /: policy\.rules\[0\]\.tool is missing: it must be a text in quotes\.$/],
    ['a count of nobody', {}, { approvers: { default: { users: ['U1'], quorum: 0 } } }, /: approvers\.default\.quorum is 0: it must be at least 1\.$/],
    ['half a person', {}, { approvers: { default: { users: ['U1'], quorum: 1.5 } } }, /: approvers\.default\.quorum is 1\.5: it must be a whole number\.$/],
    [
      'a secret that is no text',
      {},
      { mcpServers: { g: { command: 'x', env: { TOKEN: 123456789 } } } },
      /: mcpServers\.g\.env\.TOKEN is a number: it must be a text/,
    ],
    ['a misspelt environment', {}, { environments: { dev: {} }, actIn: ['devv'] }, /actIn names "devv", which is not in environments \(did you mean "dev"\?\)/],
    ['a quorum nobody can reach', {}, { approvers: { default: { users: ['U1', 'U1'], quorum: 2 } } }, /approvers\.default asks for 2 people and names 1/],
    ['approvers of a tool that does not exist', {}, { approvers: { run_job: { users: ['U1'] } } }, /approvers has an entry "run_job", which matches no tool/],
    [
      'a rule that matches no tool',
      {},
      { policy: { rules: [{ tool: 'run_job', action: 'deny' }] } },
      /policy\.rules\[0\] names the tool "run_job", which matches none/,
    ],
    ['an environment nobody described', {}, { actIn: ['dev'] }, /actIn names "dev", which is not in environments/],
    ['dollars without prices', {}, { budgets: { usd: 5 } }, /budgets\.usd needs "pricing"/],
    [
      'dollars without a price for the model that plans',
      {},
      { budgets: { usd: 5 }, pricing: { other: { input: 1, output: 1, cacheRead: 1, cacheWrite: 1 } } },
      /no price for claude-sonnet-5-5/,
    ],
    ['an unset variable of a mounted server', {}, { mcpServers: { g: { command: 'x', env: { K: '${NOT_THERE}' } } } }, /^NOT_THERE is not set, and mcpServers/],
    ['an unset variable as a mounted server’s address', {}, { mcpServers: { g: { url: '${NOT_THERE}' } } }, /^NOT_THERE is not set, and mcpServers/],
    [
      'an unset variable as a login’s issuer',
      {},
      { mcpServers: { g: { url: 'http://h' } }, mounts: { g: { oauth: { issuer: '${NOT_THERE}', clientId: 'me', clientSecret: 's' } } } },
      /^NOT_THERE is not set, and mcpServers/,
    ],
    [
      'what another host would ask its user for',
      {},
      { mcpServers: { g: { url: 'https://h/mcp', headers: { Authorization: 'Bearer ${input:token}' } } } },
      /^mcpServers in labmate\.json has \$\{input:token\}: only \$\{VARIABLE\} and \$\{env:VARIABLE\} are filled in/,
    ],
    ['an address with a password in it', {}, { mcpServers: { g: { url: 'https://me:hunter2@h/mcp' } } }, /mcpServers\.g\.url holds a user name or a password/],
    ['a server that is neither a command nor an address', {}, { mcpServers: { g: { args: [] } } }, /mcpServers\.g needs a "command" or a "url"/],
    [
      'two servers whose tools would be named alike',
      {},
      { mcpServers: { 'a b': { url: 'http://h' }, a_b: { url: 'http://h' } } },
      /"a b" and "a_b".*mcp__a_b__/,
    ],
    [
      'a rule for a server that is not mounted',
      {},
      { mcpServers: { g: { command: 'x' } }, policy: { rules: [{ tool: 'mcp__h__*', action: 'deny' }] } },
      /names the tool "mcp__h__\*", which matches none/,
    ],
    [
      'a login for a server without its secret',
      {},
      { mcpServers: { g: { url: 'http://h' } }, mounts: { g: { oauth: { issuer: 'http://i', clientId: 'me' } } } },
      /mounts\.g\.oauth needs a "clientSecret" or a "privateKey"/,
    ],
    [
      'a comma too few',
      {},
      '{\n  "channels": ["C1"]\n  "actIn": []\n}',
      /labmate\.json is not valid JSON at line 3, column 3: expected ',' or '}' after property value, found '"'\.$/,
    ],
    [
      'a word that JSON does not have, and nothing of what stands beside it',
      {},
      '{\n  "channels": [],\n  "record": { "anchor": True, "x": "hunter2" }\n}',
      /^labmate\.json is not valid JSON at line 3, column 25: unexpected token 'T'\.$/,
    ],
    ['a bracket too few', {}, '{ "channels": [ ', /^labmate\.json is not valid JSON at line 1, column 17: unexpected end of JSON input\.$/],
    [
      'a key that stands twice, however it is written and whatever stands beside it',
      {},
      '{\n  // "actIn": [],\n  "channels": ["C1"],\n  "\\u0063hannels": ["C2"], "actIn": [] }',
      /^labmate\.json has the key "channels" twice in the same object, at line 3, column 3 and at line 4, column 3: only one of them can count\.$/,
    ],
    [
      'several of them, also deep inside',
      {},
      '{ "record": { "anchor": true, "anchor": false }, "policy": { "rules": [{ "tool": "a", "tool": "b", "tool": "c" }] } }',
      /^labmate\.json has the key "anchor" twice .* at line 1, column 15 and at line 1, column 31; the key "tool" 3 times in the same object, at line 1, column 74, at line 1, column 87 and at line 1, column 100: only one of each can count\.$/,
    ],
    [
      'a token that stands twice, without saying which',
      { MCP_HTTP_TOKENS: `{"${'a'.repeat(64)}": {"user": "U1", "scope": "read"}, "${'a'.repeat(64)}": {"user": "U2", "scope": "write"}}` },
      {},
      /^MCP_HTTP_TOKENS has a key twice in the same object, at line 1, column 2 and at line 1, column 103: only one of them can count\.$/,
    ],
    [
      'a text that goes on',
      {},
      '{ "channels": ["C1\n"] }',
      /^labmate\.json is not valid JSON at line 1, column 19: bad control character in string literal\.$/,
    ],
  ])('%s', (_, env, file, sentence) => {
    expect(faults(env, file)).toEqual([expect.stringMatching(sentence)]);
  });

  it('gives them all at once', () => {
    expect(faults({ ROLE: 'boss', PORT: 'x', GRAFANA_URL: 'ftp://x' }, { onStop: 'maybe', actIn: 1 }).length).toBeGreaterThanOrEqual(5);
  });

  it('never shows a secret', () => {
    const told = faults({
      SLACK_BOT_TOKEN: 'oops-secret-1',
      REDIS_URL: 'http://me:secret-2@h',
      DATABRICKS_TOKEN: 'dapi-secret-3',
      MCP_HTTP_TOKENS: 'secret-4',
    });
    expect(told).toHaveLength(4);
    expect(told.join(' ')).not.toMatch(/secret-\d/);
  });
});

describe('what comes of it', () => {
  it('goes by the proxies of the environment, and keeps their logins', () => {
    expect(config({ HTTP_PROXY: '', NO_PROXY: 'a.test' }).proxies).toBeNull();
    const { proxies, secrets } = config({ HTTPS_PROXY: 'http://not.this', https_proxy: 'me:pass%2Fword9@proxy:3128', NO_PROXY: 'a.test' });
    expect(proxies).toEqual({ https: 'http://me:pass%2Fword9@proxy:3128', http: '', except: 'a.test' });
    expect(secrets).toEqual(expect.arrayContaining(['pass%2Fword9', 'pass/word9']));
  });

  it('has the defaults of the contract', () => {
    const c = config();
    expect(c).toMatchObject({
      role: 'all',
      port: 3000,
      admin: { host: '127.0.0.1', port: 3001 },
      mcpHttp: null,
      redis: { prefix: 'lm' },
      claude: { model: 'claude-sonnet-5-5' },
      logLevel: 'info',
      onStop: 'ask',
      retentionMs: 365 * 86_400_000,
      record: { anchor: true },
      budgets: { turns: 40, toolCalls: 120, outputTokens: 60_000, wallTimeMs: 7 * 86_400_000, perUser: 10, perTeam: 200 },
      permissions: { approvers: {}, executionExpiresAfterMs: 900_000, actIn: [], policy: { default: 'ask', rules: [] } },
      settings: { thresholdReading: 'relative', recordsPath: 'experiments' },
    });
    expect(c.warnings.join(' ')).toContain('no approvers');
    const warned = (approvers: object) => config({}, { approvers }).warnings.filter((warning) => warning.includes('approvers'));
    expect(warned({ default: { users: ['U1'] }, compare_runs: { users: [] } })).toEqual([
      'labmate.json: approvers.compare_runs names nobody: what needs its yes will be refused.',
    ]);
    expect(warned({ compare_runs: { users: ['U1'] } })).toEqual([
      'labmate.json: approvers.default names nobody: what needs its yes and has no entry of its own will be refused.',
    ]);
  });

  it('lets a tool replace the people and inherit the rest', () => {
    const { approvers } = config(
      {},
      {
        approvers: {
          default: { users: ['U1'], groups: ['S1'], expiresAfter: '2h', channel: 'C0' },
          run_databricks_job: { groups: ['S2'], quorum: 2 },
          compare_runs: { quorum: 2 },
        },
      },
    ).permissions;
    expect(approvers['run_databricks_job']).toEqual({
      users: [],
      groups: ['S2'],
      quorum: 2,
      requesterMayApprove: false,
      expiresAfterMs: 7_200_000,
      channel: 'C0',
    });
    expect(approvers['compare_runs']).toMatchObject({ users: ['U1'], groups: ['S1'], quorum: 2 });
  });

  it('may post where it listens, unless told otherwise', () => {
    expect(config({}, { channels: ['C1'] }).permissions.allow.channels).toEqual(['C1']);
    expect(config({}, { channels: ['C1'], allow: { channels: ['C2'] } }).permissions.allow.channels).toEqual(['C2']);
  });

  it('tells Socket Mode from HTTP by what is set', () => {
    expect(config().slack.transport).toEqual({ mode: 'socket', appToken: 'xapp-very-secret-app' });
    expect(config({ SLACK_APP_TOKEN: '', SLACK_SIGNING_SECRET: 'abc' }).slack.transport).toEqual({ mode: 'http', signingSecret: 'abc' });
  });

  it('reads each backend in each of its forms', () => {
    expect(config({ DATABRICKS_HOST: 'acme.test', DATABRICKS_TOKEN: 'dapi-1', MLFLOW_TRACKING_URI: 'databricks' }).backends).toMatchObject({
      databricks: { host: 'https://acme.test', token: 'dapi-1' },
      mlflow: { uri: 'https://acme.test', databricks: { token: 'dapi-1' } },
    });
    expect(
      config({ GITHUB_APP_ID: '1', GITHUB_APP_PRIVATE_KEY: 'a\\nb', GITHUB_APP_INSTALLATION_ID: '2', GITHUB_API_URL: 'http://127.0.0.1:1/' }).backends.github,
    ).toEqual({
      app: { appId: '1', privateKey: 'a\nb', installationId: '2' },
      baseUrl: 'http://127.0.0.1:1',
    });
  });

  it('reads mounted servers as other hosts write them, fills in variables, and knows which of those are secret', () => {
    const c = config(
      { G_URL: 'http://grafana.example', G_TOKEN: 'glsa-very-secret', F_TOKEN: 'very-secret-f' },
      {
        mcpServers: {
          grafana: {
            command: 'uvx',
            args: ['mcp-grafana'],
            env: { GRAFANA_URL: '${G_URL}', GRAFANA_TOKEN: '${G_TOKEN}', LEVEL: '${LEVEL:-warn}' },
            disabled: false,
          },
          'switched off': { command: 'never', disabled: true },
          'feature store': { type: 'streamable-http', url: 'https://f.example/mcp', headers: { Authorization: 'Bearer ${F_TOKEN}' } },
        },
        mounts: { grafana: { trusted: true, timeout: '5m' } },
      },
    );
    expect(c.mounted).toEqual([
      {
        name: 'grafana',
        key: 'grafana',
        address: {
          is: 'stdio',
          command: 'uvx',
          args: ['mcp-grafana'],
          env: { GRAFANA_URL: 'http://grafana.example', GRAFANA_TOKEN: 'glsa-very-secret', LEVEL: 'warn' },
        },
        trusted: true,
        timeoutMs: 300_000,
      },
      {
        name: 'feature store',
        key: 'feature_store',
        address: { is: 'http', url: 'https://f.example/mcp', headers: { Authorization: 'Bearer very-secret-f' } },
        trusted: false,
        timeoutMs: 60_000,
      },
    ]);
    expect(c.secrets).toEqual(expect.arrayContaining(['glsa-very-secret', 'very-secret-f']));
    expect(c.secrets).not.toContain('http://grafana.example');
  });

  it('knows the keys that stand in what mounted servers are started with or reached at, and no ordinary word', () => {
    const args = [
      'serve',
      '--api-key',
      'sk-live-abc123',
      '--token=tok-4567890',
      'model-v2-large',
      '--token-limit',
      '100000000',
      '--password',
      'required',
      '--verbose-key',
    ];
    const more = ['--header', 'Authorization: Bearer hdr-4567890', 'https://m.example/?access_token=at-4567890'];
    const url = 'https://mcp.example/mcp?api_key=tvly-abc12345&project=production-1&token=pct%zz12345&key=enc%2F12345';
    const { secrets } = config({}, { mcpServers: { cli: { command: 'npx', args: [...args, ...more] }, web: { url } } });
    const known = ['tok-4567890', 'sk-live-abc123', 'hdr-4567890', 'at-4567890', 'tvly-abc12345', 'pct%zz12345', 'enc%2F12345', 'enc/12345'];
    expect(secrets).toEqual(expect.arrayContaining(known));
    for (const word of ['100000000', 'required', 'production-1', 'model-v2-large', '--verbose-key', '--header']) expect(secrets).not.toContain(word);
  });

  it('leaves to a shell what a shell fills in', () => {
    const args = ['-c', 'exec srv --dir ${HOME%/} --level ${LEVEL-warn}'];
    expect(config({}, { mcpServers: { g: { command: 'sh', args } } }).mounted[0]?.address).toMatchObject({ args });
  });

  it('reads the forms of other hosts: their names for HTTP, their variables, and what only they read', () => {
    const headers = { Authorization: 'Bearer ${env:F_TOKEN}', 'X-Level': '${env:LEVEL:-warn}', 'X-Env': '${env:-none}' };
    const servers = { f: { type: 'streamableHttp', url: '${env:F_URL}', headers, envFile: '${workspaceFolder}/.env', note: '${input:x}' } };
    const c = config({ F_URL: 'https://f.example/mcp', F_TOKEN: 'very-secret-f' }, { mcpServers: servers });
    expect(c.mounted.map(({ address }) => address)).toEqual([
      { is: 'http', url: 'https://f.example/mcp', headers: { Authorization: 'Bearer very-secret-f', 'X-Level': 'warn', 'X-Env': 'none' } },
    ]);
    expect(c.secrets).toContain('very-secret-f');
  });

  it('knows its secrets, the password inside REDIS_URL too', () => {
    expect(config().secrets).toEqual(['xoxb-very-secret-bot', 'xapp-very-secret-app', 'hunter2hunter2', 'sk-ant-very-secret']);
  });
});

describe('labmate.json', () => {
  it('allows comments and trailing commas, but not inside strings', () => {
    const read = readAnyConfig({}, '// one\n{ /* two */ "channels": ["C//1", "C/*2*/",], "defaults": { "job": "a,}" }, }');
    expect(read.ok && [read.config.channels, read.config.settings.defaults.job]).toEqual([['C//1', 'C/*2*/'], 'a,}']);
  });

  it('may say of a server that is not mounted what it would say of one, and is warned of it with the name that was perhaps meant', () => {
    const of = (file: unknown) =>
      config({}, { channels: ['C1'], approvers: { default: { users: ['U1'] } }, environments: { dev: {} }, actIn: ['dev'], ...(file as object) });
    expect(of({ mounts: { grafana: { trusted: true } } }).warnings).toEqual([
      'labmate.json: mounts names "grafana", which is not in mcpServers: nothing comes of it.',
    ]);
    const misspelt = of({ mcpServers: { grafana: { command: 'uvx' } }, mounts: { grafna: { trusted: true } } });
    expect(misspelt.warnings).toEqual(['labmate.json: mounts names "grafna", which is not in mcpServers (did you mean "grafana"?): nothing comes of it.']);
    expect(misspelt.mounted.map(({ trusted }) => trusted)).toEqual([false]);
  });

  it('may hold every key there is', () => {
    const read = readConfig(ENOUGH, EVERY_KEY, { tools: TOOLS });
    expect(read.ok ? read.config.warnings : read.faults).toEqual([expect.stringContaining('mounts names "grafana"')]);
  });

  it('has an example that is without fault', () => {
    const read = readConfig(ENOUGH, readFileSync('labmate.example.json', 'utf8'), { tools: TOOLS });
    expect(read).toMatchObject({ ok: true, config: { warnings: [] } });
  });

  it('has an example whose keys in comments are without fault too, and that shows each condition of a rule', () => {
    const all = readFileSync('labmate.example.json', 'utf8').replace(/^(\s*)\/\/ (?=\{|"\w+":)/gm, '$1');
    const read = readConfig(ENOUGH, all, { tools: [...TOOLS, 'cancel_job_run'] });
    expect(read.ok ? read.config.warnings : read.faults).toEqual([]);
    const shown = read.ok ? read.config.permissions.policy.rules.flatMap((rule) => Object.keys(rule.when ?? {})) : [];
    expect(shown.sort()).toEqual(['environment', 'maxTypicalMinutes', 'own', 'readOnly']);
  });

  it('has a JSON Schema that is up to date (npm run schema)', () => {
    expect(JSON.parse(readFileSync('labmate.schema.json', 'utf8'))).toEqual(fileJsonSchema());
  });
});

/** A labmate.json as one is written, with its comments. */
const EVERY_KEY = `{
  "channels": ["C0ML"],                                  // where it listens; anything else is answered privately, once
  "approvers": {                                         // required: without it every gated call is refused, and start-up says so
    "default":            { "users": ["U1"], "groups": ["S1"], "quorum": 1, "requesterMayApprove": false, "expiresAfter": "24h", "channel": "C0ML" },
    "run_databricks_job": { "groups": ["S2"], "quorum": 2 }
  },
  "executionExpiresAfter": "15m",                        // from the last approval; then a fresh card, with the reason
  "environments": {
    "dev":  { "jobs": ["101", "ads-*"], "tags": { "env": "dev" } },
    "prod": { "jobs": ["900"], "tags": { "env": "prod" }, "runAs": ["sp-prod-*"], "parameters": { "catalog": ["prod*"] } }
  },
  "actIn": ["dev"],
  "allow": { "experiments": ["*"], "dashboards": ["*"], "channels": ["C0ML"] },
  "policy": { "default": "ask", "rules": [ { "tool": "run_databricks_job", "action": "auto", "when": { "environment": "dev", "maxTypicalMinutes": 10 } } ] },
  "metrics": { "val_f1": "max", "val_loss": "min" },
  "thresholdReading": "relative",                        // how "more than 1%" is read when the sentence doesn't say; both are always printed
  "defaults": { "job": "101", "experiment": "ads-rank-v3", "repository": "acme/ads", "base": "main" },   // what a prompt may leave out; told to the model, shown on the card
  "github": { "repositories": ["acme/ads"], "recordsPath": "experiments" },
  "onStop": "ask",                                       // ask | cancel | leave the running job
  "budgets": { "turns": 40, "toolCalls": 120, "outputTokens": 60000, "wallTime": "7d", "perUser": 10, "perTeam": 200 },   // "usd" only with "pricing"
  "pricing": { "claude-sonnet-5-5": { "input": 0, "output": 0, "cacheRead": 0, "cacheWrite": 0 } },  "jobCostPerHour": { "101": 4.2 },
  "record": { "anchor": true }, "retention": "365d",      // perUser and perTeam count sessions not ended, asleep included
  "mcpServers": {}, "mounts": { "grafana": { "trusted": true } }
}
`;
