import { readFileSync } from 'node:fs';
import { Cluster, Redis, type RedisOptions, SentinelConnector } from 'ioredis';
import { within } from '../within.ts';
import { readRedisUrl } from './redis-address.ts';

const soon = (n: number) => Math.min(n * 50, 500);

/**
 * What every connection shares. A half-open link is noticed by `socketTimeout`; it must be longer than BullMQ's blocking read (5 s). A server that has become a
 * replica refuses to write: we look for the new master and send again, which is safe because every write of ours may be sent twice.
 */
const COMMON = {
  socketTimeout: 15_000,
  keepAlive: 10_000,
  connectTimeout: 5_000,
  retryStrategy: soon,
  reconnectOnError: (error: Error) => (/^(READONLY|UNBLOCKED)\b/.test(error.message) ? 2 : false) as 2 | false,
};

/** For workers: a command waits for Redis to come back. */
export const PATIENT = { ...COMMON, maxRetriesPerRequest: null };

/** For what a person waits for: fail soon, so that it can be said within Slack's 3 s. */
export const BRISK = { ...COMMON, maxRetriesPerRequest: 1, enableOfflineQueue: false, commandTimeout: 2_500 };

/** How often a command to a cluster is sent again while a node is down; a tenth of a second lies between two attempts. */
const CLUSTER_TRIES = { patient: 600, brisk: 10 };

/** Opens a connection by any of the forms of REDIS_URL. Throws a sentence where it has none of them. */
export function connect(url: string, options: typeof PATIENT | typeof BRISK): Redis {
  const address = readRedisUrl(url);
  if ('fault' in address) throw new Error(address.fault);
  if (address.form === 'one') return gathering(new Redis(address.url, options));
  const { nodes, login, tls } = address;
  const reached = { ...login, ...(tls ? { tls: {} } : {}) };
  if (address.form === 'sentinel') {
    const { username, password } = address.sentinelLogin;
    return gathering(
      new Redis({
        ...options,
        ...reached,
        sentinels: nodes,
        name: address.master,
        db: address.db,
        ...(username ? { sentinelUsername: username } : {}),
        ...(password ? { sentinelPassword: password } : {}),
        enableTLSForSentinelMode: tls,
        sentinelRetryStrategy: soon,
        sentinelCommandTimeout: 2_000,
        // The sentinels say when there is a new master; a host that vanished without a word would be noticed by the socket's timeout only.
        failoverDetector: true,
        Connector: HearsForOneConnection as RedisOptions['Connector'],
      }),
    );
  }
  const { enableOfflineQueue = true, retryStrategy: _cluster, ...redisOptions } = options as typeof BRISK;
  const cluster = new Cluster(nodes, {
    enableOfflineQueue,
    clusterRetryStrategy: soon,
    maxRedirections: enableOfflineQueue ? CLUSTER_TRIES.patient : CLUSTER_TRIES.brisk,
    slotsRefreshTimeout: 2_000,
    // Certificates name hosts, and a managed cluster's nodes announce theirs.
    ...(tls ? { dnsLookup: (host: string, found: (error: null, address: string) => void) => found(null, host) } : {}),
    redisOptions: { ...redisOptions, ...reached },
  });
  // BullMQ and we use the commands that both classes have.
  return cluster as unknown as Redis;
}

/**
 * What listens to the sentinels ends with the connection it listens for. Without this it goes on listening while the next one is being made, and the word of another
 * master, which each sentinel says in its own time, then ends the search for that master: for good, as if we had asked for it.
 */
class HearsForOneConnection extends SentinelConnector {
  override connect(...given: Parameters<SentinelConnector['connect']>) {
    this.disconnect();
    return super.connect(...given);
  }
}

/** Waits until the connection can be used, so long at most. A brisk one refuses what it is asked before it is there. */
export async function untilReady(redis: Redis, withinMs: number): Promise<void> {
  if (redis.status === 'ready') return;
  const ready = new Promise<void>((resolve) => redis.once('ready', () => resolve()));
  await within(withinMs, ready, () => {});
}

/** Every server that holds keys: the one there is, or each master of a cluster. What no key leads to a node must be asked of each. */
export function serversOf(redis: Redis): Redis[] {
  const cluster = redis as unknown as Cluster;
  return cluster.isCluster ? cluster.nodes('master') : [redis];
}

/** The time in ms of the server that holds `key`: in a cluster, the clock that the scripts see. */
export async function timeAt(redis: Redis, key: string): Promise<number> {
  const [s, us] = (await redis.eval("return redis.call('TIME')", 1, key)) as [string, string];
  return Number(s) * 1_000 + Math.floor(Number(us) / 1_000);
}

/** Every key of this shape; `*` at its end is the only wildcard. */
export async function* matching(redis: Redis, shape: string): AsyncGenerator<string> {
  const pattern = `${shape.slice(0, -1).replace(/[*?[\]\\]/g, '\\$&')}*`;
  const seen = new Set<string>();
  for (const server of serversOf(redis)) {
    let cursor = '0';
    do {
      const [next, found] = await server.scan(cursor, 'MATCH', pattern, 'COUNT', 500);
      for (const key of found) {
        if (seen.has(key)) continue;
        seen.add(key);
        yield key;
      }
      cursor = next;
    } while (cursor !== '0');
  }
}

const SCRIPTS = ['append', 'claim', 'renew', 'commit', 'park', 'ring', 'remind', 'shown'] as const;
export type ScriptName = (typeof SCRIPTS)[number];

/** The text of a script, by its name without the ending. */
export type ScriptSource = (name: string) => string;
const shipped: ScriptSource = (name) => readFileSync(new URL(`./scripts/${name}.lua`, import.meta.url), 'utf8');

/** The scripts as functions: `run(name, keys in the order of lib.lua, arguments)`. Redis keeps them by hash, so only the first call sends the text. */
export function scripts(
  redis: Redis,
  read: ScriptSource = shipped,
): {
  run(name: ScriptName, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown>;
  take(key: string, everyMs: number, atOnce: number): Promise<number>;
} {
  const lib = read('lib');
  for (const name of SCRIPTS) redis.defineCommand(`lm_${name}`, { lua: `${lib}\n${read(name)}` });
  redis.defineCommand('lm_take', { numberOfKeys: 1, lua: read('take') });
  const commands = redis as unknown as Record<string, (...args: (string | number)[]) => Promise<unknown>>;
  const call = (name: string, args: (string | number)[]) => {
    const command = commands[`lm_${name}`];
    if (!command) throw new Error(`there is no script ${name}`);
    return command.apply(redis, args);
  };
  return {
    run: (name, keys, args) => call(name, [keys.length, ...keys, ...args]),
    take: async (key, everyMs, atOnce) => Number(await call('take', [key, everyMs, atOnce])),
  };
}

/** Runs a script that stands beside those of the log: of one key, and without what they share. */
export function single(redis: Redis, name: string, key: string, ...args: (string | number)[]): Promise<unknown> {
  const commands = redis as unknown as Record<string, ((...args: (string | number)[]) => Promise<unknown>) | undefined>;
  if (!commands[`lm_${name}`]) redis.defineCommand(`lm_${name}`, { numberOfKeys: 1, lua: shipped(name) });
  return commands[`lm_${name}`]?.call(redis, key, ...args) ?? Promise.reject(new Error(`there is no script ${name}`));
}

/** Whether this is for `me` alone now, for so long: free until now, or mine already. */
export async function holdAlone(redis: Redis, key: string, me: string, ttlMs: number): Promise<boolean> {
  return (await single(redis, 'hold', key, me, ttlMs)) === 1;
}

/** Whether it is still for `me` alone, for so long from now on. Once its time was over it is not, though nobody has it now. */
export async function keepAlone(redis: Redis, key: string, me: string, ttlMs: number): Promise<boolean> {
  return (await single(redis, 'keep', key, me, ttlMs)) === 1;
}

/** Takes a key away where it still says this; what somebody else has put there since stays. */
export async function release(redis: Redis, key: string, says: string): Promise<void> {
  await single(redis, 'release', key, says);
}

/**
 * What is sent to Redis in one turn of the event loop leaves as one packet: a system call for all of it instead of one each, and Redis, which finds it all at once,
 * syncs its file once for it. Nothing else is changed by it: each command is still one, with its own answer.
 */
function gathering(redis: Redis): Redis {
  const send = redis.sendCommand.bind(redis);
  redis.sendCommand = (...given) => {
    const stream: typeof redis.stream | undefined = redis.stream;
    if (stream && stream.writableCorked === 0) {
      stream.cork();
      setImmediate(() => stream.uncork());
    }
    return send(...given);
  };
  return redis;
}

/** What is wrong with this Redis for us: `faults` stop the start, `warnings` are said. */
export async function examineRedis(redis: Redis): Promise<{ faults: string[]; warnings: string[] }> {
  const found = await Promise.all(serversOf(redis).map(examineServer));
  return { faults: [...new Set(found.flatMap((f) => f.faults))], warnings: [...new Set(found.flatMap((f) => f.warnings))] };
}

async function examineServer(redis: Redis): Promise<{ faults: string[]; warnings: string[] }> {
  const faults: string[] = [];
  const warnings: string[] = [];
  const info = await redis.info();
  const fact = (name: string) => new RegExp(`^${name}:(.*?)\r?$`, 'm').exec(info)?.[1] ?? '';
  // Managed servers let nobody read their configuration.
  const setting = (name: string) =>
    redis.config('GET', name).then(
      (pair) => (Array.isArray(pair) ? String(pair[1]) : ''),
      () => '',
    );
  const [major = 0, minor = 0] = fact('redis_version').split('.').map(Number);
  if (major < 6 || (major === 6 && minor < 2)) faults.push(`Redis ${fact('redis_version')} is too old: 6.2 or newer is needed.`);
  if (fact('maxmemory_policy') !== 'noeviction')
    faults.push(`maxmemory-policy is ${fact('maxmemory_policy')}: it would throw sessions away. Set it to noeviction.`);
  if (fact('aof_enabled') !== '1')
    warnings.push('Redis keeps no append-only file: what was acknowledged is lost when it dies. Set appendonly yes and appendfsync always.');
  else {
    const fsync = await setting('appendfsync');
    if (fsync !== '' && fsync !== 'always')
      warnings.push(`appendfsync is ${fsync}: what was acknowledged in the last moment is lost when Redis dies. Set it to always.`);
  }
  // A copy is made after the answer, so a master that is cut off would go on taking what nobody will ever see.
  if (Number(fact('connected_slaves')) > 0 && (await setting('min-replicas-to-write')) === '0')
    warnings.push('min-replicas-to-write is 0: a master cut off from its replicas goes on acknowledging what a failover then throws away. Set it to 1.');
  return { faults, warnings };
}
