import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { spawnGuarded } from '../../src/sandbox/guarded.ts';

const logFile = () => join(mkdtempSync(join(tmpdir(), 'labmate-guarded-')), 'log');
const lives = (pid: number) => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

it('gives the exit code of a program that ends by itself, and keeps what it printed', async () => {
  const file = logFile();
  const program = spawnGuarded(process.execPath, ['-e', 'console.log("out"); console.error("err"); process.exit(7)'], { logFile: file });
  expect(await program.ended).toBe(7);
  expect(readFileSync(file, 'utf8')).toBe('out\nerr\n');
});

it('lets a program end in its own time when it is asked to', async () => {
  const file = logFile();
  const tidy = 'process.on("SIGTERM", () => setTimeout(() => { console.log("tidied"); process.exit(0) }, 100)); setInterval(() => {}, 1000); console.log("up")';
  const program = spawnGuarded(process.execPath, ['-e', tidy], { logFile: file });
  const pid = await program.pid;
  await expect.poll(() => readFileSync(file, 'utf8')).toBe('up\n');
  await program.end();
  expect(lives(pid)).toBe(false);
  expect(readFileSync(file, 'utf8')).toBe('up\ntidied\n');
});

it('kills a program that will not end', async () => {
  const file = logFile();
  const program = spawnGuarded(process.execPath, ['-e', 'process.on("SIGTERM", () => {}); setInterval(() => {}, 1000); console.log("up")'], { logFile: file });
  const pid = await program.pid;
  await expect.poll(() => readFileSync(file, 'utf8')).toBe('up\n');
  await program.end(200);
  expect(lives(pid)).toBe(false);
});

it('gives a program the variables it is given and no others', async () => {
  const file = logFile();
  const program = spawnGuarded(process.execPath, ['-e', 'console.log(process.env.OURS, process.env.HOME)'], { logFile: file, env: { OURS: 'yes' } });
  await program.ended;
  expect(readFileSync(file, 'utf8')).toBe('yes undefined\n');
});
