import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { catalog } from '../../src/tools/catalog.ts';
import { serveHttp } from '../../src/tools/http.ts';
import { prompts } from '../../src/tools/prompts.ts';
import { doorServer } from '../../src/tools/server.ts';
import { allBackends, settings } from '../tools/all-backends.ts';
import { addFixtures } from './conformance-fixtures.ts';
import { peers } from './peers.ts';
import { runNode } from './run-node.ts';

// The doors as programs of others see them: MCP's own conformance suite, the Inspector's command line, and a client of the next protocol's SDK.

type Door = Awaited<ReturnType<typeof serveHttp>>;
let world: Awaited<ReturnType<typeof allBackends>>;
let bareServer: () => ReturnType<typeof doorServer>;
let bare: Door;
let fitted: Door;
beforeAll(async () => {
  world = await allBackends();
  bareServer = () => doorServer({ tools: catalog, prompts: prompts(catalog, { services: world.services, settings }), atDoor: world.atDoor, clean: undefined });
  const access = { host: '127.0.0.1', port: 0, allowedHosts: [], tokens: {}, failed: (error: unknown) => expect(error).toBeNull() };
  bare = await serveHttp({ ...access, serverFor: bareServer });
  fitted = await serveHttp({ ...access, serverFor: () => addFixtures(bareServer()) });
});
afterAll(async () => {
  await bare?.close();
  await fitted?.close();
  await world?.close();
});

/** Scenarios that pass on a server without any fixture, for a wrong reason: an unknown tool answers in text, as they want it. */
const VACUOUS = ['tools-call-simple-text', 'tools-call-error'];
/** Those that the door itself passes. */
const OWN = ['server-initialize', 'ping', 'tools-list', 'server-sse-multiple-streams', 'resources-list', 'prompts-list', 'dns-rebinding-protection'];

describe.skipIf(peers.mcpConformance.skipped !== undefined)("MCP's conformance suite", () => {
  const { mcpConformance: peer } = peers;
  const shim = pathToFileURL(join(import.meta.dirname, 'conformance-on-node-20.mjs')).href;
  const suite = async (url: string) => {
    const { code, out } = await runNode(['--import', shim, peer.skipped === undefined ? peer.entry : '', 'server', '--url', url, '--suite', 'active']);
    const names = (mark: string) => [...out.matchAll(new RegExp(`^${mark} ([\\w-]+):`, 'gm'))].map((found) => found[1] ?? '');
    return { code, passed: names('✓'), failed: names('✗'), total: /^Total: .*$/m.exec(out)?.[0], out };
  };

  test('the whole active suite passes on the real door', async () => {
    const { code, passed, failed, total, out } = await suite(fitted.url);
    expect({ code, failed }, out).toEqual({ code: 0, failed: [] });
    expect(passed.length).toBeGreaterThan(25);
    process.stdout.write(`live: conformance, server, active: ${total}\n`);
    process.stdout.write(`live: by the door itself: ${OWN.join(', ')}\n`);
    process.stdout.write(`live: by fixtures mounted for the suite: ${passed.filter((name) => !OWN.includes(name)).join(', ')}\n`);
  });

  test('and it is known which of them say something of the door itself', async () => {
    const { passed, total, out } = await suite(bare.url);
    expect([...passed].sort(), out).toEqual([...OWN, ...VACUOUS].sort());
    process.stdout.write(`live: conformance without fixtures: ${total}; of these mean nothing: ${VACUOUS.join(', ')}\n`);
  });
});

describe.skipIf(peers.mcpInspector.skipped !== undefined)("the Inspector's command line", () => {
  const inspect = (...args: string[]) =>
    runNode([peers.mcpInspector.skipped === undefined ? peers.mcpInspector.entry : '', '--cli', ...args, '--format', 'json', '-q']);
  const stdio = () => [process.execPath, 'bin/labmate.mjs', 'mcp'];
  const env = () => ['-e', `MLFLOW_TRACKING_URI=${world.tracking.url}`];

  test('lists and calls over HTTP', async () => {
    const listed = await inspect(bare.url, '--transport', 'http', '--method', 'tools/list');
    expect(listed.code, listed.out).toBe(0);
    for (const { name } of catalog) expect(listed.out).toContain(`"${name}"`);
    const call = (id: string) =>
      inspect(bare.url, '--transport', 'http', '--method', 'tools/call', '--tool-name', 'fetch_mlflow_run', '--tool-args-json', JSON.stringify({ run_id: id }));
    const run_id = world.seeded('sweep-03');
    expect(await call(run_id)).toMatchObject({ code: 0, out: expect.stringContaining(run_id) });
    // 5: the tool itself says no.
    expect(await call('0'.repeat(32))).toMatchObject({ code: 5, out: expect.stringContaining('RUN_NOT_FOUND') });
  });

  test('lists and calls over stdio', async () => {
    const listed = await inspect(...env(), ...stdio(), '--method', 'tools/list');
    expect(listed.code, listed.out).toBe(0);
    expect(listed.out).toContain('"fetch_mlflow_run"');
    const run_id = world.seeded('sweep-03');
    const called = await inspect(
      ...env(),
      ...stdio(),
      '--method',
      'tools/call',
      '--tool-name',
      'fetch_mlflow_run',
      '--tool-args-json',
      JSON.stringify({ run_id }),
    );
    expect(called, called.out).toMatchObject({ code: 0, out: expect.stringContaining(run_id) });
  });
});

describe.skipIf(peers.mcpInspector.skipped !== undefined)("README's blocks for other hosts, to the letter, read by the Inspector", () => {
  const readme = readFileSync('README.md', 'utf8');
  const entry = peers.mcpInspector.skipped === undefined ? peers.mcpInspector.entry : '';
  let project: string;
  // What README tells somebody to have: the package, labmate.json from its example, and .env with the backend.
  beforeAll(() => {
    project = mkdtempSync(join(tmpdir(), 'labmate-project-'));
    mkdirSync(join(project, 'node_modules', '.bin'), { recursive: true });
    symlinkSync(resolve('.'), join(project, 'node_modules', 'labmate'));
    symlinkSync('../labmate/bin/labmate.mjs', join(project, 'node_modules', '.bin', 'labmate'));
    copyFileSync('labmate.example.json', join(project, 'labmate.json'));
    writeFileSync(join(project, '.env'), `MLFLOW_TRACKING_URI=${world.tracking.url}\n`);
  });
  afterAll(() => rmSync(project, { recursive: true }));

  const listed = async (file: string, text: string) => {
    mkdirSync(join(project, file, '..'), { recursive: true });
    writeFileSync(join(project, file), text);
    const args = ['--cli', '--config', file, '--server', 'labmate', '--method', 'tools/list', '--format', 'json', '-q'];
    const { code, out } = await runNode([entry, ...args], { cwd: project });
    expect(code, out).toBe(0);
    return [...out.matchAll(/"name": ?"([a-z_]+)"/g)].map((found) => found[1]);
  };
  const blocks = [...readme.matchAll(/```json\n([\s\S]*?)\n```/g)].map((found) => found[1] ?? '').filter((block) => /"labmate", "mcp"/.test(block));

  test('Claude Code and Cursor', async () => {
    const [block = ''] = blocks.filter((b) => 'mcpServers' in JSON.parse(b));
    for (const file of ['.mcp.json', '.cursor/mcp.json']) expect(await listed(file, block)).toContain('fetch_mlflow_run');
  });

  test('VS Code', async () => {
    const [block = ''] = blocks.filter((b) => 'servers' in JSON.parse(b));
    // The Inspector knows the list of servers by its other name alone; what stands in it is left as it is.
    const { servers, ...rest } = JSON.parse(block) as { servers: object };
    expect(await listed('.vscode/mcp.json', JSON.stringify({ ...rest, mcpServers: servers }))).toContain('fetch_mlflow_run');
  });

  test('over HTTP with a token', async () => {
    const token = 'token-of-U1-0123456789';
    const tokens = { [createHash('sha256').update(token).digest('hex')]: { user: 'U1', scope: 'read' as const } };
    const door = await serveHttp({ host: '127.0.0.1', port: 0, allowedHosts: [], tokens, failed: () => {}, serverFor: () => bareServer() });
    const [, inline = ''] = /`(\{ "type": "http",.*?\})`/.exec(readme) ?? [];
    const server = inline.replace('https://…/mcp', door.url).replace('Bearer …', `Bearer ${token}`);
    expect(await listed('.mcp.json', `{ "mcpServers": { "labmate": ${server} } }`)).toContain('fetch_mlflow_run');
    await door.close();
  });
});

test.skipIf(peers.mcpClient.skipped !== undefined)("a client of the SDK's second version falls back to what we speak", async () => {
  const { Client, StreamableHTTPClientTransport } = await import(pathToFileURL(peers.mcpClient.skipped === undefined ? peers.mcpClient.entry : '').href);
  const client = new Client({ name: 'second', version: '1' }, { versionNegotiation: { mode: 'auto' } });
  await client.connect(new StreamableHTTPClientTransport(new URL(bare.url)));
  const { tools } = await client.listTools();
  expect(tools.map((tool: { name: string }) => tool.name)).toEqual(catalog.map((tool) => tool.name));
  expect(await client.callTool({ name: 'list_experiments', arguments: {} })).toMatchObject({ structuredContent: { experiments: expect.any(Array) } });
  await client.close();
});
