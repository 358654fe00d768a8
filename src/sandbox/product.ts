import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Guarded, spawnGuarded } from './guarded.ts';
import { freePort } from './redis.ts';

/** The real product beside the stand-ins: a gateway and a worker that know nothing but their environment variables. */
export type Product = {
  /** Kills one as `kill -9` would; it is started again unless `stayDown`. */
  kill(name: Role, options?: { stayDown?: boolean }): Promise<void>;
  /** Starts one that stays down. */
  start(name: Role): Promise<void>;
  pid(name: Role): Promise<number>;
  /** Where its health and figures are. */
  admin(name: Role): string;
  stop(): Promise<void>;
};
export type Role = 'gateway' | 'worker';

const ENTRY = join(import.meta.dirname, '..', '..', 'bin', 'labmate.mjs');
const READY_MS = 60_000;
/** As a process says it whose port for health and figures has gone to somebody else. */
const IS_TAKEN = /ADMIN_PORT \d+ on \S+ cannot be opened \(EADDRINUSE\)/;

type Options = {
  variables: Record<string, string>;
  dir: string;
  say: (line: string) => void;
  /** A port for health and figures. */
  port: () => Promise<number>;
};

/** Starts both and waits until each says that it is ready; an Error with its last words where one does not. */
export async function startProduct(given: Omit<Options, 'port'> & Partial<Options>): Promise<Product> {
  const options = { port: () => freePort(), ...given };
  const parts = { gateway: supervised('gateway', options), worker: supervised('worker', options) };
  const stop = async () => void (await Promise.all(Object.values(parts).map((part) => part.stop())));
  try {
    await Promise.all(Object.values(parts).map((part) => part.start()));
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    kill: (name, { stayDown = false } = {}) => parts[name].kill(stayDown),
    start: (name) => parts[name].start(),
    pid: (name) => parts[name].pid(),
    admin: (name) => parts[name].admin(),
    stop,
  };
}

function supervised(name: Role, { variables, dir, say, port }: Options) {
  const logFile = join(dir, `${name}.log`);
  let wanted = false;
  let current: Guarded | null = null;
  let adminPort = 0;
  let starting: Promise<void> = Promise.resolve();

  function start(): Promise<void> {
    // Between the look for a free port and its use somebody else may take it.
    starting = launch().catch((error: Error) => (IS_TAKEN.test(error.message) && wanted ? launch() : Promise.reject(error)));
    return starting;
  }

  async function launch(): Promise<void> {
    wanted = true;
    adminPort = await port();
    const child = spawnGuarded(process.execPath, [ENTRY, 'start'], { logFile, env: { ...variables, ROLE: name, ADMIN_PORT: String(adminPort) } });
    current = child;
    let exitCode: number | null = null;
    void child.ended.then((code) => {
      exitCode = code;
    });
    await untilReady(`http://127.0.0.1:${adminPort}/readyz`, () => exitCode, name, logFile);
    void child.ended.then((code) => again(child, code));
  }

  async function again(child: Guarded, code: number): Promise<void> {
    if (!wanted || current !== child) return;
    say(`The ${name} ended (${code}); starting it again`);
    // Stopped while it was starting is what somebody wished.
    await start().catch((error: Error) => wanted && say(error.message));
  }

  return {
    start,
    admin: () => `http://127.0.0.1:${adminPort}`,
    pid: async () => (await current?.pid) ?? 0,
    async kill(stayDown: boolean) {
      // Who dies before being seen ready is taken for one that cannot start, and stays down.
      await starting.catch(() => {});
      wanted = !stayDown;
      if (!current) return;
      process.kill(await current.pid, 'SIGKILL');
      await current.ended;
    },
    async stop() {
      wanted = false;
      await current?.end();
    },
  };
}

async function untilReady(url: string, exitCode: () => number | null, name: string, logFile: string): Promise<void> {
  const until = Date.now() + READY_MS;
  let reasons = '';
  while (Date.now() < until) {
    const code = exitCode();
    if (code !== null) throw new Error(`The ${name} did not start (exit ${code}). ${await lastWords(logFile)}`);
    const answer = await fetch(url, { signal: AbortSignal.timeout(2_000) }).catch(() => null);
    if (answer?.ok) return;
    if (answer) reasons = await answer.text();
    await sleep(100);
  }
  throw new Error(`The ${name} was not ready within ${READY_MS / 1000} s: ${reasons || 'no answer'}. ${await lastWords(logFile)}`);
}

async function lastWords(logFile: string): Promise<string> {
  const text = await readFile(logFile, 'utf8').catch(() => '');
  return text.trim().split('\n').slice(-5).join('\n');
}
