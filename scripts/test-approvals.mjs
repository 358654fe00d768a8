// `npm run test:approvals`: approval schedules against the real scripts, gate and Redis, more with real processes that are killed, and every injection.
// Options: --schedules=10000 --killed=300 --seed=N (a seed is printed; the same one plays the same schedules).
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installMissing, requireNode } from '../bin/prepare.mjs';
import { mistaken, readOptions } from './read-options.mjs';

requireNode();
const USAGE = 'test:approvals -- [--schedules=N] [--killed=N] [--seed=N]';
const values = readOptions(USAGE, {
  schedules: { type: 'string', default: '10000' },
  killed: { type: 'string', default: '300' },
  seed: { type: 'string', default: String(Date.now() % 1_000_000) },
});
for (const [name, least] of Object.entries({ schedules: 1, killed: 1, seed: 0 }))
  if (!/^\d{1,9}$/.test(values[name]) || Number(values[name]) < least)
    mistaken(USAGE, `--${name} is "${values[name]}", which is not a whole number from ${least} on`);
const root = dirname(dirname(fileURLToPath(import.meta.url)));
installMissing(root);

console.log(`seed ${values.seed}: ${values.schedules} schedules in process, ${values.killed} with real processes and SIGKILL`);

const folder = mkdtempSync(join(tmpdir(), 'labmate-approvals-'));
const tally = join(folder, 'tally');
const { REDIS_URL: _never, ...env } = process.env;
const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
const ran = spawnSync(process.execPath, [vitest, 'run', '--config', 'test/safety/vitest.config.ts'], {
  cwd: root,
  env: {
    ...env,
    LABMATE_SCHEDULES: values.schedules,
    LABMATE_KILLED: values.killed,
    LABMATE_SEED: values.seed,
    LABMATE_INJECTIONS: 'all',
    LABMATE_TALLY: tally,
  },
  stdio: ['ignore', 'inherit', 'inherit'],
});
const lines = existsSync(tally) ? readFileSync(tally, 'utf8').trim().split('\n') : [];
rmSync(folder, { recursive: true, force: true });

const count = (kind) => lines.map((line) => JSON.parse(line)).find((t) => t.kind === kind) ?? { played: 0, wrong: 0 };
const [killed, played] = [count('killed'), count('played')];
console.log(`${killed.played} schedules with real processes, ${killed.wrong} violations`);
console.log(`${played.played} schedules, ${played.wrong} violations`);
process.exitCode = ran.status === 0 && killed.wrong + played.wrong === 0 ? 0 : 1;
