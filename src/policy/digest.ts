import { createHash } from 'node:crypto';

/**
 * Canonical JSON by RFC 8785: keys sorted by UTF-16 code units, numbers and strings as ECMAScript writes them, no white space.
 * Throws on what JSON can't say (NaN, infinities, functions) and on lone surrogates: two readers could take them for different bytes.
 */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value === 'boolean') return JSON.stringify(value);
  if (typeof value === 'string') {
    if (!value.isWellFormed()) throw new TypeError('a lone surrogate has no canonical form');
    return JSON.stringify(value);
  }
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new TypeError(`${value} has no canonical form`);
    return JSON.stringify(value);
  }
  if (Array.isArray(value)) return `[${value.map((v) => canonicalJson(v === undefined ? null : v)).join(',')}]`;
  if (typeof value === 'object') {
    const members = Object.entries(value)
      .filter(([, v]) => v !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
    return `{${members.map(([k, v]) => `${canonicalJson(k)}:${canonicalJson(v)}`).join(',')}}`;
  }
  throw new TypeError(`${typeof value} has no canonical form`);
}

/** What a person approves: SHA-256, lower-case hex, over the canonical JSON of {tool, arguments}. */
export function digestOf(tool: string, args: Record<string, unknown>): string {
  return createHash('sha256')
    .update(canonicalJson({ tool, arguments: args }))
    .digest('hex');
}

/** The key an effect carries outward: 64 hex characters, a pure function of session and call, so that sending twice is once. */
export function effectKey(session: string, call: string): string {
  return createHash('sha256').update(`${session}/${call}`).digest('hex');
}
