import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { build, type Plugin } from 'esbuild';
import { WITH_PACKAGES } from '../../scripts/bundle.mjs';
import { type Guarded, spawnGuarded } from '../../src/sandbox/guarded.ts';
import { freePort } from '../../src/sandbox/redis.ts';

/** One process of the product that is started again whenever it dies, as an operator's supervisor would. */
export type Supervised = {
  name: string;
  /** Sends a signal; answers false where nobody is there to get it. */
  signal(signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT' | 'SIGTERM'): Promise<boolean>;
  pid(): Promise<number | undefined>;
  /** What is run from its next start on. */
  runs(program: string): void;
  /** Resolves when it says that it is ready, through however many deaths. */
  ready(): Promise<void>;
  stop(): Promise<void>;
};

const ROOT = join(import.meta.dirname, '..', '..');

const made = new Set<string>();
/** Takes away what was bundled here, once nothing runs it any more: it is some megabytes each time. */
export function dropBundles(): void {
  for (const folder of made) rmSync(folder, { recursive: true, force: true });
  made.clear();
}

/** The product as it is shipped, bundled: hundreds of starts, and each is spared the compiling. */
export async function bundle(entry: string, name: string, plugins: Plugin[] = []): Promise<string> {
  // A folder of this process' own: another run beside it, or a twin, must not find its command changed under it.
  const folder = join(ROOT, 'node_modules', '.cache', 'labmate-crash', `${process.pid}-${name}`, 'app');
  mkdirSync(folder, { recursive: true });
  const [entryPoints, shape] = [{ main: join(ROOT, entry) }, { outdir: folder, outExtension: { '.js': '.mjs' }, splitting: true, format: 'esm' } as const];
  await build({ entryPoints, ...shape, bundle: true, platform: 'node', ...WITH_PACKAGES, logLevel: 'error', plugins });
  made.add(join(folder, '..'));
  const outfile = join(folder, 'main.mjs');
  cpSync(join(ROOT, 'src', 'runtime', 'scripts'), join(folder, 'scripts'), { recursive: true });
  // Where the product looks for its own command and its version, one folder above its main file.
  cpSync(join(ROOT, 'package.json'), join(folder, '..', 'package.json'));
  mkdirSync(join(folder, '..', 'bin'), { recursive: true });
  writeFileSync(join(folder, '..', 'bin', 'labmate.mjs'), `await import(${JSON.stringify(pathToFileURL(outfile).href)});\n`);
  return outfile;
}

/**
 * The product as it may be one day: its records are of the next version, and its events know a field more. Deployed among processes of today, and taken back.
 */
export const LATER: Plugin = {
  name: 'a later labmate',
  setup(build) {
    build.onLoad({ filter: /\/src\/session\/record-version\.ts$/ }, ({ path }) => {
      const source = readFileSync(path, 'utf8');
      const later = source.replace('RECORD_VERSION = 1', 'RECORD_VERSION = 2');
      if (later === source) throw new Error('record-version.ts does not say RECORD_VERSION = 1');
      return { contents: later, loader: 'ts' };
    });
    build.onLoad({ filter: /\/src\/session\/events\.ts$/ }, ({ path }) => {
      const source = readFileSync(path, 'utf8');
      const later = source.replace("type: z.literal('replied'),", "type: z.literal('replied'),\n    mood: z.string().default('calm'),");
      if (later === source) throw new Error('events.ts has no replied');
      return { contents: later, loader: 'ts' };
    });
  },
};

export function supervise(options: {
  name: string;
  program: string;
  variables: Record<string, string>;
  dir: string;
  say: (line: string) => void;
  fault: (sentence: string) => void;
}): Supervised {
  const { name, say } = options;
  let program = options.program;
  let wanted = true;
  let current: Guarded | null = null;
  let adminPort = 0;
  let starts = 0;

  const run = async () => {
    while (wanted) {
      adminPort = await freePort();
      const logFile = join(options.dir, `${name}-${++starts}.log`);
      current = spawnGuarded(process.execPath, [program, 'start'], { logFile, env: { ...options.variables, ADMIN_PORT: String(adminPort) } });
      const code = await current.ended;
      current = null;
      // Told to end, or dead because of us; every other end is a fault of its own.
      if (wanted && code !== 137 && code !== 0) {
        say(`${name} ended by itself with ${code}, see ${logFile}`);
        options.fault(`${name} ended by itself with ${code}`);
      }
    }
  };
  const running = run();
  return {
    name,
    pid: async () => current?.pid,
    runs(next) {
      program = next;
    },
    async signal(signal) {
      const pid = await current?.pid;
      if (!pid) return false;
      try {
        return process.kill(pid, signal);
      } catch {
        return false;
      }
    },
    async ready() {
      const until = Date.now() + 60_000;
      while (Date.now() < until) {
        const answer = current && (await fetch(`http://127.0.0.1:${adminPort}/readyz`, { signal: AbortSignal.timeout(1_000) }).catch(() => null));
        if (answer?.ok) return;
        await sleep(50);
      }
      throw new Error(`${name} was not ready within 60 s; its words are in ${options.dir}`);
    },
    async stop() {
      wanted = false;
      await current?.end(5_000);
      await running;
    },
  };
}
