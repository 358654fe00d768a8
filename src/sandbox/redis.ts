import { randomInt } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { BRISK, connect, matching } from '../runtime/redis.ts';
import { within } from '../within.ts';
import { spawnGuarded } from './guarded.ts';
import { type RedisBinary, unpackRedis } from './redis-unpack.ts';
import { run } from './run.ts';

/** `how` is one line for a person: which Redis this is and where it came from. `stop` ends only what was started here. */
export type RunningRedis = {
  url: string;
  how: string;
  stop(): Promise<void>;
  /** Stops it and starts it on the same port and data with these variables; null for one that somebody else runs. */
  restart: ((env: Record<string, string>) => Promise<void>) | null;
};

export type RedisWish = {
  /** A Redis somebody else runs: used as it is, never stopped. Leave it out and REDIS_URL is not looked at. */
  useUrl?: string | undefined;
  /** Where the data lives; without it a temporary folder that goes away at the end. */
  dir?: string | undefined;
  /** For messages: "the sandbox", "the tests". */
  purpose: string;
  /** Gets one line for every step that takes time. */
  say?: ((line: string) => void) | undefined;
  /** Asks a person before something is installed for the whole machine (Homebrew). Without it the answer is no. */
  mayInstall?: ((question: string) => Promise<boolean>) | undefined;
  /** The folder an unpacked copy is kept in. */
  cache?: string | undefined;
  /** Variables for the server that is started. */
  env?: Record<string, string> | undefined;
};

/** The oldest version that BullMQ and our scripts run on. */
const OLDEST = [6, 2] as const;

/** Finds or fetches a Redis and starts it; an Error with three commands where nothing works. */
export async function startRedis(wish: RedisWish): Promise<RunningRedis> {
  if (wish.useUrl) return { url: wish.useUrl, how: await greet(wish.useUrl), stop: async () => {}, restart: null };
  const binary = await findRedis(wish);
  const temporary = wish.dir ? null : await mkdtemp(join(tmpdir(), 'labmate-redis-'));
  const dir = wish.dir ?? temporary ?? '';
  await mkdir(dir, { recursive: true });
  const port = await freePort();
  let server = await launch(binary, dir, port, wish.env);
  return {
    url: server.url,
    how: `${binary.version} ${binary.from}, started for ${wish.purpose} on ${server.url}`,
    async restart(env) {
      await server.stop();
      server = await launch(binary, dir, port, env);
    },
    stop: async () => {
      await server.stop();
      if (temporary) await rm(temporary, { recursive: true, force: true });
    },
  };
}

/** The chain: PATH, the copy unpacked earlier, Debian's packages without root, Homebrew if a person agrees. */
export async function findRedis(wish: Pick<RedisWish, 'say' | 'mayInstall' | 'cache'>): Promise<RedisBinary> {
  const installed = await onPath();
  if (installed) return installed;
  const cache = wish.cache ?? join(import.meta.dirname, '..', '..', '.cache', 'redis');
  const unpacked = await unpackRedis(cache, wish.say ?? (() => {})).catch((error: Error) => error);
  if (unpacked && !(unpacked instanceof Error)) return unpacked;
  if (process.platform === 'darwin' && (await wish.mayInstall?.('No Redis was found. Install it with "brew install redis"?'))) {
    wish.say?.('Installing Redis with Homebrew');
    await run('brew', ['install', 'redis']);
    const brewed = await onPath();
    if (brewed) return brewed;
  }
  throw new Error(noRedis(unpacked instanceof Error ? unpacked.message : null));
}

/** `Redis server v=7.0.15 sha=…` -> [7, 0, 15]. */
export function versionOf(banner: string): number[] | null {
  const found = /\bv=(\d+)\.(\d+)(?:\.(\d+))?/.exec(banner);
  return found ? found.slice(1).map((part) => Number(part ?? 0)) : null;
}

export function isNewEnough(version: readonly number[]): boolean {
  const [major = 0, minor = 0] = version;
  return major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1]);
}

async function onPath(): Promise<RedisBinary | null> {
  for (const name of ['valkey-server', 'redis-server']) {
    const banner = await run(name, ['--version']).catch(() => null);
    const version = banner === null ? null : versionOf(banner);
    if (version && isNewEnough(version)) return { path: name, libraries: null, version: `${name} ${version.join('.')}`, from: 'from PATH' };
  }
  return null;
}

function noRedis(why: string | null): string {
  return [
    `labmate needs a Redis ${OLDEST.join('.')} or newer and found none${why ? ` (${why})` : ''}. One of these will do:`,
    '  sudo apt-get install redis-server',
    '  brew install redis',
    '  docker run -d -p 6379:6379 redis redis-server --appendonly yes --appendfsync always   # then REDIS_URL=redis://127.0.0.1:6379',
  ].join('\n');
}

/** Says hello to a Redis that somebody else runs. */
async function greet(url: string): Promise<string> {
  const redis = connect(url, BRISK);
  redis.on('error', () => {});
  let late: NodeJS.Timeout | undefined;
  try {
    await new Promise((resolve, reject) => {
      redis.once('ready', resolve);
      late = setTimeout(reject, 4_000, new Error('no answer within 4 s'));
    });
    const version = /redis_version:(\S+)/.exec(await redis.info('server'))?.[1] ?? 'unknown version';
    return `Redis ${version} of REDIS_URL`;
  } catch (cause) {
    throw new Error('REDIS_URL names a Redis that does not answer. Start it, correct the URL, or unset REDIS_URL to use one that is started for you.', {
      cause,
    });
  } finally {
    clearTimeout(late);
    redis.disconnect();
  }
}

async function launch(binary: RedisBinary, dir: string, port: number, env: Record<string, string> = {}): Promise<{ url: string; stop(): Promise<void> }> {
  const flags = ['--bind', '127.0.0.1', '--port', String(port), '--dir', dir, '--pidfile', join(dir, 'redis.pid'), '--daemonize', 'no'];
  // An acknowledged write survives a kill of Redis itself only when every one of them is synced.
  flags.push('--appendonly', 'yes', '--appendfsync', 'always', '--save', '', '--maxmemory-policy', 'noeviction');
  // A log's last piece is allocated whole: with Redis' own 4 KB pieces a sixth of a session's memory is empty.
  flags.push('--stream-node-max-bytes', '16384');
  const logFile = join(dir, 'redis.log');
  const own = { ...(binary.libraries ? { LD_LIBRARY_PATH: binary.libraries } : {}), ...env };
  const server = spawnGuarded(binary.path, flags, { logFile, env: Object.keys(own).length > 0 ? own : undefined });
  const url = `redis://127.0.0.1:${port}`;
  try {
    await untilItAnswers(url);
  } catch (cause) {
    await server.end();
    const words = (await readFile(logFile, 'utf8')).trim().split('\n').slice(-3).join(' ');
    throw new Error(`Redis did not start in ${dir}: ${words}`, { cause });
  }
  return { url, stop: () => server.end() };
}

async function untilItAnswers(url: string): Promise<void> {
  const redis = new Redis(url, { maxRetriesPerRequest: null, retryStrategy: () => 50 });
  redis.on('error', () => {});
  try {
    // While it reads its append-only file back it answers LOADING, which ioredis waits out.
    await within(10_000, redis.ping(), () => {
      throw new Error('no answer within 10 s');
    });
  } finally {
    redis.disconnect();
  }
}

/** Below those that systems hand out by themselves, from 32768 or 49152 on: such a port is anybody's next connection before it is opened. */
const OURS = [20_000, 32_768] as const;

/** A port that is free on loopback now, and that nobody gets who takes any. Whoever names one learns whether it can be opened. */
export async function freePort(wanted?: number): Promise<number> {
  if (wanted !== undefined) return probe(wanted);
  for (let tries = 0; tries < 100; tries++) {
    const port = await probe(randomInt(...OURS)).catch(() => null);
    if (port !== null) return port;
  }
  return probe(0);
}

async function probe(wanted: number): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(wanted, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address ? address.port : 0;
}

/** Deletes every key under a prefix of ours in a Redis that somebody else runs. */
export async function forgetKeys(url: string, prefix: string): Promise<void> {
  const redis = connect(url, { ...BRISK, enableOfflineQueue: true });
  try {
    for await (const key of matching(redis, `{${prefix}}*`)) await redis.unlink(key);
  } finally {
    redis.disconnect();
  }
}
