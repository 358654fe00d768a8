import { type Json, list, number, record, shownText } from './json.ts';

/** Where everything of a chart stands, in the units of its SVG. Pure, so that it can be checked without a browser. */
export type AxisChart = {
  kind: 'line' | 'area' | 'bar';
  width: number;
  height: number;
  plot: { left: number; top: number; right: number; bottom: number };
  yTicks: { at: number; label: string }[];
  xTicks: { at: number; label: string }[];
  yLabel: string;
  xLabel: string;
  series: Series[];
};
export type Point = { x: number; y: number; label: string; value: number };
export type Series = {
  name: string;
  points: Point[];
  line: string;
  area: string;
  bars: { x: number; y: number; width: number; height: number; point: Point }[];
};
export type PieChart = { kind: 'pie'; size: number; segments: { label: string; value: number; share: number; path: string }[] };

/** Lays out `data_visualization.chart` for so many pixels; null when there is nothing to draw in it. */
export function layoutChart(chart: unknown, width = 560): AxisChart | PieChart | null {
  const json = record(chart);
  if (json.type === 'pie') return layoutPie(list(json.segments));
  if (json.type === 'line' || json.type === 'area' || json.type === 'bar') return layoutAxes(json.type, json, width);
  return null;
}

function layoutAxes(kind: 'line' | 'area' | 'bar', chart: Json, width: number): AxisChart | null {
  const axis = record(chart.axis_config);
  const height = width < 400 ? 220 : 260;
  const raw = list(chart.series).map((each) => ({ name: shownText(record(each).name), data: list(record(each).data).map(record) }));
  const categories = list(axis.categories).length
    ? list(axis.categories).map(shownText)
    : [...new Set(raw.flatMap((s) => s.data.map((d) => shownText(d.label))))];
  const values = raw.flatMap((s) => s.data.flatMap((d) => number(d.value) ?? []));
  if (values.length === 0 || categories.length === 0) return null;

  // The height of a bar or an area is read from zero; a line may start where its values are.
  const low = kind === 'line' ? Math.min(...values) : Math.min(0, ...values);
  const high = kind === 'line' ? Math.max(...values) : Math.max(0, ...values);
  const ticks = niceTicks(low, high);
  const [bottom, top] = [ticks[0] ?? 0, ticks.at(-1) ?? 1];
  const labels = ticks.map((tick) => tickLabel(tick, ticks));
  const plot = {
    left: 14 + Math.max(...labels.map((label) => label.length)) * 7 + (axis.y_label ? 18 : 0),
    top: 12,
    right: width - 16,
    bottom: height - (axis.x_label ? 44 : 26),
  };
  const band = (plot.right - plot.left) / categories.length;
  const x = (index: number) =>
    kind === 'bar' || categories.length === 1 ? plot.left + band * (index + 0.5) : plot.left + ((plot.right - plot.left) * index) / (categories.length - 1);
  const y = (value: number) => plot.bottom - ((value - bottom) / (top - bottom || 1)) * (plot.bottom - plot.top);

  const series = raw.map(({ name, data }, which): Series => {
    const points = data.flatMap((each): Point[] => {
      const [value, index] = [number(each.value), categories.indexOf(shownText(each.label))];
      return value === null || index < 0 ? [] : [{ x: x(index), y: y(value), label: shownText(each.label), value }];
    });
    const line = points.map((point, at) => `${at === 0 ? 'M' : 'L'}${round(point.x)} ${round(point.y)}`).join(' ');
    const [first, last] = [points[0], points.at(-1)];
    const area = first && last ? `${line} L${round(last.x)} ${round(y(0))} L${round(first.x)} ${round(y(0))} Z` : '';
    const thick = Math.min((band * 0.72) / raw.length, 48);
    const bars = points.map((point) => ({
      x: point.x + (which - raw.length / 2) * thick,
      y: Math.min(point.y, y(0)),
      width: Math.max(thick - 2, 1),
      height: Math.max(Math.abs(y(0) - point.y), 1),
      point,
    }));
    return { name, points, line, area, bars };
  });

  const longest = Math.max(...categories.map((label) => label.length)) * 6.6 + 8;
  const every = Math.max(1, Math.ceil((categories.length * longest) / (plot.right - plot.left)));
  return {
    kind,
    width,
    height,
    plot,
    yTicks: ticks.map((tick, at) => ({ at: y(tick), label: labels[at] ?? '' })),
    xTicks: categories.flatMap((label, index) => (index % every === 0 ? [{ at: x(index), label }] : [])),
    yLabel: shownText(axis.y_label),
    xLabel: shownText(axis.x_label),
    series,
  };
}

/** About five round numbers that cover the values: steps of 1, 2 or 5 times a power of ten. */
export function niceTicks(low: number, high: number, about = 5): number[] {
  const [from, to] = low === high ? [low - (Math.abs(low) || 1) * 0.5, high + (Math.abs(high) || 1) * 0.5] : [low, high];
  const rough = (to - from) / about;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((multiple) => multiple * power >= rough) ?? 10);
  const [first, last] = [Math.floor(from / step + 1e-9), Math.ceil(to / step - 1e-9)];
  return Array.from({ length: last - first + 1 }, (_, at) => Number(((first + at) * step).toPrecision(12)));
}

/** All ticks of an axis with the same number of decimals: 0.60, 0.65, 0.70. */
function tickLabel(tick: number, ticks: number[]): string {
  const decimals = Math.max(...ticks.map((each) => `${each}`.split('.')[1]?.length ?? 0));
  return decimals > 6 ? tick.toExponential(1) : tick.toLocaleString('en', { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
}

function layoutPie(segments: unknown[]): PieChart | null {
  const parts = segments.map((each) => ({ label: shownText(record(each).label), value: Math.max(number(record(each).value) ?? 0, 0) }));
  const total = parts.reduce((sum, part) => sum + part.value, 0);
  if (total === 0) return null;
  const radius = 100;
  let angle = -Math.PI / 2;
  const point = (at: number) => `${round(radius + radius * Math.cos(at))} ${round(radius + radius * Math.sin(at))}`;
  return {
    kind: 'pie',
    size: radius * 2,
    segments: parts.map(({ label, value }) => {
      const share = value / total;
      // A whole circle as one arc would start where it ends and draw nothing.
      const turn = Math.min(share, 0.9999) * 2 * Math.PI;
      const path = `M${radius} ${radius} L${point(angle)} A${radius} ${radius} 0 ${turn > Math.PI ? 1 : 0} 1 ${point(angle + turn)} Z`;
      angle += share * 2 * Math.PI;
      return { label, value, share, path };
    }),
  };
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
