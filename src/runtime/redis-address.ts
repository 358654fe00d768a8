/** Where Redis is, by any of the forms of REDIS_URL. */
export type RedisAddress =
  | { form: 'one'; url: string }
  | ({ form: 'sentinel'; nodes: RedisNode[]; master: string; db: number; sentinelLogin: Login } & Reached)
  | ({ form: 'cluster'; nodes: RedisNode[] } & Reached);

export type RedisNode = { host: string; port: number };
/** `tls`: `?tls=true`, as rediss:// is for a single server. */
type Reached = { login: Login; tls: boolean };
type Login = { username?: string; password?: string };

const FORMS = 'redis://, rediss://, redis+sentinel://h1,h2/master or redis+cluster://h1,h2';
const SENTINEL_PORT = 26_379;
const REDIS_PORT = 6_379;

/**
 * Reads REDIS_URL: `redis://…` and `rediss://…` as they are; `redis+sentinel://[user:password@]h1[:port],h2/master[/db]` with `?tls=true`, `sentinelUsername` and
 * `sentinelPassword`; `redis+cluster://[user:password@]h1[:port],h2` with `?tls=true`. Pure; a fault is a sentence that never holds the password.
 */
export function readRedisUrl(given: string): RedisAddress | { fault: string } {
  const [, scheme = '', rest = ''] = /^([a-z+]+):\/\/(\S+)$/.exec(given) ?? [];
  if (scheme === 'redis' || scheme === 'rediss')
    return URL.canParse(given) ? { form: 'one', url: given } : { fault: `REDIS_URL is not a URL: it must look like ${scheme}://127.0.0.1:6379.` };
  if (scheme !== 'redis+sentinel' && scheme !== 'redis+cluster') return { fault: `REDIS_URL must begin with ${FORMS}, for instance redis://127.0.0.1:6379.` };
  const [, authority = '', path = '', query = ''] = /^([^/?]*)(?:\/([^?]*))?(?:\?(.*))?$/.exec(rest) ?? [];
  const at = authority.lastIndexOf('@');
  const login = loginOf(at < 0 ? '' : authority.slice(0, at));
  const options = new URLSearchParams(query);
  const nodes = authority
    .slice(at + 1)
    .split(',')
    .map((text) => nodeOf(text, scheme === 'redis+sentinel' ? SENTINEL_PORT : REDIS_PORT));
  const known = nodes.filter((node) => node !== null);
  if (known.length < nodes.length || login === null) return { fault: `REDIS_URL: the hosts must be given as h1,h2 or h1:port,h2:port, as in ${FORMS}.` };
  const reached: Reached = { login, tls: options.get('tls') === 'true' };
  if (scheme === 'redis+cluster') {
    // A cluster has one database, and nobody should believe that a number chose another.
    if (path !== '')
      return { fault: 'REDIS_URL: redis+cluster://h1,h2 takes no path: a cluster has one database. Use REDIS_PREFIX to keep installations apart.' };
    return { form: 'cluster', nodes: known, ...reached };
  }
  const [master = '', db = '0', ...more] = path.split('/').map(decoded);
  if (master === '' || master === null || !/^\d{1,4}$/.test(db ?? '') || more.length > 0)
    return {
      fault: 'REDIS_URL: redis+sentinel:// needs the name the sentinels know the master by: redis+sentinel://h1,h2/mymaster, with /0 behind it for a database.',
    };
  const [username, password] = [options.get('sentinelUsername'), options.get('sentinelPassword')];
  const sentinelLogin = { ...(username ? { username } : {}), ...(password ? { password } : {}) };
  return { form: 'sentinel', nodes: known, master, db: Number(db), sentinelLogin, ...reached };
}

/** Every password in the address, to be kept out of what is printed. */
export function passwordsIn(given: string): string[] {
  const address = readRedisUrl(given);
  if ('fault' in address) return [];
  if (address.form === 'one') {
    const { password, searchParams } = new URL(address.url);
    // ioredis takes either.
    return [decoded(password) ?? '', searchParams.get('password') ?? ''].filter(Boolean);
  }
  return [address.login.password, address.form === 'sentinel' ? address.sentinelLogin.password : undefined].filter((p) => p !== undefined);
}

/** `user:password`, `:password`, or a password alone. Null where it cannot be decoded. */
function loginOf(text: string): Login | null {
  if (text === '') return {};
  const colon = text.indexOf(':');
  const [username, password] = [decoded(text.slice(0, Math.max(0, colon))), decoded(text.slice(colon + 1))];
  if (username === null || password === null) return null;
  return { ...(username ? { username } : {}), ...(password ? { password } : {}) };
}

/** `host`, `host:port`, `[::1]:port`. */
function nodeOf(text: string, byDefault: number): RedisNode | null {
  const [, bracketed, plain, port] = /^(?:\[([\da-fA-F:.]+)\]|([\w.-]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  return host === undefined || Number(port) > 65_535 ? null : { host, port: port ? Number(port) : byDefault };
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
