import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { freePort } from '../../src/sandbox/redis.ts';
import { pictureType } from '../../src/tools/picture-type.ts';
import { callMounted, mountsOf } from './mounting-client.ts';
import { peers } from './peers.ts';
import { runNode } from './run-node.ts';

// Mounted servers as others wrote them.

const closes: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closes.splice(0)) await close();
});

describe.skipIf(peers.mcpEverything.skipped !== undefined)("MCP's server-everything, mounted", () => {
  const entry = peers.mcpEverything.skipped === undefined ? peers.mcpEverything.entry : '';
  const stdio = { is: 'stdio' as const, command: process.execPath, args: [entry, 'stdio'], env: { GIVEN: 'yes' } };
  const call = callMounted;

  test('its tools are shown but for those that want to be tasks; pictures arrive, our environment does not, and killed it is started anew', async () => {
    process.env['A_SECRET_OF_OURS'] = 'not-for-children';
    const { mounts, pins, is } = mountsOf([{ address: stdio }]);
    closes.push(() => mounts.close());
    let specs = await mounts.specs();
    for (let i = 0; specs.length === 0 && i < 50; i++) {
      await new Promise((r) => setTimeout(r, 200));
      specs = await mounts.specs();
    }
    const listed = (await pins.read()).get('s0')?.tools ?? [];
    const left = listed.map((d) => d.name).filter((name) => !specs.some((s) => s.name === `mcp__s0__${name}`));
    process.stdout.write(`live: server-everything lists ${listed.length} tools, ${specs.length} are shown; not: ${left.join(', ') || 'none'}\n`);
    expect(specs.map((s) => s.name)).toEqual(expect.arrayContaining(['mcp__s0__echo', 'mcp__s0__get-sum', 'mcp__s0__get-env', 'mcp__s0__get-tiny-image']));
    for (const name of left) expect(listed.find((d) => d.name === name)?.task).toBe('required');

    expect((await call(mounts, 'mcp__s0__echo', { message: 'a\u200bb' })).text).toBe('s0 answered: Echo: a\\u{200B}b');
    const { images = [] } = await call(mounts, 'mcp__s0__get-tiny-image', {});
    expect(images.map((i) => pictureType(i.data))).toEqual(['image/png']);
    const env = async () => JSON.parse(String((await call(mounts, 'mcp__s0__get-env', {})).data['text'])) as Record<string, string>;
    const given = await env();
    expect(given).toMatchObject({ GIVEN: 'yes' });
    expect(Object.keys(given)).not.toContain('A_SECRET_OF_OURS');
    expect(Object.keys(given).filter((k) => !['HOME', 'LOGNAME', 'PATH', 'SHELL', 'TERM', 'USER', 'GIVEN'].includes(k))).toEqual([]);

    for (const pid of await childrenOf(process.pid, entry)) process.kill(pid, 'SIGKILL');
    await new Promise((r) => setTimeout(r, 300));
    is.later += 10_000;
    expect((await call(mounts, 'mcp__s0__echo', { message: 'again' })).text).toBe('s0 answered: Echo: again');
  });

  test('over HTTP it may be restarted; where its definition is another one than was pinned, the tool is refused and told of once', async () => {
    const port = await freePort();
    let child = everything(port);
    closes.push(() => void child.kill('SIGKILL'));
    const { mounts, pins, drifts, is } = mountsOf([{ address: { is: 'http', url: `http://127.0.0.1:${port}/mcp`, headers: {} } }]);
    closes.push(() => mounts.close());
    await until(async () => (await mounts.specs()).length > 0);
    child.kill('SIGKILL');
    child = everything(port);
    await until(async () => (await fetch(`http://127.0.0.1:${port}/mcp`).catch(() => null)) !== null);
    is.later += 90_000;
    expect((await call(mounts, 'mcp__s0__get-sum', { a: 2, b: 3 })).text).toContain('5');

    // As if it had said something else when it was first seen.
    const sum = (await pins.read()).get('s0')?.tools.find((d) => d.name === 'get-sum') ?? null;
    await pins.replace('s0', [{ tool: 'get-sum', pinned: sum, offered: { ...sum, name: 'get-sum', description: 'Adds.' } }]);
    await expect(call(mounts, 'mcp__s0__get-sum', { a: 2, b: 3 })).rejects.toThrow('is not what was agreed to');
    await expect(call(mounts, 'mcp__s0__get-sum', { a: 2, b: 3 })).rejects.toThrow('is not what was agreed to');
    expect(drifts).toEqual([['get-sum']]);
  });

  const everything = (port: number) =>
    spawn(process.execPath, [entry, 'streamableHttp'], { env: { PATH: process.env['PATH'] ?? '', PORT: String(port) }, stdio: 'ignore' });
});

describe.skipIf(peers.mcpInspector.skipped !== undefined)("README's block of mounted servers, read by the Inspector as any host would", () => {
  const readme = readFileSync('README.md', 'utf8');
  const block = [...readme.matchAll(/```json\n([\s\S]*?)\n```/g)].map((found) => JSON.parse(found[1] ?? '') as Block).find((b) => b.mounts);
  type Block = { mcpServers: Record<string, { command: string; args: string[]; env?: Record<string, string> }>; mounts?: object };

  const listed = async (name: string, change: (server: Block['mcpServers'][string]) => object) => {
    const dir = mkdtempSync(join(tmpdir(), 'labmate-readme-'));
    closes.push(() => rmSync(dir, { recursive: true }));
    mkdirSync(join(dir, 'experiments'));
    const server = block?.mcpServers[name];
    if (!server) throw new Error(`README mounts no ${name}`);
    const file = join(dir, 'labmate.json');
    writeFileSync(file, JSON.stringify({ ...block, mcpServers: { [name]: change(server) } }));
    const inspector = peers.mcpInspector.skipped === undefined ? peers.mcpInspector.entry : '';
    const { code, out } = await runNode([inspector, '--cli', '--config', file, '--server', name, '--method', 'tools/list', '--format', 'json', '-q'], {
      cwd: dir,
    });
    expect(code, out).toBe(0);
    return [...out.matchAll(/"name": ?"([a-z_]+)"/g)].map((found) => found[1]);
  };

  test.skipIf(peers.mcpFilesystem.skipped !== undefined)('configs', async () => {
    const entry = peers.mcpFilesystem.skipped === undefined ? peers.mcpFilesystem.entry : '';
    // The package of that name, without npx' download.
    const names = await listed('configs', ({ args: [, , ...rest], ...server }) => ({ ...server, command: process.execPath, args: [entry, ...rest] }));
    expect(names).toContain('read_text_file');
  });

  test.skipIf(peers.mcpGrafana.skipped !== undefined)('grafana', async () => {
    const program = peers.mcpGrafana.skipped === undefined ? peers.mcpGrafana.program : '';
    const env = { GRAFANA_URL: 'http://127.0.0.1:1', GRAFANA_SERVICE_ACCOUNT_TOKEN: 'glsa_none' };
    const names = await listed('grafana', ({ args: [, ...rest] }) => ({ command: program, args: rest, env }));
    expect(names).toContain('search_dashboards');
    expect(names).not.toContain('update_dashboard');
  });
});

async function until(look: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + 30_000;
  while (!(await look())) {
    if (Date.now() > end) throw new Error('it did not come');
    await new Promise((r) => setTimeout(r, 200));
  }
}

async function childrenOf(pid: number, words: string): Promise<number[]> {
  const { out } = await runNode(['-e', `process.stdout.write(require('node:child_process').execFileSync('ps', ['-eo', 'pid,ppid,args']).toString())`]);
  return out.split('\n').flatMap((line) => {
    const [, own, parent] = /^\s*(\d+)\s+(\d+)/.exec(line) ?? [];
    return Number(parent) === pid && line.includes(words) ? [Number(own)] : [];
  });
}
