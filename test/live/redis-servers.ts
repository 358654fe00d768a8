import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { type Guarded, spawnGuarded } from '../../src/sandbox/guarded.ts';
import { findRedis, freePort } from '../../src/sandbox/redis.ts';
import { memoryFolder } from '../memory-folder.ts';

/** Real servers of one installation of Redis, on loopback, each with data and log in a folder of its own. */
export type Servers = {
  version: string;
  start(name: string, flags?: readonly string[], password?: string): Promise<Server>;
  sentinel(name: string, lines: readonly string[]): Promise<Server>;
  close(): Promise<void>;
};
export type Server = {
  name: string;
  port: number;
  client: Redis;
  kill(): Promise<void>;
  /** Where its data lies. */
  dir: string;
  /** Starts it again where it was killed, with what lies on disk; `more` are flags for this start. */
  again(more?: readonly string[]): Promise<void>;
};

const DURABLE = ['--appendonly', 'yes', '--appendfsync', 'always', '--save', '', '--maxmemory-policy', 'noeviction'];

export async function openServers(): Promise<Servers> {
  const binary = await findRedis({ say: (line) => process.stdout.write(`live: ${line}\n`) });
  const folder = await memoryFolder('labmate-servers-');
  const all: { server: Server; stop(): Promise<void> }[] = [];

  async function launch(name: string, dir: string, port: number, args: readonly string[], password?: string): Promise<Server> {
    const env = binary.libraries ? { LD_LIBRARY_PATH: binary.libraries } : undefined;
    const run = (more: readonly string[] = []) => spawnGuarded(binary.path, [...args, ...more], { logFile: join(dir, 'server.log'), env });
    let running: Guarded = run();
    const client = new Redis({ host: '127.0.0.1', port, maxRetriesPerRequest: null, retryStrategy: () => 50, ...(password ? { password } : {}) });
    client.on('error', () => {});
    await client.ping();
    const server: Server = {
      name,
      port,
      dir,
      client,
      async kill() {
        process.kill(await running.pid, 'SIGKILL');
        await running.ended;
      },
      async again(more) {
        running = run(more);
        await client.ping();
      },
    };
    const stop = async () => {
      client.disconnect();
      await running.end(2_000);
    };
    all.push({ server, stop });
    return server;
  }

  return {
    version: binary.version,
    async start(name, flags = [], password) {
      const dir = join(folder, name);
      await mkdir(dir, { recursive: true });
      const port = await freePort();
      const guarded = password ? ['--requirepass', password, '--masterauth', password] : [];
      return launch(name, dir, port, ['--bind', '127.0.0.1', '--port', String(port), '--dir', dir, ...DURABLE, ...guarded, ...flags], password);
    },
    async sentinel(name, lines) {
      const dir = join(folder, name);
      await mkdir(dir, { recursive: true });
      const port = await freePort();
      // A sentinel writes what it learns into the file it was started with.
      const file = join(dir, 'sentinel.conf');
      await writeFile(file, ['bind 127.0.0.1', `port ${port}`, `dir ${dir}`, ...lines, ''].join('\n'));
      return launch(name, dir, port, [file, '--sentinel']);
    },
    async close() {
      await Promise.all(all.map(({ stop }) => stop()));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Waits until `look` gives something; how long it took, in ms, beside it. */
export async function waitFor<T>(what: string, look: () => Promise<T | null | undefined | false>, seconds = 90): Promise<{ found: T; ms: number }> {
  const began = performance.now();
  for (;;) {
    const found = await look().catch(() => null);
    if (found) return { found, ms: Math.round(performance.now() - began) };
    if (performance.now() - began > seconds * 1_000) throw new Error(`waited ${seconds} s for ${what}`);
    await sleep(50);
  }
}
