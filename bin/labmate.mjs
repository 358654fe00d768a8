#!/usr/bin/env node
// The command itself is src/cli.ts. This file gets it running: bundled at need in a checkout, compiled in a package.
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { answerAtOnce } from './commands.mjs';
import { installMissing, requireNode } from './prepare.mjs';

const told = answerAtOnce(process.argv.slice(2));
if (told) {
  (told.exitCode === 0 ? process.stdout : process.stderr).write(`${told.text}\n`, () => process.exit(told.exitCode));
  // Whatever follows is for commands that are run.
  await new Promise(() => {});
}
requireNode();
const root = dirname(dirname(fileURLToPath(import.meta.url)));
let main;
if (existsSync(join(root, 'src', 'cli.ts'))) {
  installMissing(root);
  const { bundledCommand } = await import('../scripts/bundle.mjs');
  const bundled = await bundledCommand(root);
  if (bundled) {
    process.setSourceMapsEnabled(true);
    ({ main } = await import(pathToFileURL(bundled).href));
  } else {
    const { register } = await import('tsx/esm/api');
    register();
    ({ main } = await import('../src/cli.ts'));
  }
} else {
  // Without source maps: Node would read them at start, a tenth of it. What is bundled still has its names.
  ({ main } = await import('../dist/cli.js'));
}
const exitCode = await main(process.argv.slice(2));
// null: it runs until it is stopped. Else end now, whatever connection is still open, but not before what was printed is out.
if (exitCode !== null) process.stdout.write('', () => process.exit(exitCode));
