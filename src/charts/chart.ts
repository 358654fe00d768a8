/** What a chart shows. A value that is not finite is a gap. */
export type ChartPoint = { x: number; y: number | null };
export type ChartSeries = { name: string; points: readonly ChartPoint[] };
export type LineChart = {
  title: string;
  xLabel: string;
  yLabel: string;
  /** `time`: x is epoch ms, shown in UTC. */
  x?: 'number' | 'time';
  series: readonly ChartSeries[];
};
export type BarChart = {
  title: string;
  xLabel: string;
  yLabel: string;
  categories: readonly string[];
  series: readonly { name: string; values: readonly number[] }[];
};

export const isDrawable = (value: number | null | undefined): value is number => typeof value === 'number' && Number.isFinite(value);

/** Cuts text to so many characters, whole code points, and shows that it did. */
export function shorten(text: string, most: number): string {
  const line = text.replace(/[\p{C}\s]+/gu, ' ').trim();
  if (line.length <= most) return line;
  let kept = '';
  for (const char of line) {
    if (kept.length + char.length > most - 1) break;
    kept += char;
  }
  return `${kept.trimEnd()}…`;
}

/** Names within a length that are all different: what would be the same gets a number. */
export function distinct(names: readonly string[], most: number): string[] {
  const taken = new Set<string>();
  return names.map((name) => {
    let candidate = shorten(name, most) || '-';
    for (let n = 2; taken.has(candidate); n++) candidate = `${shorten(name, most - String(n).length - 1)} ${n}`;
    taken.add(candidate);
    return candidate;
  });
}
