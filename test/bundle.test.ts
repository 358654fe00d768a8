import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';

// What a checkout runs is what stands in its sources.

test('a changed source is bundled anew, an unchanged one is not, and where nothing can be kept there is no bundle', async () => {
  const script = new URL('../scripts/bundle.mjs', import.meta.url).href;
  const { bundledCommand } = (await import(script)) as { bundledCommand(root: string): Promise<string | null> };
  const root = mkdtempSync(join(tmpdir(), 'labmate-bundle-'));
  try {
    for (const folder of ['src', 'bin', 'node_modules']) mkdirSync(join(root, folder));
    writeFileSync(join(root, 'package-lock.json'), '{}');
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
