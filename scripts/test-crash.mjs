// `npm run test:crash -- --count N --seed S`: kills processes, Redis and links under many sessions, and looks whether anything was lost or done twice.
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { installMissing, requireNode } from '../bin/prepare.mjs';

requireNode();
const root = dirname(dirname(fileURLToPath(import.meta.url)));
installMissing(root);

// The suite starts a Redis of its own; somebody's REDIS_URL may hold somebody's sessions.
const { REDIS_URL: _never, ...env } = process.env;
const tsx = pathToFileURL(join(root, 'node_modules', 'tsx', 'dist', 'esm', 'index.mjs')).href;
const args = ['--import', tsx, join(root, 'test', 'crash', 'run.ts'), ...process.argv.slice(2)];
const ran = spawnSync(process.execPath, args, { cwd: root, env, stdio: 'inherit' });
process.exitCode = ran.status ?? 1;
