// `npm run build`: the package's dist/, bundled, with what a bundle leaves behind (Lua scripts, styles), the sandbox's page and the licences of what others wrote.
import { spawnSync } from 'node:child_process';
import { cpSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installMissing, requireNode } from '../bin/prepare.mjs';
import { bundlePackage } from './bundle.mjs';
import { licencesOf } from './licences.mjs';

requireNode();
const root = dirname(dirname(fileURLToPath(import.meta.url)));
installMissing(root);
rmSync(join(root, 'dist'), { recursive: true, force: true });

const typed = spawnSync(process.execPath, [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', 'tsconfig.build.json', '--noEmit'], {
  cwd: root,
  stdio: 'inherit',
});
if (typed.status !== 0) process.exit(typed.status ?? 1);
const code = await bundlePackage(root, join(root, 'dist'));

// The page is bundled from its sources, so its modules are not wanted one by one.
const pageSources = join('src', 'sandbox', 'web');
cpSync(join(root, 'src'), join(root, 'dist'), { recursive: true, filter: (file) => !file.startsWith(join(root, pageSources)) && !/\.tsx?$/.test(file) });
const { register } = await import('tsx/esm/api');
register();
const { buildPage } = await import('../src/sandbox/web-build.ts');
const page = await buildPage(join(root, 'dist', 'sandbox', 'web'));
writeFileSync(join(root, 'dist', 'THIRD-PARTY-LICENSES.txt'), licencesOf([...code, ...page], root));
process.stdout.write('dist/ is built\n');
