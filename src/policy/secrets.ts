/** What stands where a secret stood. */
export const REMOVED = '[secret removed]';

/** Shorter values would match by chance, and a password of that length is nothing to protect. */
const SHORTEST = 8;

/** Cuts known secret values out of text: raw, escaped, and in the encodings that systems put them through. */
export function scrubber(secrets: readonly string[]): (text: string) => string {
  const forms = [...new Set(secrets.filter((s) => s.length >= SHORTEST).flatMap(encodings))].sort((a, b) => b.length - a.length);
  return (text) => forms.reduce((scrubbed, form) => (scrubbed.includes(form) ? scrubbed.replaceAll(form, REMOVED) : scrubbed), text);
}

/** Credentials by their shape, of services that we or our users have to do with. */
const SHAPES = new RegExp(
  [
    'sk-ant-[\\w-]{16,}',
    'xox[abceoprs]-[\\w-]{16,}',
    'xapp-[\\w-]{16,}',
    'gh[opusr]_[A-Za-z0-9]{20,}',
    'github_pat_\\w{20,}',
    'dapi[0-9a-f]{32}(?:-\\d)?',
    'dose[0-9a-f]{32}',
    'glsa_[A-Za-z0-9]{20,}(?:_[0-9a-f]{8})?',
    '(?:AKIA|ASIA)[0-9A-Z]{16}',
    'AIza[\\w-]{35}',
    'eyJ[\\w-]{10,}\\.eyJ[\\w-]{10,}\\.[\\w-]{10,}',
    '-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----[\\s\\S]{0,10000}?-----END [A-Z ]{0,30}PRIVATE KEY-----',
  ]
    .map((shape) => `(?<![A-Za-z0-9])${shape}`)
    .join('|'),
  'g',
);

/** The second net: cuts out what looks like a credential, though nobody told us of it. */
export function masked(text: string): string {
  return text.replace(SHAPES, REMOVED);
}

/** Cleans every string inside a value; what holds no secret comes back as it is, byte for byte. */
export function scrubDeep<T>(value: T, scrub: (text: string) => string): T {
  if (typeof value === 'string') return scrub(value) as T;
  if (Array.isArray(value)) return value.map((v) => scrubDeep(v, scrub)) as T;
  if (value === null || typeof value !== 'object' || isSigned(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([k, v]) => [scrub(k), scrubDeep(v, scrub)])) as T;
}

/** The model's thinking goes back to its provider unmodified, or the turn is refused. A reply with a known secret in it is never kept. */
function isSigned(value: object): boolean {
  return 'type' in value && (value.type === 'thinking' || value.type === 'redacted_thinking') && ('signature' in value || 'data' in value);
}

/** What each of the shapes begins with, in four letters at least. */
const BEGINNINGS = [
  'sk-ant-',
  ...[...'abceoprs'].map((kind) => `xox${kind}-`),
  'xapp-',
  'gho_',
  'ghp_',
  'ghs_',
  'ghu_',
  'ghr_',
  'github_pat_',
  'dapi',
  'dose',
  'glsa_',
  'AKIA',
  'ASIA',
  'AIza',
  ...[...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-'].map((next) => `eyJ${next}`),
  '-----',
];

/**
 * Says quickly whether JSON text may hold something that is to be cut out: a form of a known secret, or the beginning of what looks like a credential. False is sure,
 * so that what is clean, which is nearly everything, is neither searched string by string nor copied. One pass over the text, whatever the number of secrets, which
 * looks at every second place: three letters there are the first or the second to fourth of any needle that stands there.
 */
export function suspicion(secrets: readonly string[]): (json: string) => boolean {
  const forms = secrets.filter((s) => s.length >= SHORTEST).flatMap(encodings);
  const needles = [...new Set([...BEGINNINGS, ...forms, ...forms.map((f) => JSON.stringify(f).slice(1, -1))])];
  const byPlace = new Map<number, { needle: string; offset: number }[]>();
  const first = new Uint8Array(65_536);
  for (const needle of needles) {
    for (const offset of [0, 1]) {
      const place = placeOf(needle.charCodeAt(offset), needle.charCodeAt(offset + 1), needle.charCodeAt(offset + 2));
      first[place] = 1;
      byPlace.set(place, [...(byPlace.get(place) ?? []), { needle, offset }]);
    }
  }
  return (json) => {
    let a = json.charCodeAt(0);
    for (let i = 2; i < json.length; i += 2) {
      const c = json.charCodeAt(i);
      const place = placeOf(a, json.charCodeAt(i - 1), c);
      if (first[place] === 1 && byPlace.get(place)?.some(({ needle, offset }) => json.startsWith(needle, i - 2 - offset))) return true;
      a = c;
    }
    return false;
  };
}

function placeOf(a: number, b: number, c: number): number {
  return ((a * 31 + b) * 31 + c) & 65_535;
}

function encodings(secret: string): string[] {
  const bytes = Buffer.from(secret);
  const hex = bytes.toString('hex');
  const url = encodeURIComponent(secret);
  return [
    secret,
    hex,
    hex.toUpperCase(),
    url,
    url.replace(/%../g, (code) => code.toLowerCase()),
    url.replaceAll('%20', '+'),
    [...bytes].map((b) => `%${b.toString(16).padStart(2, '0')}`).join(''),
    JSON.stringify(secret).slice(1, -1),
    secret.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;'),
    ...[0, 1, 2].flatMap((before) => inBase64(bytes, before)),
  ];
}

/** In base64 a text looks different by how many bytes stand before it: `user:token` hides a token from who looks for the token's own base64. */
function inBase64(bytes: Buffer, before: number): string[] {
  const whole = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64');
  const bare = whole.replace(/=+$/, '');
  // Only what no neighbour has a bit in.
  const own = bare.slice(before === 0 ? 0 : before + 1, (before + bytes.length) % 3 === 0 ? undefined : -1);
  return [...(before === 0 ? [whole, bare] : []), own].flatMap((text) => [text, text.replaceAll('+', '-').replaceAll('/', '_')]);
}
