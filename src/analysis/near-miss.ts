/** The names that somebody may have meant by `wanted`, nearest first, at most five. Empty where nothing is near. */
export function nearMisses(wanted: string, names: Iterable<string>): string[] {
  const target = plain(wanted);
  const near: { name: string; distance: number }[] = [];
  for (const name of new Set(names)) {
    const candidate = plain(name);
    const related = target.length >= 2 && candidate.length >= 2 && (candidate.includes(target) || target.includes(candidate));
    const distance = edits(target, candidate);
    if (related || distance <= Math.max(1, Math.floor(target.length / 3))) near.push({ name, distance });
  }
  return near
    .sort((a, b) => a.distance - b.distance || (a.name < b.name ? -1 : 1))
    .slice(0, 5)
    .map((n) => n.name);
}

/** The same for the model and for people, whoever reads it: no question, as nobody is asked by it. Empty where nothing is near. */
export function nearestInWords(near: readonly string[], to?: string): string {
  if (near.length === 0) return '';
  const whose = to === undefined ? 'nearest' : `nearest to ${to}`;
  return near.length === 1 ? `The name ${whose} is ${near[0]}.` : `The names ${whose} are ${near.slice(0, -1).join(', ')} and ${near.at(-1)}.`;
}

/** Without what people get wrong most: capitals and separators. */
function plain(name: string): string {
  return name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '')
    .slice(0, 80);
}

/** Levenshtein distance: insertions, deletions and replacements of one character. */
function edits(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return row[b.length] as number;
}
