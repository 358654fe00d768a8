import { z } from 'zod';
import type { MountedServer } from './agent/mount.ts';
import { decoded, type Env } from './config-env.ts';
import { couldMatch, mountedPrefix, serverKey } from './policy/mounted-names.ts';

/** The servers that labmate.json mounts: `mcpServers` as other MCP hosts read it, and beside it, under `mounts`, what is ours about each. */

const name = z.string().min(1);
const strings = z.record(name, z.string());
/** Milliseconds that a call may take, whatever is configured: the worker that waits for it does nothing else for its session. */
const LONGEST_CALL_MS = 10 * 60_000;

/** What other hosts write beside this is not read, nor is anything filled in there. */
const server = z.object({
  type: z.enum(['stdio', 'http', 'streamable-http', 'streamableHttp', 'sse']).optional(),
  command: name.optional(),
  args: z.array(z.string()).optional(),
  env: strings.optional(),
  cwd: name.optional(),
  url: name.optional(),
  headers: strings.optional(),
  /** As several hosts write it. Nobody expects a server to be started that is switched off elsewhere. */
  disabled: z.boolean().optional(),
});

export const mcpServersSchema = z
  .record(name, server)
  .default({})
  .describe(
    'Servers whose tools a session may call, as other MCP hosts read it: command, args, env and cwd, or type, url and headers. Variables in braces after a dollar sign, with env: before the name or :-default after it or without, are filled in from the environment.',
  );

export const mountSchema = (duration: z.ZodType<number, string>) =>
  z
    .record(
      name,
      z.strictObject({
        trusted: z
          .boolean()
          .default(false)
          .describe('Whether what the server says of its tools is believed: which only read, which may be sent again. Default false: every call asks.'),
        timeout: duration.optional().describe('How long a call may take. Default "60s", at most "10m".'),
        oauth: z
          .strictObject({
            issuer: z.string().describe('The authorization server that the credentials are for; they are sent to no other.'),
            clientId: name,
            clientSecret: name.optional(),
            privateKey: name.optional().describe('PEM, in place of a secret.'),
            algorithm: name.optional().describe('Of the private key. Default "ES256".'),
            scope: name
              .optional()
              .describe('What the token is asked for. Left out: what a trusted server says it needs, and nothing for one that is not trusted.'),
          })
          .optional()
          .describe('How labmate itself logs in to a server over HTTP, without a person (OAuth client credentials).'),
      }),
    )
    .default({})
    .describe('What is ours about a mounted server, by its name in mcpServers.');

type Servers = z.output<typeof mcpServersSchema>;
type Mounts = z.output<ReturnType<typeof mountSchema>>;

/** The mounted servers, or sentences in `env.faults` about what is wrong with them. */
export function mountedServers(file: { mcpServers: Servers; mounts: Mounts }, env: Env, fileName: string): MountedServer[] {
  const fault = (text: string) => void env.faults.push(`${fileName}: ${text}.`);
  const mounted: MountedServer[] = [];
  for (const [of, given] of Object.entries(file.mcpServers)) {
    if (given.disabled) continue;
    const key = serverKey(of);
    const twin = mounted.find((m) => m.key === key);
    if (key === '') fault(`mcpServers has a server "${of}", whose name has no letter or digit that a tool's name could have`);
    if (twin) fault(`mcpServers has "${twin.name}" and "${of}", whose tools would be named alike (${mountedPrefix(key)}…): rename one`);
    const mount = file.mounts[of];
    const before = env.faults.length;
    const [filled, login] = [env.expand(given), env.expand(mount?.oauth)];
    // What could not be filled in is told; of the gap it left there is nothing to say.
    if (env.faults.length > before) continue;
    const address = addressOf(of, filled, env, fault);
    if (!address) continue;
    const oauth = login ? loginOf(of, login, env, fault) : undefined;
    if (oauth && address.is === 'stdio') fault(`mounts.${of}.oauth is for servers over HTTP, and "${of}" is a command`);
    const timeoutMs = mount?.timeout ?? 60_000;
    if (timeoutMs > LONGEST_CALL_MS) fault(`mounts.${of}.timeout is more than ten minutes`);
    mounted.push({ name: of, key, address, trusted: mount?.trusted ?? false, timeoutMs, ...(oauth && address.is !== 'stdio' ? { oauth } : {}) });
  }
  return mounted;
}

/** A rule or an approver's entry for tools of mounted servers that no mounted server can have. */
export function namesNoServer(pattern: string, servers: readonly string[]): boolean {
  return !servers.some((of) => couldMatch(pattern, mountedPrefix(serverKey(of))));
}

function addressOf(of: string, given: Servers[string], env: Env, fault: (text: string) => void): MountedServer['address'] | null {
  const { type, command, args = [], cwd, url, headers = {} } = given;
  const is = type === 'streamable-http' || type === 'streamableHttp' ? 'http' : (type ?? (command === undefined ? 'http' : 'stdio'));
  for (const [key, value] of [...Object.entries(given.env ?? {}), ...Object.entries(headers)]) env.keepSecret(key, value);
  keepWritten([...args, ...(url === undefined ? [] : [url])], env);
  if (is === 'stdio') {
    if (command !== undefined && url === undefined) return { is, command, args, env: given.env ?? {}, ...(cwd === undefined ? {} : { cwd }) };
    fault(`mcpServers.${of} needs a "command", and no "url" beside it`);
    return null;
  }
  if (url === undefined || command !== undefined) {
    fault(`mcpServers.${of} needs a "command" or a "url", and not both`);
    return null;
  }
  if (!/^https?:\/\//.test(url) || !URL.canParse(url)) {
    fault(`mcpServers.${of}.url is not a URL: it must look like https://host/mcp`);
    return null;
  }
  // fetch refuses it, and says it aloud.
  if (new URL(url).username || new URL(url).password) {
    fault(`mcpServers.${of}.url holds a user name or a password: give them as a header, "Authorization"`);
    return null;
  }
  return { is, url, headers };
}

/** Keys that stand in the file itself: `--api-key KEY`, `--token=KEY`, `API_KEY=KEY`, `Authorization: Bearer KEY`, and in the query of an address. */
function keepWritten(words: readonly string[], env: Env): void {
  const keep = (name: string, value: string) => {
    // Cut out wherever it stands, an ordinary word or a number would be missed elsewhere.
    if (!/^([a-z]+([-_.][a-z]+)*|\d+)$/i.test(value)) env.keepSecret(name.replace(/^-+/, '').replaceAll('-', '_'), value);
  };
  const keepQuery = (address: string) => {
    if (!/^https?:/.test(address) || !URL.canParse(address)) return;
    // As it is written, too: whoever repeats the address repeats that.
    for (const [, key = '', of = ''] of new URL(address).search.matchAll(/[?&]([^=&]+)=([^&]*)/g))
      for (const form of [of, decoded(of)]) if (form !== null) keep(key, form);
  };
  for (const [i, word] of words.entries()) {
    const [, given, value] = /^([\w-]+)(?:=|:\s*)(.+)$/s.exec(word) ?? [];
    if (given !== undefined && value !== undefined) {
      keep(given, value);
      keepQuery(value);
    }
    const next = words[i + 1] ?? '';
    if (/^-+[\w-]+$/.test(word) && !next.startsWith('-')) keep(word, next);
    keepQuery(word);
  }
}

function loginOf(of: string, given: NonNullable<Mounts[string]['oauth']>, env: Env, fault: (text: string) => void): MountedServer['oauth'] {
  const { issuer, clientId, clientSecret, privateKey, algorithm = 'ES256', scope } = given;
  if ((clientSecret === undefined) === (privateKey === undefined)) fault(`mounts.${of}.oauth needs a "clientSecret" or a "privateKey", and not both`);
  if (!URL.canParse(issuer)) fault(`mounts.${of}.oauth.issuer is not a URL`);
  for (const secret of [clientSecret, privateKey]) if (secret !== undefined) env.keepSecret('secret', secret);
  const more = scope === undefined ? {} : { scope };
  if (privateKey !== undefined) return { issuer, clientId, privateKey, algorithm, ...more };
  return { issuer, clientId, clientSecret: clientSecret ?? '', ...more };
}
