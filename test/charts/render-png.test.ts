import { expect, test } from 'vitest';
import { lineChart } from '../../src/charts/line-chart.ts';
import { FontMissing, renderPng } from '../../src/charts/render-png.ts';
import { count, readPng } from './read-png.ts';

const series = [
  { name: 'baseline', points: [0.5, 0.6, 0.65].map((y, i) => ({ x: i + 1, y })) },
  { name: 'candidate', points: [0.52, Number.NaN, 0.7].map((y, i) => ({ x: i + 1, y })) },
];
const chart = (title: string, xLabel = 'epoch') => lineChart({ title, xLabel, yLabel: 'val_f1', series });
const dark = ([r, g, b]: readonly [number, number, number]) => r + g + b < 200;

test('a chart is a PNG with its lines and its words', async () => {
  const pixels = readPng(await renderPng(chart('val_f1 by epoch')));
  expect(pixels.width).toBe(1440);
  const blue = count(pixels, {}, ([r, g, b]) => r < 40 && g > 90 && g < 140 && b > 150);
  const orange = count(pixels, {}, ([r, g, b]) => r > 190 && g > 70 && g < 120 && b < 40);
  expect(blue).toBeGreaterThan(1000);
  expect(orange).toBeGreaterThan(200);
  // Nothing above the plot is dark but the title, so what is dark there is its letters.
  const letters = count(pixels, { y1: 70 }, dark);
  expect(letters).toBeGreaterThan(300);
  const shorter = readPng(await renderPng(chart('val')));
  expect(count(shorter, { y1: 70 }, dark)).toBeLessThan(letters / 2);
});

test('without any font there is a clear error, not a chart that lost its words', async () => {
  await expect(renderPng(chart('val_f1'), { systemFonts: false })).rejects.toThrow(FontMissing);
});

test('words from outside are drawn as words, whatever they contain', async () => {
  const odd = lineChart({ title: '<svg onload=x> & {"signal": "now()"} '.repeat(9), xLabel: 'a\u202eb\n', yLabel: '', series: [{ name: '', points: [] }] });
  expect(readPng(await renderPng(odd)).width).toBe(1440);
});

test('a long curve is thinned, and its peak is still in it', () => {
  const points = Array.from({ length: 5000 }, (_, i) => ({ x: i, y: i === 3333 ? 9 : 1 }));
  const { data } = lineChart({ title: 't', xLabel: 'x', yLabel: 'y', series: [{ name: 'a', points }] }) as { data: { values: { x: number; y: number }[] } };
  expect(data.values).toHaveLength(800);
  expect([data.values[0]!.x, data.values.at(-1)!.x, Math.max(...data.values.map((v) => v.y))]).toEqual([0, 4999, 9]);
});
