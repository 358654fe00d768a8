import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { expect, inject, it } from 'vitest';
import { mustBeConfigured } from '../../src/real-services.ts';
import { variablesOfReal } from '../../src/sandbox/launch.ts';
import { lockFolder } from '../../src/sandbox/lock-folder.ts';
import { startProduct } from '../../src/sandbox/product.ts';

/** Runs `labmate sandbox` with a bare environment. */
async function sandbox(args: string[], env: Record<string, string> = {}) {
  const child = spawn(process.execPath, ['bin/labmate.mjs', 'sandbox', ...args], { env: { PATH: process.env['PATH'] ?? '', HOME: tmpdir(), ...env } });
  let out = '';
  let err = '';
  child.stdout.on('data', (bytes) => {
    out += String(bytes);
  });
  child.stderr.on('data', (bytes) => {
    err += String(bytes);
  });
  const code = await new Promise((resolve) => child.once('close', resolve));
  return { code, out, err };
}

it('plays a scenario over signed HTTP on a Redis that somebody else runs, and leaves nothing in it', async () => {
  const ran = await sandbox(['--headless', '--scenario', 'prod-refused', '--http'], { REDIS_URL: inject('redisUrl') });
  expect(ran.out).toMatch(/prod-refused: as it should be, in [\d.]+ s\n$/);
  expect(ran.err).toMatch(/^Redis \S+ of REDIS_URL, under the prefix lm-prod-refused-\d+$/m);
  expect(ran.code).toBe(0);
  const redis = new Redis(inject('redisUrl'));
  expect(await redis.keys('{lm-prod-refused*')).toEqual([]);
  await redis.quit();
}, 90_000);

it('says which scenarios there are before it starts anything', async () => {
  const ran = await sandbox(['--headless', '--scenario', 'ablatoin']);
  expect(ran.err).toMatch(/^There is no scenario "ablatoin"\. There are:\n {2}ablation /);
  expect(ran).toMatchObject({ code: 1, out: '' });
});

it.each<[string, Record<string, string>, string]>([
  ['claude', {}, '--with claude=real needs ANTHROPIC_API_KEY in the environment.'],
  ['github', {}, '--with github=real needs GITHUB_TOKEN, or GITHUB_APP_ID, GITHUB_APP_PRIVATE_KEY and GITHUB_APP_INSTALLATION_ID in the environment.'],
  [
    'databricks',
    { DATABRICKS_HOST: 'https://x.test' },
    'DATABRICKS_HOST is set without credentials: set DATABRICKS_TOKEN, or DATABRICKS_CLIENT_ID and DATABRICKS_CLIENT_SECRET.',
  ],
])('says which variable the real %s needs before it starts anything', async (name, env, sentence) => {
  expect(await sandbox(['--with', `${name}=real`], env)).toEqual({ code: 1, out: '', err: `${sentence}\n` });
});

it('takes a GitHub app for the real GitHub as a token, and no variable of another service for a fault', () => {
  const app = { GITHUB_APP_ID: '1', GITHUB_APP_PRIVATE_KEY: 'key', GITHUB_APP_INSTALLATION_ID: '2', DATABRICKS_HOST: 'no url', ROLE: 'boss' };
  expect(() => mustBeConfigured(['github'], variablesOfReal(['github'], app))).not.toThrow();
  expect(() => mustBeConfigured(['github'], variablesOfReal(['github'], { ...app, GITHUB_APP_ID: '' }))).toThrow('A GitHub app needs all of GITHUB_APP_ID');
});

it('says that a port is taken before it starts anything', async () => {
  const neighbour = createServer().listen(0, '127.0.0.1');
  await once(neighbour, 'listening');
  const { port } = neighbour.address() as AddressInfo;
  expect(await sandbox(['--port', String(port)])).toEqual({ code: 1, out: '', err: `--port ${port} is taken: choose another, or leave it out.\n` });
  neighbour.close();
  expect((await sandbox(['--port', '70000'])).err).toBe('labmate sandbox: --port is "70000": it takes a whole number from 0 to 65535.\n');
});

it("prints the page's URL alone on stdout, in a folder that a killed one left too", async () => {
  const dir = mkdtempSync(join(tmpdir(), 'labmate-page-'));
  writeFileSync(join(dir, 'ports.json'), '{"slack":');
  const args = ['bin/labmate.mjs', 'sandbox', '--port', '0', '--dir', dir];
  const env = { PATH: process.env['PATH'] ?? '', HOME: tmpdir(), REDIS_URL: inject('redisUrl') };
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  child.stdout.on('data', (bytes) => {
    out += String(bytes);
  });
  let err = '';
  child.stderr.on('data', (bytes) => {
    err += String(bytes);
  });
  try {
    await expect.poll(() => err, { timeout: 60_000 }).toContain('Ctrl-C stops all of it.');
    expect(out).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/?\n$/);
    expect((await fetch(out.trim())).status).toBe(200);
  } finally {
    child.kill('SIGINT');
    await once(child, 'close');
  }
  const redis = new Redis(inject('redisUrl'));
  for (const key of await redis.keys('{lm-sandbox}*')) await redis.del(key);
  await redis.quit();
}, 90_000);

it('gives the last words of a product that does not start', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'labmate-product-'));
  const variables = { PATH: process.env['PATH'] ?? '' };
  await expect(startProduct({ variables, dir, say: () => {} })).rejects.toThrow(/did not start \(exit 1\)\. [\s\S]*SLACK_BOT_TOKEN is not set/);
});

it('does not let two launchers share a folder, and forgives one that died', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'labmate-lock-'));
  const sleeper = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
  writeFileSync(join(dir, 'launcher.pid'), String(sleeper.pid));
  await expect(lockFolder(dir)).rejects.toThrow('running already');
  sleeper.kill('SIGKILL');
  await new Promise((resolve) => sleeper.once('close', resolve));
  const release = await lockFolder(dir);
  await release();
});
