import { isScalar, LineCounter, parseDocument } from 'yaml';

type Twice = { key: string; at: string[] };

/** Keys that stand more than once in an object of this JSON, each with its places: JSON.parse would take the last one and not say so. YAML holds all of JSON, and its reader looks. */
function keysTwice(json: string): Twice[] {
  const lines = new LineCounter();
  const found = new Map<unknown, Twice>();
  const placeOf = (node: { range: readonly number[] }) => {
    const { line, col } = lines.linePos(node.range[0] ?? 0);
    return `at line ${line}, column ${col}`;
  };
  parseDocument(json, {
    lineCounter: lines,
    logLevel: 'silent',
    uniqueKeys(first, again) {
      if (!isScalar(first) || !isScalar(again) || first.value !== again.value) return false;
      const twice = found.get(first) ?? { key: String(first.value), at: [placeOf(first)] };
      twice.at.push(placeOf(again));
      found.set(first, twice);
      return true;
    },
  });
  return [...found.values()];
}

/** What is wrong with valid JSON in which a key stands twice, to be put behind its name; null where none does. `secret`: without the keys themselves. */
export function keyTwice(json: string, { secret = false } = {}): string | null {
  const all = keysTwice(json);
  if (all.length === 0) return null;
  const what = all.map(({ key, at }) => {
    const times = at.length === 2 ? 'twice' : `${at.length} times`;
    return `${secret ? 'a key' : `the key ${JSON.stringify(key)}`} ${times} in the same object, ${at.slice(0, -1).join(', ')} and ${at.at(-1)}`;
  });
  return `has ${what.join('; ')}: only one of ${all.length === 1 ? 'them' : 'each'} can count`;
}
