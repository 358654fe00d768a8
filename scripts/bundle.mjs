// The command in a checkout, made from src/ as it is now: one esbuild run of a few seconds, kept until a source changes. Compiling each file at each start
// would cost a process two seconds of its CPU.
import { createHash } from 'node:crypto';
import { accessSync, constants, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { pathToFileURL } from 'node:url';

/** Packages are bundled too: finding and opening their thousands of files is most of a start. Left outside: native code, what only some install, what makes bundles. */
export const WITH_PACKAGES = {
  external: ['@resvg/resvg-js', '@opentelemetry/*', '@bull-board/*', 'esbuild', 'tsx'],
  // Packages in CommonJS ask for Node's own modules by it.
  banner: { js: "import { createRequire as labmateRequire } from 'node:module'; const require = labmateRequire(import.meta.url);" },
};

const UNUSED_MS = 7 * 24 * 3_600_000;
/** How often a process that runs says so; far more often than that, so that one which slept for some days with its machine is in time. */
const STILL_USED_MS = 3_600_000;

/**
 * The path of the compiled command; null where it can't be kept, as in a checkout of somebody else's. Throws where a source does not compile. Safe beside others that
 * do the same at the same time.
 */
export async function bundledCommand(root) {
  const cache = join(root, 'node_modules', '.cache', 'labmate');
  const folder = join(cache, stampOf(root));
  const command = join(folder, 'cli.js');
  if (existsSync(command)) return inUse(folder, command);
  try {
    mkdirSync(cache, { recursive: true });
    accessSync(cache, constants.W_OK);
  } catch {
    return null;
  }
  const made = `${folder}.${process.pid}`;
  // Every module goes on looking for its scripts and pages beside its own source.
  await bundle(join(root, 'src', 'cli.ts'), made, join(root, 'src'), (path) => ({
    url: JSON.stringify(pathToFileURL(path).href),
    folder: JSON.stringify(dirname(path)),
  }));
  try {
    renameSync(made, folder);
  } catch {
    // Another process was quicker, with the same sources.
    rmSync(made, { recursive: true, force: true });
  }
  inUse(folder, command);
  forgetUnused(cache);
  return command;
}

/** The command for the package, in `outdir`: what a module looks for lies below it, where the module itself would. Answers with the files that went into it. */
export function bundlePackage(root, outdir) {
  const src = join(root, 'src');
  const placeOf = (path) => {
    const place = relative(src, path).split(sep).join('/');
    const folder = dirname(place);
    return {
      url: `new URL(${JSON.stringify(`./${place.replace(/\.ts$/, '.js')}`)}, import.meta.url).href`,
      folder: folder === '.' ? 'import.meta.dirname' : `(import.meta.dirname + ${JSON.stringify(`/${folder}`)})`,
    };
  };
  // Without a map: nothing reads it there, and it would be a third of the package.
  return bundle(join(src, 'cli.ts'), outdir, src, placeOf, false);
}

/** Few files instead of hundreds: finding and opening them is much of a cold start. Parts that are loaded on demand stay apart. `placeOf` says where a module stands. */
async function bundle(entry, outdir, src, placeOf, sourcemap = 'linked') {
  const { build } = await import('esbuild');
  const { metafile } = await build({
    entryPoints: [entry],
    outdir,
    bundle: true,
    splitting: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    ...WITH_PACKAGES,
    metafile: true,
    sourcemap,
    sourcesContent: false,
    logLevel: 'error',
    plugins: [placesOf(src, placeOf)],
  });
  return Object.keys(metafile.inputs).map((path) => resolve(path));
}

/** Says that it is used, now and as long as this process runs: a part of it may be loaded at any time. */
function inUse(folder, command) {
  const say = () => {
    try {
      const now = new Date();
      utimesSync(folder, now, now);
    } catch {
      // Somebody else made it, and their processes say so.
    }
  };
  say();
  setInterval(say, STILL_USED_MS).unref();
  return command;
}

/** Changes when a source is changed, added or removed, with the packages, and with how it is made. */
function stampOf(root) {
  const hash = createHash('sha256').update(process.version);
  const look = (path) => {
    for (const entry of readdirSync(path, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const file = join(path, entry.name);
      if (entry.isDirectory()) look(file);
      else if (/\.(m?ts|mjs|json)$/.test(entry.name)) {
        const { size, mtimeMs } = statSync(file);
        hash.update(`${file} ${size} ${mtimeMs}\n`);
      }
    }
  };
  look(join(root, 'src'));
  look(join(root, 'bin'));
  for (const file of [join(root, 'package-lock.json'), import.meta.filename]) {
    const { size, mtimeMs } = statSync(file);
    hash.update(`${size} ${mtimeMs}\n`);
  }
  return hash.digest('hex').slice(0, 16);
}

/** A module in a bundle stands where its bundle does; what it was written for is where it stood. */
function placesOf(src, placeOf) {
  return {
    name: 'import.meta of the source',
    setup(build) {
      build.onLoad({ filter: /\.ts$/ }, ({ path }) => {
        if (!path.startsWith(src)) return undefined;
        const source = readFileSync(path, 'utf8');
        if (!/\bimport\.meta\b/.test(source)) return undefined;
        const { url, folder } = placeOf(path);
        const contents = source.replace(/\bimport\.meta\.url\b/g, () => url).replace(/\bimport\.meta\.dirname\b/g, () => folder);
        return { contents, loader: 'ts' };
      });
    },
  };
}

/** What nothing has used for a week goes. */
function forgetUnused(cache) {
  for (const name of readdirSync(cache)) {
    const folder = join(cache, name);
    if (Date.now() - (statSync(folder, { throwIfNoEntry: false })?.mtimeMs ?? Date.now()) > UNUSED_MS) rmSync(folder, { recursive: true, force: true });
  }
}
