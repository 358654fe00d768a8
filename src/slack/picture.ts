import type { LineChart } from '../charts/chart.ts';
import { lineChart } from '../charts/line-chart.ts';
import { FontMissing, renderPng } from '../charts/render-png.ts';
import { textSparkline } from '../charts/sparkline.ts';

/**
 * A chart as a file for a thread. Where no font is installed a picture would lose its words, so the curves go as text, with the reason.
 */
export async function pictureOf(chart: LineChart, name: string): Promise<{ name: string; data: Uint8Array }> {
  try {
    return { name, data: await renderPng(lineChart(chart)) };
  } catch (error) {
    if (!(error instanceof FontMissing)) throw error;
    const curves = chart.series.map((s) => `${s.name}: ${textSparkline(s.points)}`);
    return { name: name.replace(/\.png$/, '.txt'), data: new TextEncoder().encode([chart.title, ...curves, '', error.message, ''].join('\n')) };
  }
}
