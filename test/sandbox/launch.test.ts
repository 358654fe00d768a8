import { spawn } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { expect, inject, it } from 'vitest';
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

it('says which variable a real service needs', async () => {
  const ran = await sandbox(['--with', 'claude=real']);
  expect(ran.err.trim()).toBe('--with claude=real needs ANTHROPIC_API_KEY in the environment.');
  expect(ran.code).toBe(1);
});

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
