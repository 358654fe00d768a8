import { readFileSync } from 'node:fs';
import { Cluster, Redis } from 'ioredis';

/** What every connection shares. A half-open link is noticed by `socketTimeout`; it must be longer than BullMQ's blocking read (5 s). */
const COMMON = { socketTimeout: 15_000, keepAlive: 10_000, connectTimeout: 5_000, retryStrategy: (n: number) => Math.min(n * 50, 500) };

/** For workers: a command waits for Redis to come back. */
export const PATIENT = { ...COMMON, maxRetriesPerRequest: null };

/** For what a person waits for: fail soon, so that it can be said within Slack's 3 s. */
export const BRISK = { ...COMMON, maxRetriesPerRequest: 1, enableOfflineQueue: false, commandTimeout: 2_500 };

/** Opens a connection by any of the forms of REDIS_URL: redis://, rediss://, redis+sentinel://h1,h2/master, redis+cluster://h1,h2. */
export function connect(url: string, options: typeof PATIENT | typeof BRISK): Redis {
  if (url.startsWith('redis+sentinel://')) {
    const { nodes, path, password } = hosts(url, 26379);
    return new Redis({ ...options, sentinels: nodes, name: path || 'mymaster', ...(password ? { password } : {}) });
  }
  if (url.startsWith('redis+cluster://')) {
    const { nodes, password } = hosts(url, 6379);
    // BullMQ and our scripts use the commands that both classes have.
    return new Cluster(nodes, { redisOptions: { ...options, ...(password ? { password } : {}) } }) as unknown as Redis;
  }
  return new Redis(url, options);
}

function hosts(url: string, port: number): { nodes: { host: string; port: number }[]; path: string; password: string | null } {
  const [, rest = ''] = url.split('://');
  const [authority = '', path = ''] = rest.split('/');
  const at = authority.lastIndexOf('@');
  const nodes = authority
    .slice(at + 1)
    .split(',')
    .map((h) => {
      const [host = '127.0.0.1', p] = h.split(':');
      return { host, port: p ? Number(p) : port };
    });
  const password = at < 0 ? null : decodeURIComponent(authority.slice(0, at).split(':').at(-1) ?? '');
  return { nodes, path, password };
}

const SCRIPTS = ['append', 'claim', 'renew', 'commit', 'park', 'ring', 'remind', 'shown'] as const;
export type ScriptName = (typeof SCRIPTS)[number];

/** The text of a script, by its name without the ending. */
export type ScriptSource = (name: string) => string;
const shipped: ScriptSource = (name) => readFileSync(new URL(`./scripts/${name}.lua`, import.meta.url), 'utf8');

/** The scripts as functions: `run(name, the ten keys, arguments)`. Redis keeps them by hash, so only the first call sends the text. */
export function scripts(
  redis: Redis,
  read: ScriptSource = shipped,
): {
  run(name: ScriptName, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown>;
  take(key: string, everyMs: number): Promise<number>;
} {
  const lib = read('lib');
  for (const name of SCRIPTS) redis.defineCommand(`lm_${name}`, { numberOfKeys: 10, lua: `${lib}\n${read(name)}` });
  redis.defineCommand('lm_take', { numberOfKeys: 1, lua: read('take') });
  const commands = redis as unknown as Record<string, (...args: (string | number)[]) => Promise<unknown>>;
  const call = (name: string, args: (string | number)[]) => {
    const command = commands[`lm_${name}`];
    if (!command) throw new Error(`there is no script ${name}`);
    return command.apply(redis, args);
  };
  return {
    run: (name, keys, args) => call(name, [...keys, ...args]),
    take: async (key, everyMs) => Number(await call('take', [key, everyMs])),
  };
}

/** What is wrong with this Redis for us: `faults` stop the start, `warnings` are said. */
export async function examineRedis(redis: Redis): Promise<{ faults: string[]; warnings: string[] }> {
  const faults: string[] = [];
  const warnings: string[] = [];
  const info = await redis.info();
  const fact = (name: string) => new RegExp(`^${name}:(.*?)\r?$`, 'm').exec(info)?.[1] ?? '';
  const [major = 0, minor = 0] = fact('redis_version').split('.').map(Number);
  if (major < 6 || (major === 6 && minor < 2)) faults.push(`Redis ${fact('redis_version')} is too old: 6.2 or newer is needed.`);
  if (fact('maxmemory_policy') !== 'noeviction')
    faults.push(`maxmemory-policy is ${fact('maxmemory_policy')}: it would throw sessions away. Set it to noeviction.`);
  if (fact('aof_enabled') !== '1')
    warnings.push('Redis keeps no append-only file: what was acknowledged is lost when it dies. Set appendonly yes and appendfsync always.');
  else {
    const fsync = await redis.config('GET', 'appendfsync').then(
      (pair) => (Array.isArray(pair) ? String(pair[1]) : ''),
      () => '',
    );
    if (fsync !== '' && fsync !== 'always')
      warnings.push(`appendfsync is ${fsync}: what was acknowledged in the last moment is lost when Redis dies. Set it to always.`);
  }
  return { faults, warnings };
}
