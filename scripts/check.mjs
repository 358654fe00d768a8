// `npm run check`: everything that must hold before a change goes in. Runs all of it and says at the end what failed. `--no-tests` leaves the suite out.
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installMissing, requireNode } from '../bin/prepare.mjs';
import { readOptions } from './read-options.mjs';

requireNode();
const wish = readOptions('check -- [--no-tests]', { 'no-tests': { type: 'boolean' } });
const root = dirname(dirname(fileURLToPath(import.meta.url)));
installMissing(root);

const bin = (name) => join(root, 'node_modules', '.bin', name);
const steps = [
  ['format and lint', bin('biome'), ['check', '--error-on-warnings', '.']],
  ['types', bin('tsc'), ['-p', '.']],
  ['types of the build', bin('tsc'), ['-p', 'tsconfig.build.json', '--noEmit']],
  ['unused code', bin('knip'), []],
];
if (wish['no-tests']) steps.push(['architecture', bin('vitest'), ['run', 'test/architecture.test.ts']]);
else steps.push(['architecture and tests', process.execPath, [join(root, 'scripts', 'test.mjs')]]);

const failed = [];
for (const [name, program, args] of steps) {
  process.stderr.write(`check: ${name}\n`);
  const ran = spawnSync(program, args, { cwd: root, stdio: 'inherit', shell: process.platform === 'win32' });
  if (ran.status !== 0) failed.push(name);
}
if (failed.length > 0) process.stderr.write(`check failed: ${failed.join(', ')}\n`);
process.exitCode = failed.length > 0 ? 1 : 0;
