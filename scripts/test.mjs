// `npm test`: installs what is missing, runs the whole suite with a Redis of its own, and ends with one line that counts.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installMissing, requireNode } from '../bin/prepare.mjs';

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
const counts = count(existsSync(report) ? JSON.parse(readFileSync(report, 'utf8')) : null, ran.status);
rmSync(folder, { recursive: true, force: true });

process.stdout.write(`${counts.passed} passed, ${counts.failed} failed${counts.skipped ? `, ${counts.skipped} skipped` : ''}\n`);
process.exitCode = counts.failed > 0 ? 1 : 0;

/** A file that could not be loaded holds no failed test, and an error outside every test none either: both count as a failure. */
function count(report, status) {
  const passed = report?.numPassedTests ?? 0;
  const skipped = (report?.numPendingTests ?? 0) + (report?.numTodoTests ?? 0);
  const unloadable = (report?.testResults ?? []).filter((file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'));
  const failed = (report?.numFailedTests ?? 0) + unloadable.length;
  return { passed, skipped, failed: failed === 0 && status !== 0 ? 1 : failed };
}
