/**
 * Chooses at most `most` of `length` places: always the first, the last and as many of the places in `keep` as fit, the rest spread evenly.
 * Returns indexes, ascending. A curve stays true at its ends and extremes however much is left out.
 */
export function chooseIndexes(length: number, most: number, keep: readonly number[] = []): number[] {
  if (length <= most) return Array.from({ length }, (_, i) => i);
  const chosen = new Set<number>([0, length - 1].slice(0, most));
  for (const index of keep) if (chosen.size < most) chosen.add(index);
  // Each round fills the middle of the widest gap, so what is added lands where least is shown.
  while (chosen.size < most) {
    const sorted = [...chosen].sort((a, b) => a - b);
    let widest = { size: 0, middle: 0 };
    for (const [i, at] of sorted.entries()) {
      const size = (sorted[i + 1] ?? at) - at;
      if (size > widest.size) widest = { size, middle: at + Math.floor(size / 2) };
    }
    chosen.add(widest.middle);
  }
  return [...chosen].sort((a, b) => a - b);
}

/** Where the least and the greatest finite value stand; empty where there is none. */
export function extremes(values: readonly (number | null)[]): number[] {
  let least = -1;
  let most = -1;
  for (const [i, value] of values.entries()) {
    if (value === null || !Number.isFinite(value)) continue;
    if (least < 0 || value < (values[least] ?? 0)) least = i;
    if (most < 0 || value > (values[most] ?? 0)) most = i;
  }
  return least < 0 ? [] : [...new Set([least, most])];
}
