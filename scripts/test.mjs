// `npm test`: installs what is missing, runs the whole suite with a Redis of its own, and ends with one line that counts.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installMissing, requireNode } from '../bin/prepare.mjs';
import { countTests, failedTests, filesToTryAlone, withSecondRun } from './count-tests.mjs';

requireNode();
const root = dirname(dirname(fileURLToPath(import.meta.url)));
installMissing(root);

const folder = mkdtempSync(join(tmpdir(), 'labmate-tests-'));
const args = process.argv.slice(2);
const first = runTests('first', args);
let report = first.report;
let count = countTests(report, first.status);
const told = [];

// Stories drive processes against the clock, and a shared machine may stand still for seconds. What failed beside all others gets one run by itself; both are told.
const files = args.length === 0 && !first.outside ? filesToTryAlone(failedTests(report, root)) : [];
if (files.length > 0) {
  told.push(...failedTests(report, root).map(({ line }) => `failed beside the others: ${line}`));
  process.stdout.write(`${told.join('\n')}\n${closing(count)}\nonce more, by themselves: ${files.join(', ')}\n`);
  const second = runTests('second', [...files, '--maxWorkers=1']);
  report = second.outside ? report : withSecondRun(report, second.report, second.status, root);
  count = countTests(report, 0);
}
rmSync(folder, { recursive: true, force: true });

told.push(...failedTests(report, root).map(({ line }) => `failed: ${line}`));
for (const line of told) process.stdout.write(`${line}\n`);
process.stdout.write(`${closing(count)}\n`);
process.exitCode = count.failed > 0 ? 1 : 0;

function closing({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped ? `, ${skipped} skipped` : ''}`;
}

function runTests(name, what) {
  const [file, errors] = [join(folder, `${name}.json`), join(folder, `${name}-outside`)];
  // Tests start a Redis of their own; somebody's REDIS_URL may hold somebody's sessions.
  const { REDIS_URL: _never, ...env } = process.env;
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`, '--reporter=./scripts/outside-errors.mjs'];
  const ran = spawnSync(process.execPath, [vitest, 'run', ...reporters, ...what], {
    cwd: root,
    env: { ...env, LABMATE_OUTSIDE_ERRORS: errors },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  return { status: ran.status, report: existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : null, outside: existsSync(errors) };
}
