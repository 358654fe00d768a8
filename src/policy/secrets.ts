/** Shorter values would match by chance, and a password of that length is nothing to protect. */
const SHORTEST = 8;

/** Cuts known secret values, raw and in their common encodings, out of text. */
export function scrubber(secrets: readonly string[]): (text: string) => string {
  const forms = [...new Set(secrets.filter((s) => s.length >= SHORTEST).flatMap(encodings))].sort((a, b) => b.length - a.length);
  return (text) => forms.reduce((scrubbed, form) => (scrubbed.includes(form) ? scrubbed.replaceAll(form, '[secret removed]') : scrubbed), text);
}

/** The same for every string inside a value; what holds none comes back as it is, byte for byte. */
export function scrubDeep<T>(value: T, scrub: (text: string) => string): T {
  if (typeof value === 'string') return scrub(value) as T;
  if (Array.isArray(value)) return value.map((v) => scrubDeep(v, scrub)) as T;
  if (value !== null && typeof value === 'object') return Object.fromEntries(Object.entries(value).map(([k, v]) => [scrub(k), scrubDeep(v, scrub)])) as T;
  return value;
}

function encodings(secret: string): string[] {
  const bytes = Buffer.from(secret);
  return [
    secret,
    bytes.toString('base64'),
    bytes.toString('base64').replace(/=+$/, ''),
    bytes.toString('base64url'),
    bytes.toString('hex'),
    encodeURIComponent(secret),
    JSON.stringify(secret).slice(1, -1),
  ];
}
