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
export function leaves(value: unknown, path = '', found = new Map<string, string>()): Map<string, string> {
  const inner = typeof value === 'object' && value !== null ? Object.entries(value) : [];
  if (inner.length === 0) {
    if (value !== undefined && path !== '') found.set(path, typeof value === 'string' ? value : JSON.stringify(value));
    return found;
  }
  for (const [key, item] of inner) leaves(item, path === '' ? key : `${path}.${key}`, found);
  return found;
}
