import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Principal } from './door.ts';

/** Who may come in over HTTP: decided from the headers alone, before a byte of the body is read. */
export type HttpAccess = {
  host: string;
  /** Names it is reached by, besides loopback's own. */
  allowedHosts: readonly string[];
  /** By the SHA-256 of the bearer token. */
  tokens: Readonly<Record<string, { user: string; scope: 'read' | 'write'; audience?: string | undefined }>>;
};

export type Admitted = { ok: true; principal: Principal } | { ok: false; status: 401 | 403; why: string };

const LOOPBACK = ['127.0.0.1', '::1', 'localhost'];

/** Why a door must not be opened like this, in sentences; none where it may. */
export function whyNotOpen({ host, allowedHosts, tokens }: HttpAccess): string[] {
  const beyond = allowedHosts.filter((name) => !LOOPBACK.includes(authorityOf(name)?.name ?? name));
  // A proxy of this machine comes over loopback, too, for whoever reaches it.
  if (LOOPBACK.includes(host))
    return beyond.length > 0 && Object.keys(tokens).length === 0
      ? [`MCP_HTTP_ALLOWED_HOSTS names ${beyond.join(', ')}: whoever comes from beyond this machine needs a token, so MCP_HTTP_TOKENS must name at least one.`]
      : [];
  return [
    ...(Object.keys(tokens).length === 0 ? [`MCP_HTTP_HOST is ${host}: beyond loopback MCP_HTTP_TOKENS must name at least one token.`] : []),
    ...(allowedHosts.length === 0 ? [`MCP_HTTP_HOST is ${host}: beyond loopback MCP_HTTP_ALLOWED_HOSTS must name the hosts it is reached by.`] : []),
  ];
}

/** Host and Origin against the names it is reached by (a page in a browser must not reach a loopback server under a name of its own), then the bearer token. */
export function admit(request: IncomingMessage, access: HttpAccess): Admitted {
  const names = LOOPBACK.includes(access.host) ? [...LOOPBACK, ...access.allowedHosts] : access.allowedHosts;
  const asked = authorityOf(request.headers.host);
  if (!asked || !isNamed(asked, names)) return { ok: false, status: 403, why: 'This Host is not one that labmate is reached by; see MCP_HTTP_ALLOWED_HOSTS.' };
  const { origin } = request.headers;
  if (origin !== undefined) {
    const from = /^https?:\/\/([^/]+)$/.exec(origin)?.[1];
    const page = authorityOf(from);
    if (!page || !isNamed(page, names)) return { ok: false, status: 403, why: 'Pages of this Origin may not call labmate.' };
  }
  if (Object.keys(access.tokens).length === 0) return { ok: true, principal: { door: 'http', name: 'anybody on this machine', user: null, scope: 'write' } };
  const token = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
  if (token === undefined) return { ok: false, status: 401, why: 'A bearer token is needed: Authorization: Bearer <token>.' };
  // Looked up by its digest, so how long the look-up takes tells nothing of a token.
  const digest = createHash('sha256').update(token).digest('hex');
  const known = Object.hasOwn(access.tokens, digest) ? access.tokens[digest] : undefined;
  if (!known) return { ok: false, status: 401, why: 'This bearer token is not known here.' };
  if (known.audience !== undefined && !isNamed(asked, [known.audience]))
    return { ok: false, status: 401, why: 'This bearer token was made for another server.' };
  return { ok: true, principal: { door: 'http', name: known.user, user: known.user, scope: known.scope } };
}

type Authority = { name: string; port: string };

function authorityOf(header: string | undefined): Authority | null {
  const found = /^(\[[0-9a-f:]+\]|[a-z0-9._-]+)(?::(\d{1,5}))?$/i.exec(header ?? '');
  return found ? { name: (found[1] ?? '').replace(/^\[|\]$/g, '').toLowerCase(), port: found[2] ?? '' } : null;
}

/** A name without a port stands for any port. */
function isNamed(asked: Authority, names: readonly string[]): boolean {
  return names.some((name) => {
    if (name === '::1') return asked.name === '::1';
    const allowed = authorityOf(name);
    return allowed !== null && allowed.name === asked.name && (allowed.port === '' || allowed.port === asked.port);
  });
}
