// `npm run bench`: compiles product and contenders, as they would run in production, and measures them against each other. `--quick` is for development.
import { spawnSync } from 'node:child_process';
import { cpSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { installMissing, requireNode } from '../bin/prepare.mjs';
import { bundlePackage } from './bundle.mjs';
import { mistaken, readOptions } from './read-options.mjs';

const PARTS = ['sessions', 'parked', 'bytes', 'asking', 'people', 'start'];
const USAGE = 'bench -- [--quick] [--only PART,…] [--growth] [--profile DIR]';
const MORE = `
  --quick        a tenth of it, for development: its ratios are rough, and nothing is kept
  --only PART,…  some parts: ${PARTS.join(', ')}
  --growth       and how cost grows with steps, transcript, workers and sleepers
  --profile DIR  a processor profile of each process
`;
const wish = readOptions(USAGE, {
  quick: { type: 'boolean' },
  growth: { type: 'boolean' },
  only: { type: 'string' },
  profile: { type: 'string' },
  help: { type: 'boolean' },
});
if (wish.help) {
  process.stdout.write(`npm run ${USAGE}\n${MORE}`);
  process.exit(0);
}
const nobody = wish.only?.split(',').find((name) => !PARTS.includes(name));
if (nobody !== undefined) mistaken(USAGE, `There is no part "${nobody}"; there are ${PARTS.slice(0, -1).join(', ')} and ${PARTS.at(-1)}`);

requireNode();
const root = dirname(dirname(fileURLToPath(import.meta.url)));
installMissing(root);

const built = join(root, '.cache', 'bench');
rmSync(built, { recursive: true, force: true });
const compiled = spawnSync(process.execPath, [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', 'bench'], { cwd: root, stdio: 'inherit' });
if (compiled.status !== 0) process.exit(compiled.status ?? 1);
// What is started from nothing is started as it is shipped.
await bundlePackage(root, join(built, 'dist'));
for (const place of ['src', 'dist']) cpSync(join(root, 'src', 'runtime', 'scripts'), join(built, place, 'runtime', 'scripts'), { recursive: true });
cpSync(join(root, 'package.json'), join(built, 'package.json'));
cpSync(join(root, 'bin'), join(built, 'bin'), { recursive: true });

// The benchmarks start a Redis of their own; somebody's REDIS_URL may hold somebody's sessions.
const { REDIS_URL: _never, ...others } = process.env;
const env = { ...others, LABMATE_BENCH: JSON.stringify(wish) };
const tsx = pathToFileURL(join(root, 'node_modules', 'tsx', 'dist', 'esm', 'index.mjs')).href;
const ran = spawnSync(process.execPath, ['--import', tsx, join(root, 'bench', 'run.ts')], { cwd: root, env, stdio: 'inherit' });
process.exitCode = ran.status ?? 1;
