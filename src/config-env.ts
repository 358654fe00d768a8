import { z } from 'zod';
import { keyTwice } from './key-twice.ts';
import { passwordsIn } from './runtime/redis-address.ts';
import { whyNotOpen } from './tools/http-guard.ts';

/** Environment variables as they come. An empty one counts as unset: compose files and CI settings pass those. So does one of .env.example that was not filled in. */
export type Variables = Readonly<Record<string, string | undefined>>;

const tokensSchema = z.record(
  z.string().regex(/^[0-9a-f]{64}$/),
  z.strictObject({
    user: z.string().min(1),
    scope: z.enum(['read', 'write']),
    /** The host it was made for, where several servers share one table. */
    audience: z.string().min(1).optional(),
  }),
);

/** How tokens begin, as .env.example has them. */
const STUBS: readonly string[] = ['xoxb-', 'xapp-', 'xoxe.xoxp-', 'sk-ant-'];

const SECRET_NAME = /token|secret|passw|api.?key|private.?key|access.?key|authorization|credential|cookie|(^|_)(pat|key|auth|dsn)$/i;

/** A reader of variables that collects what is wrong with them and which of them are secret. Lives for one reading. */
export class Env {
  readonly faults: string[] = [];
  readonly secrets: string[] = [];
  readonly #variables: Variables;

  constructor(variables: Variables) {
    this.#variables = variables;
  }

  has(name: string): boolean {
    return this.text(name) !== undefined;
  }

  text(name: string): string | undefined {
    const value = this.#variables[name]?.trim();
    return value === undefined || value === '' || STUBS.includes(value) ? undefined : value;
  }

  /** A value that is never printed. `prefix`: what it must begin with, because two tokens swapped are the commonest mistake. */
  secret(name: string, prefix = ''): string | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    if (!value.startsWith(prefix)) this.faults.push(`${name} must begin with ${prefix}: the value set is another kind of token.`);
    // What is this short would be scrubbed out of ordinary words.
    if (name !== 'REDIS_URL' && value.length >= 8) this.secrets.push(value);
    if (name === 'REDIS_URL') this.secrets.push(...passwordsIn(value).filter((password) => password.length >= 8));
    return value;
  }

  /** An http(s) URL without a slash at its end. */
  url(name: string, options: { schemeless?: boolean } = {}): string | undefined {
    const given = this.text(name);
    if (given === undefined) return undefined;
    const value = options.schemeless && !given.includes('://') ? `https://${given}` : given;
    if (!/^https?:\/\//.test(value) || !URL.canParse(value)) {
      this.faults.push(`${name} is not a URL: it must look like https://host or http://127.0.0.1:8080.`);
      return undefined;
    }
    const { username, password, search, hash } = new URL(value);
    // Nobody could be asked there: fetch refuses such an address, and says it whole in its error.
    if (username !== '' || password !== '')
      this.faults.push(`${name} holds a user name or a password: take them out; what logs in there has variables of its own, see .env.example.`);
    // Copied from a browser; every path would be put behind it.
    if (search !== '' || hash !== '') this.faults.push(`${name} goes on with ? or #: give the address up to there.`);
    return value.replace(/\/+$/, '');
  }

  /** The proxies that programs usually go by; null where none is set. A name without a scheme is one over HTTP, and what logs in there is secret. */
  proxies(): { https: string; http: string; except: string } | null {
    const [https, http] = [this.#proxy('HTTPS_PROXY'), this.#proxy('HTTP_PROXY')];
    if (https === '' && http === '') return null;
    return { https, http, except: this.text('no_proxy') ?? this.text('NO_PROXY') ?? '' };
  }

  #proxy(name: string): string {
    const given = this.text(name.toLowerCase()) ?? this.text(name);
    if (given === undefined) return '';
    const value = given.includes('://') ? given : `http://${given}`;
    if (!/^(https?|socks5?):\/\//.test(value) || !URL.canParse(value)) {
      this.faults.push(`${name} is not the address of a proxy: it must look like http://proxy.example:3128.`);
      return '';
    }
    const { username, password } = new URL(value);
    const plain = [decoded(username), decoded(password)];
    // Who speaks to the proxy decodes both.
    if (plain.includes(null)) this.faults.push(`${name} has a % in its user name or password that begins no escape: write % as %25.`);
    for (const secret of [password, plain[1] ?? '']) if (secret.length >= 8) this.secrets.push(secret);
    return plain.includes(null) ? '' : value;
  }

  /** A person's id in Slack. */
  slackUser(name: string): string | undefined {
    const given = this.text(name);
    if (given !== undefined && !/^[UW][A-Z0-9]+$/.test(given))
      this.faults.push(`${name} is no Slack user id, which begins with U or W, such as U012AB: in your profile in Slack, choose ⋮, Copy member ID.`);
    return given;
  }

  port(name: string, byDefault: number): number {
    const given = this.text(name);
    if (given === undefined) return byDefault;
    const value = Number(given);
    if (Number.isInteger(value) && value >= 0 && value <= 65_535) return value;
    this.faults.push(`${name} is "${given}": a port is a whole number from 0 to 65535 (default ${byDefault}).`);
    return byDefault;
  }

  oneOf<const T extends string>(name: string, choices: readonly T[], byDefault: NoInfer<T>): T {
    const given = this.text(name);
    const choice = choices.find((c) => c === given);
    if (given !== undefined && choice === undefined) this.faults.push(`${name} is "${given}": it must be ${choices.join(', ')} (default ${byDefault}).`);
    return choice ?? byDefault;
  }

  /** The MCP door over HTTP: off without its port; beyond loopback only with tokens and named hosts. */
  mcpHttp(): { port: number; host: string; allowedHosts: string[]; tokens: z.output<typeof tokensSchema> } | null {
    const tokens = this.#tokens();
    if (!this.has('MCP_HTTP_PORT')) return null;
    const host = this.text('MCP_HTTP_HOST') ?? '127.0.0.1';
    const allowedHosts = (this.text('MCP_HTTP_ALLOWED_HOSTS') ?? '').split(/[,\s]+/).filter(Boolean);
    this.faults.push(...whyNotOpen({ host, allowedHosts, tokens }));
    return { port: this.port('MCP_HTTP_PORT', 0), host, allowedHosts, tokens };
  }

  #tokens(): z.output<typeof tokensSchema> {
    const given = this.text('MCP_HTTP_TOKENS');
    if (given === undefined) return {};
    try {
      const tokens = tokensSchema.parse(JSON.parse(given));
      const twice = keyTwice(given, { secret: true });
      if (twice !== null) this.faults.push(`MCP_HTTP_TOKENS ${twice}.`);
      return tokens;
    } catch {
      this.faults.push('MCP_HTTP_TOKENS must be JSON such as {"<sha256 of a token, 64 hex digits>": {"user": "U1", "scope": "read"}}.');
      return {};
    }
  }

  /** A value whose name says that it is secret is scrubbed from whatever leaves; of "Bearer abc" also what follows the scheme. */
  keepSecret(name: string, value: string): void {
    if (!SECRET_NAME.test(name)) return;
    for (const part of [value, value.split(/\s+/).at(-1) ?? '']) if (part.length >= 8 && !this.secrets.includes(part)) this.secrets.push(part);
  }

  /** Fills `${VAR}` and `${VAR:-default}` into every string of a value, and `${env:VAR}`, as other hosts write it. What only another host would fill in is a fault; what a shell would is left as it is. */
  expand<T>(value: T): T {
    if (typeof value === 'string') return value.replace(/\$\{([^}]*)\}/g, (_, inside: string) => this.#filled(inside)) as T;
    if (Array.isArray(value)) return value.map((item) => this.expand(item)) as T;
    if (value !== null && typeof value === 'object') return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, this.expand(v)])) as T;
    return value;
  }

  #filled(inside: string): string {
    const [, name, other] = /^(?:env:)?(\w+)(?::-(.*))?$/s.exec(inside) ?? [];
    if (name === undefined) {
      // What a host asks its user for, or knows by itself, would be sent as these very words. After them may stand a secret.
      const form = /^[\w:]*/.exec(inside)?.[0];
      // What a shell is to fill in goes on as it is.
      if (!/^\w+:[A-Za-z]/.test(inside) && !/^workspaceFolder|^userHome/.test(inside)) return `\${${inside}}`;
      this.faults.push(
        `mcpServers in labmate.json has \${${form}${form === inside ? '' : '…'}}: only \${VARIABLE} and \${env:VARIABLE} are filled in, with :-default or without.`,
      );
      return '';
    }
    const value = this.text(name) ?? other;
    if (value === undefined) this.faults.push(`${name} is not set, and mcpServers in labmate.json uses it: set it, or write \${${name}:-default}.`);
    if (value !== undefined) this.keepSecret(name, value);
    return value ?? '';
  }
}

/** Null: it is not written in that form. */
export function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
