import type { LineChart } from '../charts/chart.ts';
import { lineChart } from '../charts/line-chart.ts';
import { FontMissing, type RenderOptions, renderPng } from '../charts/render-png.ts';
import { comparisons, type Ranked, rankings } from '../session/findings.ts';
import type { Session } from '../session/state.ts';

export type Curve = {
  /** A vega-lite spec, readable and drawn anywhere. */
  json: string;
  /** Null where it would have no words. */
  png: Uint8Array | null;
  alt: string;
  /** Why there is no picture. */
  missing: string | null;
};

/** The curves that a pull request shows: of the last comparison, else of the last runs that were waited for together. Null: there are none. */
export async function curveOf(session: Session, options: RenderOptions = {}): Promise<Curve | null> {
  const chart = compared(session) ?? rankedTogether(session);
  if (!chart) return null;
  const spec = lineChart(chart);
  const common = { json: `${JSON.stringify(spec, null, 2)}\n`, alt: `${chart.title}, over the steps` };
  try {
    return { ...common, png: await renderPng(spec, options), missing: null };
  } catch (error) {
    if (!(error instanceof FontMissing)) throw error;
    return { ...common, png: null, missing: 'no font is installed where labmate runs. Its data is in chart.json.' };
  }
}

function compared(session: Session): LineChart | null {
  const curve = comparisons(session).findLast((found) => found.curve)?.curve;
  if (!curve || curve.candidate.length < 2 || curve.baseline.length < 2) return null;
  const series = (['candidate', 'baseline'] as const).map((name) => ({ name, points: pointsOf(curve[name]) }));
  return { title: `${curve.metric}: candidate and baseline`, xLabel: 'step', yLabel: curve.metric, series };
}

function rankedTogether(session: Session): LineChart | null {
  const last = rankings(session).at(-1);
  const drawn = (last?.curves ?? []).filter((c) => c.points.length > 1);
  if (!last || drawn.length === 0) return null;
  const series = drawn.map((c) => ({ name: c.name, points: pointsOf(c.points) }));
  return { title: `${last.metric}: ${series.length} runs`, xLabel: 'step', yLabel: last.metric, series };
}

function pointsOf(list: Ranked['curves'][number]['points']) {
  return list.map(([x, y]) => ({ x, y: typeof y === 'number' ? y : null }));
}
