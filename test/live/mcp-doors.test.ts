import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { catalog } from '../../src/tools/catalog.ts';
import { serveHttp } from '../../src/tools/http.ts';
import { prompts } from '../../src/tools/prompts.ts';
import { doorServer } from '../../src/tools/server.ts';
import { allBackends, settings } from '../tools/all-backends.ts';
import { addFixtures } from './conformance-fixtures.ts';
import { peers } from './peers.ts';

// The doors as programs of others see them: MCP's own conformance suite, the Inspector's command line, and a client of the next protocol's SDK.

type Door = Awaited<ReturnType<typeof serveHttp>>;
let world: Awaited<ReturnType<typeof allBackends>>;
let bare: Door;
let fitted: Door;
beforeAll(async () => {
  world = await allBackends();
  const server = () =>
    doorServer({ tools: catalog, prompts: prompts(catalog, { services: world.services, settings }), atDoor: world.atDoor, clean: undefined });
  const access = { host: '127.0.0.1', port: 0, allowedHosts: [], tokens: {}, failed: (error: unknown) => expect(error).toBeNull() };
  bare = await serveHttp({ ...access, serverFor: server });
  fitted = await serveHttp({ ...access, serverFor: () => addFixtures(server()) });
});
afterAll(async () => {
  await bare?.close();
  await fitted?.close();
  await world?.close();
});

function run(args: string[], env: Record<string, string> = {}): Promise<{ code: number | null; out: string }> {
  const child = spawn(process.execPath, args, {
    env: { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    // Ended before the test is, so that what it said so far is seen.
    timeout: 50_000,
    killSignal: 'SIGKILL',
  });
  let out = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (part: string) => {
      out += part;
    });
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, out })));
}

/** Scenarios that pass on a server without any fixture, for a wrong reason: an unknown tool answers in text, as they want it. */
const VACUOUS = ['tools-call-simple-text', 'tools-call-error'];
/** Those that the door itself passes. */
const OWN = ['server-initialize', 'ping', 'tools-list', 'server-sse-multiple-streams', 'resources-list', 'prompts-list', 'dns-rebinding-protection'];

describe.skipIf(peers.mcpConformance.skipped !== undefined)("MCP's conformance suite", () => {
  const { mcpConformance: peer } = peers;
  const shim = pathToFileURL(join(import.meta.dirname, 'conformance-on-node-20.mjs')).href;
  const suite = async (url: string) => {
    const { code, out } = await run(['--import', shim, peer.skipped === undefined ? peer.entry : '', 'server', '--url', url, '--suite', 'active']);
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
    run([peers.mcpInspector.skipped === undefined ? peers.mcpInspector.entry : '', '--cli', ...args, '--format', 'json', '-q']);
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

test.skipIf(peers.mcpClient.skipped !== undefined)("a client of the SDK's second version falls back to what we speak", async () => {
  const { Client, StreamableHTTPClientTransport } = await import(pathToFileURL(peers.mcpClient.skipped === undefined ? peers.mcpClient.entry : '').href);
  const client = new Client({ name: 'second', version: '1' }, { versionNegotiation: { mode: 'auto' } });
  await client.connect(new StreamableHTTPClientTransport(new URL(bare.url)));
  const { tools } = await client.listTools();
  expect(tools.map((tool: { name: string }) => tool.name)).toEqual(catalog.map((tool) => tool.name));
  expect(await client.callTool({ name: 'list_experiments', arguments: {} })).toMatchObject({ structuredContent: { experiments: expect.any(Array) } });
  await client.close();
});
