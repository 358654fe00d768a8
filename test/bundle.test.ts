import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { bundledCommand } from '../scripts/bundle.mjs';

// What a checkout runs is what stands in its sources.

function aCheckout(): string {
  const root = mkdtempSync(join(tmpdir(), 'labmate-bundle-'));
  for (const folder of ['src', 'bin', 'node_modules']) mkdirSync(join(root, folder));
  writeFileSync(join(root, 'package-lock.json'), '{}');
  return root;
}

test('a changed source is bundled anew, an unchanged one is not, and where nothing can be kept there is no bundle', async () => {
  const root = aCheckout();
  try {
    const says = async (word: string) => {
      writeFileSync(join(root, 'src', 'cli.ts'), `const word: string = '${word}';\nconsole.log(word, import.meta.url);\n`);
      const command = await bundledCommand(root);
      expect(await bundledCommand(root)).toBe(command);
      return execFileSync(process.execPath, [command ?? ''], { encoding: 'utf8' });
    };
    // Whatever looks for a file beside it finds it beside the source.
    expect(await says('one')).toMatch(/^one file:.*\/src\/cli\.ts\n$/);
    expect(await says('another')).toMatch(/^another /);

    rmSync(join(root, 'node_modules', '.cache'), { recursive: true });
    writeFileSync(join(root, 'node_modules', '.cache'), '');
    expect(await bundledCommand(root)).toBeNull();
  } finally {
    rmSync(root, { recursive: true });
  }
});

test('what a process still runs stays, however old; what nothing has used for a week goes', async () => {
  vi.useFakeTimers({ now: Date.now() });
  const root = aCheckout();
  const bundles: string[] = [];
  const another = async () => {
    writeFileSync(join(root, 'src', 'cli.ts'), `console.log(${bundles.length});\n`);
    bundles.push(dirname((await bundledCommand(root)) ?? ''));
  };
  const there = () => bundles.map((folder) => existsSync(folder));
  try {
    await another();
    await another();
    // This process runs both, for a month. The first is then taken for one whose process ended two weeks ago.
    vi.advanceTimersByTime(30 * 86_400_000);
    const then = new Date(Date.now() - 14 * 86_400_000);
    utimesSync(bundles[0] ?? '', then, then);
    await another();
    expect(there()).toEqual([false, true, true]);
  } finally {
    vi.useRealTimers();
    rmSync(root, { recursive: true });
  }
});
