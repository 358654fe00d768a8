#!/usr/bin/env node
// The command itself is src/cli.ts. This file gets it running: through tsx in a checkout, compiled in a package.
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installMissing, requireNode } from './prepare.mjs';

requireNode();
const root = dirname(dirname(fileURLToPath(import.meta.url)));
if (existsSync(join(root, 'src', 'cli.ts'))) {
  installMissing(root);
  const { register } = await import('tsx/esm/api');
  register();
  const { main } = await import('../src/cli.ts');
  process.exitCode = await main(process.argv.slice(2));
} else {
  const { main } = await import('../dist/cli.js');
  process.exitCode = await main(process.argv.slice(2));
}
