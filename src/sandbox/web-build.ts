import { access, copyFile, mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = new URL('./', import.meta.url);

/** Bundles the page into `outDir`: index.html, page.js and page.css, nothing else and nothing from elsewhere. Takes a fraction of a second. Answers with the files that went into it. */
export async function buildPage(outDir: string): Promise<string[]> {
  // Only a checkout has esbuild; a packed labmate carries the finished page.
  const { build } = await import('esbuild');
  await mkdir(outDir, { recursive: true });
  const { metafile } = await build({
    entryPoints: { page: path('web/main.tsx') },
    outdir: outDir,
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    sourcemap: 'linked',
    legalComments: 'none',
    metafile: true,
    logLevel: 'silent',
  });
  await build({ entryPoints: { page: path('web/styles/page.css') }, outdir: outDir, bundle: true, minify: true, target: 'es2022', logLevel: 'silent' });
  await copyFile(path('web/index.html'), `${outDir}/index.html`);
  return Object.keys(metafile.inputs).map((file) => resolve(file));
}

/** The folder to serve the page from. A checkout always builds it anew, so that it is never older than its source; an installed package has it beside this file. */
export async function pageFolder(): Promise<string> {
  if (!(await exists(path('web/main.tsx')))) {
    if (await exists(path('web/page.js'))) return path('web');
    throw new Error('The sandbox page is missing from this installation of labmate. Reinstall the package, or run the sandbox from a checkout.');
  }
  const folder = path('../../.cache/sandbox-page');
  await buildPage(folder);
  return folder;
}

function path(relative: string): string {
  return fileURLToPath(new URL(relative, here));
}

function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
