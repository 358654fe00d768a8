import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { z } from 'zod';
import { freePort } from '../../src/sandbox/redis.ts';

/** What test/live/load-runs.py says of what it wrote: ids by name, and figures that NumPy and SciPy worked out. */
const loaded = z.object({
  versions: z.record(z.string(), z.string()),
  experiments: z.object({ ads: z.string(), other: z.string(), gone: z.string() }),
  runs: z.record(z.string(), z.string()),
  digests: z.tuple([z.string(), z.string()]),
  noise: z.object({
    mean: z.tuple([z.number(), z.number()]),
    std: z.tuple([z.number(), z.number()]),
    welch_p: z.number(),
    ci95: z.tuple([z.number(), z.number()]),
  }),
  loss: z.object({ first: z.number(), last: z.number(), min: z.number(), max: z.number() }),
});

export type LoadedMlflow = z.output<typeof loaded> & {
  url: string;
  version: string;
  /** The same program with its basic-auth app; null where that does not start. */
  guarded: { url: string; username: string; password: string } | null;
};

/** Starts real tracking servers on loopback, with SQLite below, and fills one by MLflow's own client. Everything is gone after `stop`. */
export async function startRealMlflow(mlflow: { bin: string; program: string; version: string }): Promise<{ loaded: LoadedMlflow; stop(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'labmate-mlflow-'));
  const children: ChildProcess[] = [];
  // A run that is cut off takes its servers along.
  process.once('exit', () => {
    for (const child of children) kill(child, 'SIGKILL');
  });
  process.once('SIGTERM', () => process.exit(143));
  const stop = async () => {
    await Promise.all(children.map(ended));
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const login = { username: 'labmate', password: 'a long enough password' };
    const [url, guarded] = await Promise.all([
      serve(mlflow, join(folder, 'open'), children),
      serve(mlflow, join(folder, 'guarded'), children, login).catch((error: unknown) => {
        process.stdout.write(`live: SKIPPED MLflow's basic-auth app: ${error instanceof Error ? error.message : String(error)}\n`);
        return null;
      }),
    ]);
    const version = (await (await fetch(`${url}/version`)).text()).trim();
    const loading = await promisify(execFile)(join(mlflow.bin, 'python'), [fileURLToPath(new URL('load-runs.py', import.meta.url))], {
      env: { ...process.env, MLFLOW_TRACKING_URI: url, MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT: 'true' },
      timeout: 120_000,
    });
    const written = loaded.parse(JSON.parse(loading.stdout.trim().split('\n').at(-1) ?? ''));
    const versions = Object.entries(written.versions).map(([name, v]) => `${name} ${v}`);
    process.stdout.write(`live: MLflow server ${version} is up and filled by its own client (${versions.join(', ')})\n`);
    return { loaded: { ...written, url, version, guarded: guarded === null ? null : { url: guarded, ...login } }, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** One server; its address once it answers. */
async function serve(
  { bin, program }: { bin: string; program: string },
  folder: string,
  children: ChildProcess[],
  login?: { username: string; password: string },
): Promise<string> {
  const port = await freePort();
  const store = ['--backend-store-uri', `sqlite:///${folder}.db`, '--artifacts-destination', `${folder}-artifacts`];
  const child = spawn(
    program,
    ['server', '--host', '127.0.0.1', '--port', String(port), '--workers', '1', ...store, ...(login ? ['--app-name', 'basic-auth'] : [])],
    {
      env: {
        ...process.env,
        PATH: `${bin}:${process.env['PATH']}`,
        MLFLOW_SERVER_ENABLE_JOB_EXECUTION: 'false',
        ...(login ? await authEnvironment(folder, login) : {}),
      },
      stdio: ['ignore', 'pipe', 'pipe'],
      // A group of its own: the server has workers, and all of them are to end.
      detached: true,
    },
  );
  children.push(child);
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-2000)));
  const url = `http://127.0.0.1:${port}`;
  for (const until = Date.now() + 100_000; Date.now() < until; await sleep(250)) {
    if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}: ${said.trim().split('\n').at(-1)}`);
    const answer = await fetch(`${url}/health`).catch(() => null);
    if (answer?.ok) return url;
  }
  await ended(child);
  throw new Error(`no answer within 100 s: ${said.trim().split('\n').at(-1)}`);
}

async function authEnvironment(folder: string, login: { username: string; password: string }): Promise<Record<string, string>> {
  const config = `[mlflow]
default_permission = READ
database_uri = sqlite:///${folder}-users.db
admin_username = ${login.username}
admin_password = ${login.password}
authorization_function = mlflow.server.auth:authenticate_request_basic_auth
`;
  await writeFile(`${folder}.ini`, config);
  return { MLFLOW_AUTH_CONFIG_PATH: `${folder}.ini`, MLFLOW_FLASK_SERVER_SECRET_KEY: 'only for this test' };
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null) return;
  const gone = once(child, 'exit');
  kill(child, 'SIGTERM');
  const forced = setTimeout(() => kill(child, 'SIGKILL'), 5000);
  await gone;
  clearTimeout(forced);
  kill(child, 'SIGKILL');
}

/** The server and its workers. */
function kill(child: ChildProcess, signal: NodeJS.Signals): void {
  try {
    process.kill(-(child.pid as number), signal);
  } catch {
    // It is gone already.
  }
}
