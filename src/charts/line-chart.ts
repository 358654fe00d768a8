import type { TopLevelSpec } from 'vega-lite';
import { type ChartPoint, distinct, isDrawable, type LineChart, shorten } from './chart.ts';
import { chooseIndexes, extremes } from './thin.ts';

/** More than a chart of this width can show. */
const MOST_POINTS = 800;
/** Told apart by people with any colour vision (Okabe and Ito). */
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#000000'];

/** A line chart as a vega-lite spec: pure data, so it can be committed beside a record. Gaps stay gaps. */
export function lineChart({ title, xLabel, yLabel, x = 'number', series }: LineChart): TopLevelSpec {
  // Two lines of one name would be joined into one.
  const names = distinct(
    series.map((s) => s.name),
    60,
  );
  const values = series.flatMap((s, i) => thinned(s.points).map((p) => ({ x: p.x, y: isDrawable(p.y) ? p.y : null, series: names[i] ?? '' })));
  const marked = Math.max(0, ...series.map((s) => s.points.length)) <= 30;
  const scale = x === 'time' ? { type: 'utc' as const } : { zero: false, nice: false };
  const label = { titleFontWeight: 'normal' as const, grid: true, gridColor: '#e8e8e8', tickColor: '#bbbbbb', domainColor: '#bbbbbb' };
  return {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    title: { text: shorten(title, 90), anchor: 'start', fontSize: 15, offset: 12 },
    width: 640,
    height: 320,
    padding: 16,
    background: 'white',
    data: { values },
    mark: { type: 'line', strokeWidth: 2, point: marked ? { size: 28, filled: true } : false, invalid: 'break-paths-show-path-domains' },
    encoding: {
      x: {
        field: 'x',
        type: x === 'time' ? 'temporal' : 'quantitative',
        scale,
        axis: {
          ...label,
          labelFlush: true,
          title: shorten(x === 'time' ? `${xLabel} (UTC)` : xLabel, 60),
          ...(x === 'time' ? { format: timeFormat(series) } : {}),
        },
      },
      y: { field: 'y', type: 'quantitative', scale: { zero: false, nice: true }, axis: { ...label, labelFlush: false, title: shorten(yLabel, 60) } },
      color: {
        field: 'series',
        type: 'nominal',
        scale: { domain: names, range: COLOURS },
        // One line needs no legend: the title says what it is.
        legend: series.length > 1 ? { title: null, orient: 'bottom', columns: 3, labelLimit: 220, symbolType: 'stroke', symbolStrokeWidth: 3 } : null,
      },
    },
    config: { font: 'DejaVu Sans, Lato, Helvetica, Arial, sans-serif', view: { stroke: null } },
  };
}

function thinned(points: readonly ChartPoint[]): ChartPoint[] {
  const keep = extremes(points.map((p) => p.y));
  return chooseIndexes(points.length, MOST_POINTS, keep).flatMap((i) => points[i] ?? []);
}

function timeFormat(series: LineChart['series']): string {
  const times = series.flatMap((s) => [s.points[0]?.x, s.points.at(-1)?.x]).filter(isDrawable);
  const hours = (Math.max(...times) - Math.min(...times)) / 3_600_000;
  return hours <= 24 ? '%H:%M' : hours <= 24 * 4 ? '%b %d %H:%M' : '%b %d';
}
