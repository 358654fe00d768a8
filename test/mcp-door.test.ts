import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { describe, expect, it } from 'vitest';
import { readAnyConfig } from '../src/config.ts';
import { whyAlone } from '../src/mcp-answers.ts';
import { type Choice, listTools } from '../src/mcp-list.ts';
import { listMounted } from '../src/mcp-list-mounted.ts';
import { foreignHttp } from './agent/foreign-server.ts';
import { allBackends } from './tools/all-backends.ts';

const VARIABLES = { DATABRICKS_HOST: 'http://127.0.0.1:1', DATABRICKS_TOKEN: 'dapi-1', MLFLOW_TRACKING_URI: 'http://127.0.0.1:1' };
const PEOPLE = { REDIS_URL: 'redis://127.0.0.1:1', SLACK_BOT_TOKEN: 'xoxb-1', SLACK_APP_TOKEN: 'xapp-1' };
const EVERYTHING: Choice = { readOnly: false, toolsets: null, exclude: [] };

function config(file: unknown = {}, more = {}) {
  const read = readAnyConfig({ ...VARIABLES, ...more }, JSON.stringify(file));
  if (!read.ok) throw new Error(read.faults.join('\n'));
  return read.config;
}
const line = (list: string, tool: string) =>
  list
    .split('\n')
    .find((l) => l.startsWith(`${tool} `))
    ?.replace(/ {2,}/g, ' | ');

describe('labmate mcp ls', () => {
  it('says of every tool what becomes of a call and why', () => {
    const list = listTools(
      config(
        {
          channels: ['C0ML'],
          approvers: { default: { users: ['U1'] } },
          policy: {
            rules: [
              { tool: 'cancel_*', action: 'deny' },
              { tool: 'run_databricks_job', action: 'auto', when: { environment: 'dev' } },
            ],
          },
          environments: { dev: {} },
        },
        PEOPLE,
      ),
      EVERYTHING,
    );
    expect(line(list, 'compare_runs')).toMatch(/^compare_runs \| mlflow \| runs by itself \(.*read.*\)$/);
    expect(line(list, 'run_databricks_job')).toBe(
      'run_databricks_job | databricks | asks a person (built-in: writes ask); auto when {"environment":"dev"}; once text from outside was read, by itself in its own thread and channel alone, and on jobs that "environments" lists',
    );
    expect(line(list, 'cancel_job_run')).toMatch(/^cancel_job_run \| databricks \| refused: A rule of labmate\.json denies/);
    expect(line(list, 'get_grafana_panel')).toBe(
      'get_grafana_panel | grafana | left out: grafana is not configured (set GRAFANA_URL and GRAFANA_SERVICE_ACCOUNT_TOKEN)',
    );
  });

  it('says what a session may do by itself of what else asks, unless a rule speaks of it', () => {
    const listed = (rules: unknown[]) =>
      listTools(config({ channels: ['C0ML'], approvers: { default: { users: ['U1'] } }, policy: { rules } }, PEOPLE), EVERYTHING);
    const list = listed([]);
    expect(line(list, 'post_to_slack')).toBe(
      "post_to_slack | slack | asks a person (built-in: writes ask), except: posts in the session's own thread run; posts in the session's own channel run, two a session",
    );
    expect(line(list, 'cancel_job_run')).toBe(
      'cancel_job_run | databricks | asks a person (built-in: writes ask), except: a session may cancel the run it started',
    );
    const ruled = listed([
      { tool: 'post_to_slack', action: 'ask' },
      { tool: 'cancel_job_run', action: 'auto' },
    ]);
    expect(line(ruled, 'post_to_slack')).toBe('post_to_slack | slack | asks a person (rule: post_to_slack ask)');
    expect(line(ruled, 'cancel_job_run')).toBe(
      'cancel_job_run | databricks | runs by itself (rule: cancel_job_run auto); once text from outside was read, by itself in its own thread and channel alone, and on jobs that "environments" lists',
    );
  });

  it('says that nothing acts at a door without a log or people, and that a look is asked of nobody', () => {
    const file = {
      approvers: { default: { users: ['U1'] } },
      policy: {
        rules: [
          { tool: 'find_best_run', action: 'ask' },
          { tool: 'cancel_*', action: 'deny' },
        ],
      },
    };
    const alone = listTools(config({ ...file, channels: ['C0ML'] }), EVERYTHING);
    expect(line(alone, 'run_databricks_job')).toBe(
      'run_databricks_job | databricks | refused here: nothing acts without a log and people to ask (set REDIS_URL, SLACK_BOT_TOKEN, and SLACK_APP_TOKEN or SLACK_SIGNING_SECRET, as where labmate runs); then asks a person (built-in: writes ask)',
    );
    expect(line(alone, 'cancel_job_run')).toMatch(/\| refused: A rule of labmate\.json denies/);
    expect(line(alone, 'compare_runs')).toMatch(/\| runs by itself/);
    expect(line(alone, 'find_best_run')).toBe(
      'find_best_run | mlflow | refused: A rule of labmate.json asks for a person\'s yes to find_best_run (rule: find_best_run ask), and a tool that only reads can\'t be put to anybody. Make it "deny" or "auto" there.',
    );
    expect(line(listTools(config(file, PEOPLE), EVERYTHING), 'run_databricks_job')).toContain(
      '(labmate.json names no channel for cards: add "channel" to approvers.default); then asks',
    );
  });

  it('says of a tool that needs a thread that a client has none', () => {
    expect(line(listTools(config(), EVERYTHING), 'ask_person')).toBe(
      "ask_person | people | runs by itself (built-in: reads run); it needs an experiment's own thread: a client has none, and is told so",
    );
    const denied = config({ policy: { rules: [{ tool: 'ask_person', action: 'deny' }] } });
    expect(line(listTools(denied, EVERYTHING), 'ask_person')).toMatch(/^ask_person \| people \| refused: /);
  });

  it('chooses by kind, origin and name, and refuses a name it does not know', () => {
    const names = (choice: Partial<Choice>) =>
      listTools(config(), { ...EVERYTHING, ...choice })
        .split('\n')
        .map((l) => l.split(' ')[0]);
    expect(names({ readOnly: true })).not.toContain('run_databricks_job');
    expect(names({ toolsets: ['mlflow'] })).toEqual(expect.arrayContaining(['compare_runs', 'find_best_run']));
    expect(names({ toolsets: ['mlflow'], exclude: ['compare_runs'] })).not.toContain('compare_runs');
    expect(() => names({ toolsets: ['jira'] })).toThrow('there is no toolset "jira"; there are databricks, ');
    expect(() => names({ exclude: ['run_job'] })).toThrow('there is no tool "run_job"');
  });
});

it('serves any MCP client over stdio, with protocol alone on stdout', async () => {
  const client = new Client({ name: 'a-client', version: '1' });
  const env = { PATH: process.env['PATH'] ?? '', ...VARIABLES };
  await client.connect(new StdioClientTransport({ command: process.execPath, args: ['bin/labmate.mjs', 'mcp', '--toolsets', 'databricks'], env }));
  const { tools } = await client.listTools();
  expect(tools.map((tool) => tool.name)).toContain('run_databricks_job');
  expect(tools.map((tool) => tool.name)).not.toContain('compare_runs');
  await client.close();
});

it('ends a look that the client takes back', async () => {
  let asked = 0;
  let left = 0;
  // Says nothing, like a Databricks that hangs.
  const backend = createServer((request) => {
    asked += 1;
    request.socket.once('close', () => (left += 1));
  });
  await once(backend.listen(0, '127.0.0.1'), 'listening');
  const client = new Client({ name: 'a-client', version: '1' });
  const env = { PATH: process.env['PATH'] ?? '', ...VARIABLES, DATABRICKS_HOST: `http://127.0.0.1:${(backend.address() as AddressInfo).port}` };
  await client.connect(new StdioClientTransport({ command: process.execPath, args: ['bin/labmate.mjs', 'mcp'], env }));
  const taken = new AbortController();
  const call = client.callTool({ name: 'list_databricks_jobs', arguments: {} }, undefined, { signal: taken.signal });
  call.catch(() => {});
  await expect.poll(() => asked, { timeout: 10_000 }).toBe(1);
  taken.abort('enough');
  await expect(call).rejects.toThrow();
  await expect.poll(() => left, { timeout: 3_000 }).toBe(1);
  expect((await client.listTools()).tools.length).toBeGreaterThan(0);
  await client.close();
  backend.close();
});

describe('labmate mcp ls on mounted servers', () => {
  it('says of every tool where it comes from, what becomes of a call, and why', async () => {
    const tool = (name: string, annotations = {}) => ({ name, inputSchema: { type: 'object' }, annotations });
    const tools = [
      tool('look', { readOnlyHint: true }),
      tool('write'),
      tool('drop_all'),
      tool('later', {}),
      { ...tool('odd'), inputSchema: { type: 'array' } },
    ];
    const served = await foreignHttp({ tools, answer: () => ({ content: [] }) });
    const file = (mounts: object, extra = {}) =>
      config({
        approvers: { default: { users: ['U1'] } },
        mcpServers: { store: { url: served.url() }, dead: { command: 'no-such-command-here' } },
        mounts,
        policy: {
          rules: [
            { tool: 'mcp__store__*', action: 'auto', when: { readOnly: true } },
            { tool: 'mcp__store__drop_*', action: 'deny' },
          ],
        },
        ...extra,
      });
    const trusted = (await listMounted(file({ store: { trusted: true } }), EVERYTHING)).join('\n');
    const origin = `store (http://${new URL(served.url()).host}, trusted)`;
    expect(line(trusted, 'mcp__store__look')).toMatch(
      /^mcp__store__look \| store \(.*, trusted\) \| runs by itself \(rule: mcp__store__\* auto when .*; not pinned yet$/,
    );
    expect(line(trusted, 'mcp__store__write')).toBe(`mcp__store__write | ${origin} | asks a person (default: tools of mounted servers ask); not pinned yet`);
    expect(line(trusted, 'mcp__store__drop_all')).toContain('not shown and refused: A rule of labmate.json denies mcp__store__drop_all');
    expect(line(trusted, 'mcp__store__odd')).toContain('refused: what it takes is no JSON Schema of an object');
    expect(line(trusted, 'mcp__dead__*')).toBe(
      "mcp__dead__* | dead (no-such-command-here) | The MCP server dead can't be reached: its command is not installed here.",
    );
    // What a server says of itself counts only where it is trusted, and a condition whose fact is unknown does not hold.
    const untrusted = (await listMounted(file({}), EVERYTHING)).join('\n');
    expect(line(untrusted, 'mcp__store__look')).toContain('| asks a person (default: tools of mounted servers ask)');
    const denied = (await listMounted(file({}, { policy: { default: 'deny' } }), EVERYTHING)).join('\n');
    expect(line(denied, 'mcp__store__write')).toContain('| refused: No rule of labmate.json permits mcp__store__write, and the default is deny.');
    const auto = (await listMounted(file({}, { policy: { rules: [{ tool: 'mcp__store__*', action: 'auto' }] } }), EVERYTHING)).join('\n');
    expect(line(auto, 'mcp__store__write')).toContain('asks a person (rule: mcp__store__* auto; auto does not cover a write');
    await served.stop();
  });
});

it('without Redis and Slack looks work, and what needs a yes is refused with what is missing, and not sent', async () => {
  const world = await allBackends();
  const dir = mkdtempSync(join(tmpdir(), 'labmate-alone-'));
  const file = join(dir, 'labmate.json');
  writeFileSync(file, JSON.stringify({ approvers: { default: { users: ['U1'] } } }));
  const client = new Client({ name: 'a-client', version: '1' });
  const env = { PATH: process.env['PATH'] ?? '', MLFLOW_TRACKING_URI: world.tracking.url, LABMATE_CONFIG: file };
  await client.connect(new StdioClientTransport({ command: process.execPath, args: ['bin/labmate.mjs', 'mcp'], env }));
  const run_id = world.seeded('sweep-03');
  const tags = async () => {
    const { structuredContent } = await client.callTool({ name: 'fetch_mlflow_run', arguments: { run_id } });
    return (structuredContent as { tags: Record<string, string> }).tags;
  };
  const before = await tags();
  // Tools that write into an experiment of their own: what is missing is the log, not something that was to be begun in Slack.
  const { url: workspace } = world.workspace;
  const withSlack = new Client({ name: 'a-client', version: '1' });
  const bot = { SLACK_API_URL: workspace, SLACK_BOT_TOKEN: 'xoxb-sandbox', SLACK_SIGNING_SECRET: 'signing-1' };
  await withSlack.connect(new StdioClientTransport({ command: process.execPath, args: ['bin/labmate.mjs', 'mcp'], env: { ...env, ...bot } }));
  expect(await withSlack.callTool({ name: 'post_to_slack', arguments: { channel: '#ml-experiments', text: 'v2 is better' } })).toMatchObject({
    isError: true,
    content: [{ text: 'What acts is written to a log first, and there is none here: set REDIS_URL, the same as where labmate runs. Nothing was run.' }],
  });
  await withSlack.close();
  expect(await client.callTool({ name: 'tag_run', arguments: { run_id, key: 'reviewed', value: 'yes' } })).toMatchObject({
    isError: true,
    content: [
      {
        text: "This needs a person's yes, and nobody can be asked here: set REDIS_URL, SLACK_BOT_TOKEN, and SLACK_APP_TOKEN or SLACK_SIGNING_SECRET, the same as where labmate runs. Nothing was run.",
      },
    ],
  });
  writeFileSync(file, JSON.stringify({ approvers: { default: { users: ['U1'] } }, policy: { rules: [{ tool: 'tag_run', action: 'auto' }] } }));
  await client.close();
  const ruled = new Client({ name: 'a-client', version: '1' });
  await ruled.connect(new StdioClientTransport({ command: process.execPath, args: ['bin/labmate.mjs', 'mcp'], env }));
  expect(await ruled.callTool({ name: 'tag_run', arguments: { run_id, key: 'reviewed', value: 'yes' } })).toMatchObject({
    isError: true,
    content: [
      {
        text: expect.stringMatching(
          /^What this client has read is not known, so rule: tag_run auto does not cover it: it needs a person's yes, and nobody can be asked here: set /,
        ),
      },
    ],
  });
  expect((await ruled.callTool({ name: 'fetch_mlflow_run', arguments: { run_id } })).structuredContent).toMatchObject({ tags: before });
  await ruled.close();
  await world.close();
  rmSync(dir, { recursive: true });
}, 30_000);

it('what the rules let run is refused for want of a log, and not of a yes', () => {
  const missing = 'REDIS_URL';
  expect(whyAlone({ is: 'run', rule: 'rule: run_databricks_job auto' }, missing)).toBe(
    'Nobody has to be asked (rule: run_databricks_job auto), but what acts is written to a log first, and there is none here: set REDIS_URL, the same as where labmate runs. Nothing was run.',
  );
});

it('with a Redis that is not there says so on stderr in one line, looks work, and what needs a yes is refused before anything could run', async () => {
  const world = await allBackends();
  const dir = mkdtempSync(join(tmpdir(), 'labmate-no-redis-'));
  const file = join(dir, 'labmate.json');
  writeFileSync(file, JSON.stringify({ approvers: { default: { users: ['U1'], channel: 'C0ML' } } }));
  const slack = { SLACK_API_URL: world.workspace.url, SLACK_BOT_TOKEN: 'xoxb-sandbox', SLACK_SIGNING_SECRET: 'signing-1' };
  const env = { PATH: process.env['PATH'] ?? '', MLFLOW_TRACKING_URI: world.tracking.url, LABMATE_CONFIG: file, REDIS_URL: 'redis://me:hunter2@127.0.0.1:1' };
  const transport = new StdioClientTransport({ command: process.execPath, args: ['bin/labmate.mjs', 'mcp'], env: { ...env, ...slack }, stderr: 'pipe' });
  let told = '';
  transport.stderr?.on('data', (bytes) => (told += String(bytes)));
  const client = new Client({ name: 'a-client', version: '1' });
  await client.connect(transport);
  const run_id = world.seeded('sweep-03');
  expect(await client.callTool({ name: 'fetch_mlflow_run', arguments: { run_id } })).toMatchObject({ structuredContent: { run_id } });
  expect(await client.callTool({ name: 'get_experiment_record', arguments: { session_id: 'e-7k2f' } })).toMatchObject({
    isError: true,
    content: [{ text: "labmate's log or Slack can't be reached, so no record can be read. Make the call again later." }],
  });
  expect(await client.callTool({ name: 'tag_run', arguments: { run_id, key: 'reviewed', value: 'yes' } })).toMatchObject({
    isError: true,
    content: [{ text: "labmate's log or Slack can't be reached, so nobody could be asked. Nothing was run." }],
  });
  expect(told.split('\n').filter((line) => line.startsWith('REDIS_URL: no usable Redis at redis://127.0.0.1:1 ('))).toHaveLength(1);
  expect(told).not.toMatch(/hunter2|\bat .*\.ts:/);
  await client.close();
  await world.close();
  rmSync(dir, { recursive: true });
}, 60_000);
