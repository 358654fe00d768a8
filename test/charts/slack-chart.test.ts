import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type SlackChart, slackBarChart, slackChartLimits, slackLineChart } from '../../src/charts/slack-chart.ts';
import { textSparkline } from '../../src/charts/sparkline.ts';

const curve = (values: (number | null)[]) => values.map((y, i) => ({ x: i + 1, y }));

test('a verdict chart of two curves, whole', () => {
  const block = slackLineChart({
    title: 'val_f1',
    xLabel: 'epoch',
    yLabel: 'val_f1',
    series: [
      { name: 'baseline', points: curve([0.5, 0.6]) },
      { name: 'candidate', points: curve([0.55, 0.7]) },
    ],
  });
  expect(block).toEqual({
    type: 'data_visualization',
    title: 'val_f1',
    chart: {
      type: 'line',
      series: [
        {
          name: 'baseline',
          data: [
            { label: '1', value: 0.5 },
            { label: '2', value: 0.6 },
          ],
        },
        {
          name: 'candidate',
          data: [
            { label: '1', value: 0.55 },
            { label: '2', value: 0.7 },
          ],
        },
      ],
      axis_config: { categories: ['1', '2'], x_label: 'epoch', y_label: 'val_f1' },
    },
  });
});

test('a long curve keeps its ends, its best and its worst', () => {
  const values = Array.from({ length: 300 }, (_, i) => (i === 77 ? 9 : i === 201 ? -9 : i / 1000));
  const shown = slackLineChart({ title: 't', xLabel: 'x', yLabel: 'y', series: [{ name: 'a', points: curve(values) }] })!.chart.axis_config.categories;
  expect(shown).toHaveLength(20);
  expect(['1', '78', '202', '300'].filter((c) => !shown.includes(c))).toEqual([]);
});

test('only what every curve has is shown, and nothing is made up', () => {
  const a = { name: 'a', points: curve([1, 2, 3, 4]) };
  const chart = (points: (number | null)[]) => slackLineChart({ title: 't', xLabel: 'x', yLabel: 'y', series: [a, { name: 'b', points: curve(points) }] });
  expect(chart([5, Number.NaN, 7])!.chart.axis_config.categories).toEqual(['1', '3']);
  expect(chart([5])).toBeNull();
  expect(chart([])).toBeNull();
});

test('a run that broke early is left out where that is allowed, and does not cut the others short', () => {
  const whole = (name: string) => ({ name, points: curve([1, 2, 3, 4, 5, 6, 7, 8]) });
  const series = [whole('best'), { name: 'broken', points: curve([1, 2, Number.NaN, Number.NaN]) }, whole('next')];
  const chart = slackLineChart({ title: 't', xLabel: 'x', yLabel: 'y', series }, { leaveOut: true })!.chart;
  expect(chart.series.map((s) => s.name)).toEqual(['best', 'next']);
  expect(chart.axis_config.categories).toHaveLength(8);
  expect(slackLineChart({ title: 't', xLabel: 'x', yLabel: 'y', series })!.chart.axis_config.categories).toEqual(['1', '2']);
});

test('bars leave out what has no value', () => {
  const bars = slackBarChart({
    title: 'runs',
    xLabel: '',
    yLabel: 'val_f1',
    categories: ['v1', 'v2', 'v3'],
    series: [{ name: 'f1', values: [0.7, Number.NaN, 0.72] }],
  });
  expect(bars!.chart).toEqual({
    type: 'bar',
    series: [
      {
        name: 'f1',
        data: [
          { label: 'v1', value: 0.7 },
          { label: 'v3', value: 0.72 },
        ],
      },
    ],
    axis_config: { categories: ['v1', 'v3'], y_label: 'val_f1' },
  });
});

test("no input makes a chart beyond Slack's limits", () => {
  const within = (block: SlackChart | null) => {
    if (!block) return;
    const { categories, x_label = '', y_label = '' } = block.chart.axis_config;
    const names = block.chart.series.map((s) => s.name);
    expect(block.title.length).toBeLessThanOrEqual(slackChartLimits.title);
    expect(Math.max(x_label.length, y_label.length)).toBeLessThanOrEqual(slackChartLimits.axisLabel);
    expect(names.length).toBeLessThanOrEqual(slackChartLimits.series);
    expect(new Set(names).size).toBe(names.length);
    expect(new Set(categories).size).toBe(categories.length);
    expect(categories.length).toBeLessThanOrEqual(slackChartLimits.points);
    for (const text of [...names, ...categories]) expect(text.length > 0 && text.length <= 20).toBe(true);
    for (const s of block.chart.series) {
      expect(s.data.map((d) => d.label)).toEqual(categories);
      expect(s.data.every((d) => Number.isFinite(d.value))).toBe(true);
    }
  };
  const name = fc.oneof(fc.constant('the very same long name of a series'), fc.string({ maxLength: 60, unit: 'grapheme' }));
  const number = fc.oneof(fc.double(), fc.constant(null));
  const lines = fc.array(fc.record({ name, points: fc.array(fc.record({ x: fc.integer({ min: 0, max: 60 }), y: number }), { maxLength: 80 }) }), {
    maxLength: 9,
  });
  const bars = fc.array(fc.record({ name, values: fc.array(fc.double(), { maxLength: 30 }) }), { maxLength: 9 });
  fc.assert(
    fc.property(name, name, lines, (title, xLabel, series) => within(slackLineChart({ title, xLabel, yLabel: title, series }))),
    { numRuns: 200 },
  );
  fc.assert(
    fc.property(name, fc.array(name, { maxLength: 30 }), bars, (title, categories, series) =>
      within(slackBarChart({ title, xLabel: '', yLabel: '', categories, series })),
    ),
    { numRuns: 200 },
  );
});

test('a curve in one line of text', () => {
  expect(textSparkline(curve([0.61, 0.7, null, 0.74, 0.73]))).toBe('▁▆ █▇  0.61 → 0.73 (min 0.61, max 0.74)');
  expect(textSparkline(curve([null]))).toBe('no values');
  expect(textSparkline(curve(Array.from({ length: 500 }, (_, i) => i)))).toMatch(/^\S{20} {2}0 → 499/);
  expect(textSparkline(curve(Array.from({ length: 200_000 }, (_, i) => i)))).toMatch(/ \(min 0, max 200000\)$/);
});
