// `npm run test:package`: what somebody gets from the registry. Packs it, looks at what is inside, and plays the main job by npx from the tarball in an empty folder.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installMissing, requireNode } from '../bin/prepare.mjs';
import { readOptions } from './read-options.mjs';

requireNode();
readOptions('test:package', {});
const root = dirname(dirname(fileURLToPath(import.meta.url)));
installMissing(root);
const folder = mkdtempSync(join(tmpdir(), 'labmate-package-'));
const windows = process.platform === 'win32';
const run = (program, args, cwd, stdio) =>
  spawnSync(program, args, { cwd, encoding: 'utf8', stdio: ['ignore', ...stdio], shell: windows, maxBuffer: 64 * 1024 * 1024 });
let failed = [];
try {
  const packed = run('npm', ['pack', '--json', '--pack-destination', folder], root, ['pipe', 'inherit']);
  if (packed.status !== 0) throw new Error('npm pack failed');
  // What the build prints comes before what npm says of the tarball.
  const [{ filename, files, unpackedSize }] = Object.values(JSON.parse(packed.stdout.slice(packed.stdout.search(/^[[{]\s*$/m))));
  const names = files.map((f) => f.path);
  const wanted = [
    'README.md',
    'LICENSE',
    'CHANGELOG.md',
    'bin/labmate.mjs',
    'dist/cli.js',
    'dist/THIRD-PARTY-LICENSES.txt',
    'dist/runtime/scripts/append.lua',
    'labmate.schema.json',
    'labmate.example.json',
    '.env.example',
    'manifest.yml',
  ];
  failed = [
    ...wanted.filter((name) => !names.includes(name)).map((name) => `${name} is missing`),
    ...names.filter((name) => /^(src|test|bench|docs|scripts)\/|\.tsx?$|^\.env$|^labmate\.json$/.test(name)).map((name) => `${name} does not belong there`),
  ];
  process.stdout.write(`${filename}: ${names.length} files, ${(unpackedSize / 1e6).toFixed(1)} MB unpacked\n`);
  const { REDIS_URL: _never, ...env } = process.env;
  const began = Date.now();
  const played = spawnSync('npx', ['--yes', '--package', `./${filename}`, 'labmate', 'sandbox', '--headless', '--scenario', 'ablation'], {
    cwd: folder,
    env,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    shell: windows,
  });
  process.stdout.write(`${played.stdout.trim().split('\n').at(-1)}; with its installation ${Math.round((Date.now() - began) / 1000)} s\n`);
  if (played.status !== 0) failed.push(`the sandbox ended with ${played.status}:\n${played.stdout}`);
  const left = readdirSync(folder).filter((name) => name !== filename);
  if (left.length > 0) failed.push(`it left ${left.join(', ')} in the folder it ran in`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
for (const sentence of failed) process.stdout.write(`${sentence}\n`);
process.stdout.write(failed.length === 0 ? 'the package is as it should be\n' : 'the package is not as it should be\n');
process.exitCode = failed.length === 0 ? 0 : 1;
