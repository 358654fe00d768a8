import { type BarChart, distinct, isDrawable, type LineChart, shorten } from './chart.ts';
import { chooseIndexes, extremes } from './thin.ts';

/** Slack's own limits of a chart block; a longer one is refused whole. */
export const slackChartLimits = { title: 50, series: 6, seriesName: 20, points: 20, category: 20, axisLabel: 50 } as const;

/** Slack's native chart. It is not among the SDK's block types. */
export type SlackChart = {
  type: 'data_visualization';
  title: string;
  chart: {
    type: 'line' | 'bar';
    series: { name: string; data: { label: string; value: number }[] }[];
    axis_config: { categories: string[]; x_label?: string; y_label?: string };
  };
};

/**
 * A curve as Slack's native chart: every series has a value in every category, so only the places where all have one are shown, at most 20 of
 * them, with the ends and each series' extremes kept. Null where fewer than two are left: then a picture or words must do.
 * `leaveOut`: a series that would cut the chart to less than half of the first one's length (a run that broke early) is left out instead.
 */
export function slackLineChart({ title, xLabel, yLabel, x = 'number', series }: LineChart, { leaveOut = false } = {}): SlackChart | null {
  const values = (s: LineChart['series'][number]) => new Map(s.points.filter((p) => isDrawable(p.y)).map((p) => [p.x, p.y as number]));
  const shown: { name: string; byX: Map<number, number> }[] = [];
  let common: number[] = [];
  for (const one of series) {
    if (shown.length === slackChartLimits.series) break;
    const byX = values(one);
    const left = shown.length === 0 ? [...byX.keys()] : common.filter((at) => byX.has(at));
    if (leaveOut && (left.length < 2 || left.length < (shown[0]?.byX.size ?? 0) / 2)) continue;
    common = left;
    shown.push({ name: one.name, byX });
  }
  common.sort((a, b) => a - b);
  const byX = shown.map((s) => s.byX);
  const keep = byX.flatMap((values) => extremes(common.map((at) => values.get(at) ?? null)));
  const places = chooseIndexes(common.length, slackChartLimits.points, keep).flatMap((i) => common[i] ?? []);
  if (places.length < 2) return null;
  const categories = distinct(
    places.map((at) => (x === 'time' ? new Date(at).toISOString().slice(5, 16).replace('T', ' ') : String(at))),
    slackChartLimits.category,
  );
  return block('line', { title, xLabel, yLabel, categories, series: shown.map((s) => ({ name: s.name, values: places.map((at) => s.byX.get(at) ?? 0) })) });
}

/** Bars as Slack's native chart; a category where a series has no finite value is left out. Null where none is left. */
export function slackBarChart(chart: BarChart): SlackChart | null {
  const series = chart.series.slice(0, slackChartLimits.series);
  const whole = chart.categories
    .map((_, i) => i)
    .filter((i) => series.every((s) => isDrawable(s.values[i])))
    .slice(0, slackChartLimits.points);
  if (whole.length === 0 || series.length === 0) return null;
  const categories = distinct(
    whole.map((i) => chart.categories[i] ?? ''),
    slackChartLimits.category,
  );
  return block('bar', { ...chart, categories, series: series.map((s) => ({ name: s.name, values: whole.map((i) => s.values[i] ?? 0) })) });
}

function block(type: 'line' | 'bar', { title, xLabel, yLabel, categories, series }: BarChart): SlackChart {
  const names = distinct(
    series.map((s) => s.name),
    slackChartLimits.seriesName,
  );
  const [x_label, y_label] = [shorten(xLabel, slackChartLimits.axisLabel), shorten(yLabel, slackChartLimits.axisLabel)];
  return {
    type: 'data_visualization',
    title: shorten(title, slackChartLimits.title) || 'Chart',
    chart: {
      type,
      series: series.map((s, i) => ({ name: names[i] ?? '', data: categories.map((label, at) => ({ label, value: s.values[at] ?? 0 })) })),
      axis_config: { categories: [...categories], ...(x_label ? { x_label } : {}), ...(y_label ? { y_label } : {}) },
    },
  };
}
