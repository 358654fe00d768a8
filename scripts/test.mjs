// `npm test`: installs what is missing, runs the whole suite with a Redis of its own, and ends with one line that counts.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installMissing, requireNode } from '../bin/prepare.mjs';
import { countTests, failedTests, filesToTryAlone } from './count-tests.mjs';

requireNode();
const root = dirname(dirname(fileURLToPath(import.meta.url)));
installMissing(root);

const folder = mkdtempSync(join(tmpdir(), 'labmate-tests-'));
const args = process.argv.slice(2);
const whole = runTests('whole', args);
let failed = failedTests(whole.report, root);
let count = whole.count.failed;

// Stories drive processes against the clock, and a shared machine may stand still for seconds. What failed beside all others gets one run by itself; both are told.
const files = args.length === 0 && count === failed.length ? filesToTryAlone(failed) : [];
if (files.length > 0) {
  for (const { line } of failed) process.stdout.write(`failed beside the others: ${line}\n`);
  const alone = runTests('alone', [...files, '--maxWorkers=1']);
  failed = failedTests(alone.report, root);
  process.stdout.write(`${Math.max(0, count - alone.count.failed)} of ${count} passed by themselves\n`);
  count = alone.count.failed;
}
rmSync(folder, { recursive: true, force: true });

for (const { line } of failed) process.stdout.write(`failed: ${line}\n`);
const { skipped } = whole.count;
const passed = whole.count.passed + whole.count.failed - count;
process.stdout.write(`${passed} passed, ${count} failed${skipped ? `, ${skipped} skipped` : ''}\n`);
process.exitCode = count > 0 ? 1 : 0;

function runTests(name, what) {
  const file = join(folder, `${name}.json`);
  // Tests start a Redis of their own; somebody's REDIS_URL may hold somebody's sessions.
  const { REDIS_URL: _never, ...env } = process.env;
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  const ran = spawnSync(process.execPath, [vitest, 'run', '--reporter=default', '--reporter=json', `--outputFile.json=${file}`, ...what], {
    cwd: root,
    env,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const report = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : null;
  return { report, count: countTests(report, ran.status) };
}
