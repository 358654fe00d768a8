// `npm test`: installs what is missing, runs the whole suite with a Redis of its own, and ends with one line that counts.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installMissing, requireNode } from '../bin/prepare.mjs';
import { countTests } from './count-tests.mjs';

requireNode();
const root = dirname(dirname(fileURLToPath(import.meta.url)));
installMissing(root);

const folder = mkdtempSync(join(tmpdir(), 'labmate-tests-'));
const report = join(folder, 'report.json');
// Tests start a Redis of their own; somebody's REDIS_URL may hold somebody's sessions.
const { REDIS_URL: _never, ...env } = process.env;
const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
const args = ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`, ...process.argv.slice(2)];
const ran = spawnSync(process.execPath, [vitest, ...args], { cwd: root, env, stdio: ['ignore', 'inherit', 'inherit'] });
const counts = countTests(existsSync(report) ? JSON.parse(readFileSync(report, 'utf8')) : null, ran.status);
rmSync(folder, { recursive: true, force: true });

process.stdout.write(`${counts.passed} passed, ${counts.failed} failed${counts.skipped ? `, ${counts.skipped} skipped` : ''}\n`);
process.exitCode = counts.failed > 0 ? 1 : 0;
