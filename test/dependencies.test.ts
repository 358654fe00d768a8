import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '..');
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Record<
  'dependencies' | 'optionalDependencies' | 'devDependencies',
  Record<string, string>
>;
const parts = readFileSync(join(root, 'docs', 'dependencies.md'), 'utf8').split(/^## /m);
const listed = (heading: string) => [...(parts.find((part) => part.startsWith(heading)) ?? '').matchAll(/^\| `([^`]+)` \| (.+) \|$/gm)];

test.each([
  ['At run time', 'dependencies'],
  ['Optional', 'optionalDependencies'],
  ['While developing', 'devDependencies'],
] as const)('%s: each package is justified in one line, and nothing else is', (heading, kind) => {
  expect(
    listed(heading)
      .map(([, name]) => name)
      .sort(),
  ).toEqual(Object.keys(manifest[kind]).sort());
  expect(Object.values(manifest[kind]).filter((version) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([]);
});

test('the lock file names no registry, so that it works behind any', () => {
  expect(readFileSync(join(root, 'package-lock.json'), 'utf8')).not.toMatch(/"resolved"/);
});
