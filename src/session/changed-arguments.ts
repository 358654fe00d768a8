import { isRecord } from '../policy/is-record.ts';

/** One argument that differs; null where it is not there. */
export type ChangedArgument = { name: string; from: string | null; to: string | null };

/** What differs between two sets of arguments, leaf by leaf: `parameters.lr` 0.1 → 0.2. Pure. */
export function changedArguments(before: Record<string, unknown>, after: Record<string, unknown>): ChangedArgument[] {
  const [old, now] = [leaves(before), leaves(after)];
  const names = [...new Set([...old.keys(), ...now.keys()])];
  return names.flatMap((name) => {
    const [from, to] = [old.get(name) ?? null, now.get(name) ?? null];
    // What was filled or emptied is told by what stands in it.
    const same = from === to || (isEmpty(from) && hasInside(now, name)) || (isEmpty(to) && hasInside(old, name));
    return same ? [] : [{ name, from, to }];
  });
}

function isEmpty(leaf: string | null): boolean {
  return leaf === '[]' || leaf === '{}';
}

function hasInside(all: ReadonlyMap<string, string>, name: string): boolean {
  return [...all.keys()].some((key) => key.startsWith(`${name}.`));
}

/** Every value that stands alone, as text, by its path; a list or an object with nothing in it is one. */
export function leaves(value: unknown): Map<string, string> {
  return new Map(leavesOf(value, []).map(({ path, text }) => [path.join('.'), text]));
}

type Leaf = { path: (string | number)[]; text: string };

function leavesOf(value: unknown, path: Leaf['path']): Leaf[] {
  const inner: [string | number, unknown][] = Array.isArray(value) ? [...value.entries()] : isRecord(value) ? Object.entries(value) : [];
  if (inner.length > 0) return inner.flatMap(([key, item]) => leavesOf(item, [...path, key]));
  return value === undefined || path.length === 0 ? [] : [{ path, text: typeof value === 'string' ? value : JSON.stringify(value) }];
}

/** What differs, for people: what stands in a list is counted from one. */
export function changesInWords(before: Record<string, unknown>, after: Record<string, unknown>): ChangedArgument[] {
  const names = new Map([...leavesOf(before, []), ...leavesOf(after, [])].map(({ path }) => [path.join('.'), placeInWords(path)]));
  return changedArguments(before, after).map((change) => ({ ...change, name: names.get(change.name) ?? change.name }));
}

/** `files, item 1, content`; of a name within a name both, as people write them: `parameters.lr`. */
function placeInWords(path: Leaf['path']): string {
  return path.reduce<string>((words, key, i) => {
    if (typeof key === 'number') return `${words}, item ${key + 1}`;
    return i === 0 ? key : `${words}${typeof path[i - 1] === 'number' ? ', ' : '.'}${key}`;
  }, '');
}
