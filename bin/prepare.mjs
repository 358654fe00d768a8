// Plain JavaScript, because it runs before anything is installed.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const OLDEST = [20, 19];

/** Ends the process with one line where Node is too old for our dependencies. */
export function requireNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])) return;
  process.stderr.write(`labmate needs Node ${OLDEST.join('.')} or newer; this is ${process.versions.node}. Install a newer one from https://nodejs.org\n`);
  process.exit(1);
}

/** Installs exactly what the lock file names, where that is not what lies in node_modules. One line says so; stdout stays clean for protocols. */
export function installMissing(root) {
  const why = whatIsMissing(root);
  if (why === null) return;
  process.stderr.write(`Installing dependencies with npm ci (${why})\n`);
  const npm = process.env.npm_execpath;
  const args = ['ci', '--no-audit', '--no-fund', '--loglevel=error'];
  const [program, rest] = npm?.endsWith('.js') ? [process.execPath, [npm, ...args]] : ['npm', args];
  const done = spawnSync(program, rest, { cwd: root, stdio: ['ignore', 2, 2], shell: process.platform === 'win32' });
  if (done.status === 0) return;
  process.stderr.write(`npm ci failed in ${root}. Check the network and the npm registry setting, then run it again.\n`);
  process.exit(1);
}

/** Compared by version, not by file time: a checkout touches files without changing them, and npm ci takes a minute. */
function whatIsMissing(root) {
  const lock = join(root, 'package-lock.json');
  const installed = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(lock)) return null;
  if (!existsSync(installed)) return 'node_modules is missing';
  const wanted = JSON.parse(readFileSync(lock, 'utf8')).packages;
  const present = JSON.parse(readFileSync(installed, 'utf8')).packages;
  for (const [path, entry] of Object.entries(wanted)) {
    // Optional packages are for other platforms as often as not.
    if (path === '' || entry.optional || entry.devOptional || entry.peer || entry.link) continue;
    if (present[path]?.version !== entry.version) return `node_modules lacks ${path.replace(/^node_modules\//, '')} ${entry.version}`;
  }
  return null;
}
