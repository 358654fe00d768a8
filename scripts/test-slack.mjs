// `npm run test:slack`: how fast Slack is answered under load with a slow Redis, that redeliveries have one effect, and how soon a thread begins. Prints each figure with its target.
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { installMissing, requireNode } from '../bin/prepare.mjs';

requireNode();
const root = dirname(dirname(fileURLToPath(import.meta.url)));
installMissing(root);

// It starts a Redis of its own; somebody's REDIS_URL may hold somebody's sessions.
const { REDIS_URL: _never, ...env } = process.env;
const tsx = pathToFileURL(join(root, 'node_modules', 'tsx', 'dist', 'esm', 'index.mjs')).href;
const args = ['--import', tsx, join(root, 'test', 'figures', 'run.ts'), ...process.argv.slice(2)];
const ran = spawnSync(process.execPath, args, { cwd: root, env, stdio: 'inherit' });
process.exitCode = ran.status ?? 1;
