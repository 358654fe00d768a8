import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';

/** The code that brings a session forward, as the owner's promises need it. */
export type OwnerCode = Pick<typeof import('../../src/runtime/advance.ts'), 'advance'> &
  Pick<typeof import('../../src/session/next.ts'), 'next'> &
  Pick<typeof import('../../src/session/fold.ts'), 'fold'> &
  Pick<typeof import('../../src/policy/digest.ts'), 'effectKey'> &
  Pick<typeof import('../../src/runtime/event-log.ts'), 'openLog'> &
  Pick<typeof import('../../src/runtime/keep-due.ts'), 'rebuildDue'> &
  Pick<typeof import('../../src/agent/call-tool.ts'), 'callTool'> &
  Pick<typeof import('../../src/agent/toolbox.ts'), 'openToolbox'>;

/** Other words in one file under src/. */
export type Change = { file: string; from: string; to: string };

/** A lease so short that a test can outlast it. */
export const LEASE_MS = 400;
const SHORT_LEASE: Change = { file: 'runtime/lease.ts', from: 'LEASE_MS = 5_000', to: `LEASE_MS = ${LEASE_MS}` };

const ROOT = join(import.meta.dirname, '..', '..');
const WHERE: Record<keyof OwnerCode, string> = {
  advance: 'runtime/advance.ts',
  next: 'session/next.ts',
  fold: 'session/fold.ts',
  effectKey: 'policy/digest.ts',
  openLog: 'runtime/event-log.ts',
  rebuildDue: 'runtime/keep-due.ts',
  callTool: 'agent/call-tool.ts',
  openToolbox: 'agent/toolbox.ts',
};
let built = 0;

/** The product's code with these words changed, and a short lease. */
export async function ownerCode(changes: readonly Change[] = []): Promise<OwnerCode> {
  // The code looks for package.json beside its folder.
  const home = join(ROOT, 'node_modules', '.cache', 'labmate-mutants');
  const folder = join(home, 'src');
  await mkdir(folder, { recursive: true });
  copyFileSync(join(ROOT, 'package.json'), join(home, 'package.json'));
  const outfile = join(folder, `${process.pid}-${++built}.mjs`);
  const all = [SHORT_LEASE, ...changes];
  const { outputFiles } = await build({
    stdin: {
      contents: Object.entries(WHERE)
        .map(([name, file]) => `export { ${name} } from './src/${file}';`)
        .join('\n'),
      resolveDir: ROOT,
    },
    ...{ bundle: true, platform: 'node', format: 'esm', packages: 'external', write: false, logLevel: 'error' },
    plugins: [
      {
        name: 'other words',
        setup({ onLoad }) {
          onLoad({ filter: new RegExp(`/src/(${all.map((c) => c.file).join('|')})$`) }, ({ path }) => {
            let contents = readFileSync(path, 'utf8');
            for (const { file, from, to } of all) {
              if (!path.endsWith(`/src/${file}`)) continue;
              if (!contents.includes(from)) throw new Error(`${file} does not say ${from}`);
              contents = contents.replace(from, () => to);
            }
            return { contents, loader: 'ts' };
          });
        },
      },
    ],
  });
  writeFileSync(outfile, outputFiles[0]?.contents ?? '');
  try {
    return (await import(/* @vite-ignore */ pathToFileURL(outfile).href)) as OwnerCode;
  } finally {
    rmSync(outfile, { force: true });
  }
}
