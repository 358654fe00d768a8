import { type ChartPoint, isDrawable } from './chart.ts';
import { chooseIndexes, extremes } from './thin.ts';

const BARS = '▁▂▃▄▅▆▇█';

/** A curve in one line of text, for where no chart can be shown: `▁▄▆█▇  0.61 → 0.73 (min 0.61, max 0.74)`. */
export function textSparkline(points: readonly ChartPoint[], width = 20): string {
  const values = points.map((p) => (isDrawable(p.y) ? p.y : null));
  const finite = values.filter(isDrawable);
  const [first, last] = [finite[0], finite.at(-1)];
  if (first === undefined || last === undefined) return 'no values';
  const keep = extremes(values);
  const [least, most] = [values[keep[0] ?? 0] ?? first, values[keep.at(-1) ?? 0] ?? first];
  const bar = (value: number | null) => (value === null ? ' ' : (BARS[most === least ? 3 : Math.round(((value - least) / (most - least)) * 7)] ?? ' '));
  const bars = chooseIndexes(values.length, width, keep).map((i) => bar(values[i] ?? null));
  return `${bars.join('')}  ${short(first)} → ${short(last)} (min ${short(least)}, max ${short(most)})`;
}

function short(value: number): string {
  return String(Number(value.toPrecision(4)));
}
