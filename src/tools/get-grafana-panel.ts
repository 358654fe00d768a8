import { z } from 'zod';
import { isDrawable } from '../charts/chart.ts';
import { lineChart } from '../charts/line-chart.ts';
import { FontMissing, renderPng } from '../charts/render-png.ts';
import { textSparkline } from '../charts/sparkline.ts';
import { chooseIndexes, extremes } from '../charts/thin.ts';
import { visible } from '../policy/outside-text.ts';
import type { Panel, Series } from '../services/grafana.ts';
import { type DashboardVariable, namedValues } from '../services/grafana-variables.ts';
import { UpstreamError } from '../services/http.ts';
import { checkDashboard } from './allowed.ts';
import { done, readTool, ToolError, type ToolImage } from './define-tool.ts';
import { cell, listed } from './markdown.ts';
import { rangeOf } from './time-range.ts';

const MOST_SERIES = 20;
const MOST_POINTS = 20;

const seriesSchema = z.object({
  name: z.string(),
  last: z.number().nullable(),
  min: z.number().nullable(),
  max: z.number().nullable(),
  mean: z.number().nullable(),
  points: z.array(z.object({ time: z.string(), value: z.number().nullable() })).optional(),
});

export const getGrafanaPanel = readTool({
  name: 'get_grafana_panel',
  title: 'Look at a Grafana panel',
  description:
    "A Grafana panel over a time range: each series' last, min, max, mean and thinned points, and a picture. " +
    'Use when a feature distribution, a latency or another live metric matters. Not for metrics of training runs (fetch_mlflow_run). ' +
    'from and to: now-6h, ISO time (UTC) or epoch ms.',
  input: z.strictObject({
    dashboard_uid: z.string().refine((uid) => /^[A-Za-z0-9_-]{1,64}$/.test(uid), 'a dashboard uid: letters, digits, _ and -'),
    panel_id: z.string().refine((id) => /^\d{1,9}$/.test(id), 'a panel id: digits'),
    from: z.string().default('now-6h'),
    to: z.string().default('now'),
    variables: z.record(z.string(), z.string().max(200)).optional(),
    format: z.enum(['image', 'data', 'both']).default('both'),
    width: z.number().int().min(200).max(2000).default(1000),
    height: z.number().int().min(150).max(1500).default(500),
  }),
  output: z.looseObject({
    title: z.string(),
    unit: z.string().optional(),
    panel_url: z.string(),
    from: z.string(),
    to: z.string(),
    series: z.array(seriesSchema),
    picture: z.enum(['grafana', 'own chart', 'none']),
  }),
  needs: ['grafana'],

  async run(asked, ctx) {
    const client = ctx.services.grafana;
    checkDashboard(asked.dashboard_uid, ctx.settings);
    const query = { uid: asked.dashboard_uid, panelId: Number(asked.panel_id), ...rangeOf(asked.from, asked.to, ctx.now()), variables: asked.variables };
    const { panels, variables } = await client.getDashboard(query.uid, ctx.signal);
    const panel = panels.find((p) => p.id === query.panelId);
    if (!panel) {
      const there = panels.map((p) => `${p.id} (${visible(p.title)})`).join(', ') || 'none';
      throw new ToolError('NO_SUCH_PANEL', `Dashboard ${query.uid} has no panel ${query.panelId}.`, `choose one of its panels: ${there}.`);
    }
    checkVariables(asked.variables ?? {}, variables);

    const notes: string[] = [];
    const wantsPicture = asked.format !== 'data';
    const drawn = wantsPicture ? await orNote(client.renderPanel({ ...query, width: asked.width, height: asked.height }, ctx.signal), notes) : null;
    // The numbers are what can be reasoned about; without a renderer they are also what the picture is made of.
    const series = asked.format === 'image' && drawn ? [] : await dataOf(client.queryPanel(query, ctx.signal), drawn !== null, notes);
    const own = wantsPicture && !drawn ? await ownChart(panel, series, asked.width, notes) : null;

    const image = drawn ?? own;
    const alt = `${panel.title}, ${span(iso(query.from), iso(query.to))}`;
    const images: ToolImage[] = image ? [{ data: image, mediaType: 'image/png', alt: visible(alt) }] : [];
    const url = client.panelUrl(query);
    const shown = series.slice(0, MOST_SERIES);
    const data = {
      title: panel.title,
      ...(panel.unit ? { unit: panel.unit } : {}),
      panel_url: url,
      from: iso(query.from),
      to: iso(query.to),
      series: shown.map((s) => ({ ...summary(s), ...(asked.format === 'image' ? {} : { points: pointsOf(s) }) })),
      omitted: series.length - shown.length,
      picture: drawn ? ('grafana' as const) : own ? ('own chart' as const) : ('none' as const),
      notes,
    };
    return done(textOf(panel, data, shown), data, images);
  },
});

/**
 * A value becomes part of a query that nobody is asked about, and where it stands there, in quotes or not, is the dashboard's. So it is one that the dashboard names, or
 * else a single plain word: nothing in it can end a string or begin a comment, and no language makes more of it than a name or arithmetic.
 */
function checkVariables(chosen: Record<string, string>, variables: readonly DashboardVariable[]): void {
  for (const [name, value] of Object.entries(chosen)) {
    const variable = variables.find((v) => v.name === name);
    if (!variable) {
      const there = listed(variables.map((v) => v.name));
      throw new ToolError('NO_SUCH_VARIABLE', `The dashboard has no variable ${cell(name)}.`, `choose of its variables: ${there}.`);
    }
    const { values, only } = namedValues(variable);
    if (values.includes(value)) continue;
    if (only) throw new ToolError('NO_SUCH_VALUE', `The variable ${name} has no value ${cell(value)}.`, `choose one of its values: ${listed(values)}.`);
    if (!/^[\p{L}\p{N}_.:/-]*$/u.test(value) || /--|\/\/|^[-/]|[-/]$/.test(value))
      throw new ToolError(
        'UNSAFE_VALUE',
        `The dashboard does not name the value ${cell(value)} of ${name}, so it may hold letters, digits and single _ . : / - only, with no / or - at either end: it becomes part of a query.`,
        `choose such a value${values.length > 0 ? `, or one that the dashboard names: ${listed(values)}` : ''}; or leave ${name} out.`,
      );
  }
}

/** "2026-11-22 06:00 to 12:00 UTC"; the exact times stand in the data. */
function span(from: string, to: string): string {
  const [day, until] = [from.slice(0, 10), to.slice(0, 10)];
  return `${day} ${from.slice(11, 16)} to ${day === until ? '' : `${until} `}${to.slice(11, 16)} UTC`;
}

/** A picture that can't be had is no reason to keep the numbers back. */
async function orNote(picture: Promise<Uint8Array | null>, notes: string[]): Promise<Uint8Array | null> {
  try {
    return await picture;
  } catch (error) {
    if (!(error instanceof UpstreamError)) throw error;
    notes.push(error.message);
    return null;
  }
}

async function dataOf(data: Promise<Series[]>, hasPicture: boolean, notes: string[]): Promise<Series[]> {
  try {
    const series = await data;
    if (series.length === 0) notes.push('The panel has no data over time in this range.');
    return series;
  } catch (error) {
    if (!hasPicture || !(error instanceof UpstreamError)) throw error;
    notes.push(error.message);
    return [];
  }
}

async function ownChart(panel: Panel, series: readonly Series[], width: number, notes: string[]): Promise<Uint8Array | null> {
  if (!series.some((s) => s.points.some((p) => isDrawable(p.value)))) return null;
  const lines = series.slice(0, MOST_SERIES).map((s) => ({ name: s.name, points: s.points.map((p) => ({ x: p.time, y: p.value })) }));
  try {
    const picture = await renderPng(lineChart({ title: panel.title, xLabel: 'time', yLabel: panel.unit ?? 'value', x: 'time', series: lines }), { width });
    notes.push("Grafana drew no picture, so this one is labmate's own chart of the panel's data.");
    return picture;
  } catch (error) {
    if (!(error instanceof FontMissing)) throw error;
    notes.push(error.message);
    return null;
  }
}

function summary({ name, points }: Series): z.output<typeof seriesSchema> {
  const values = points.map((p) => p.value).filter(isDrawable);
  if (values.length === 0) return { name, last: null, min: null, max: null, mean: null };
  const [min, max] = values.reduce(([low, high], v) => [Math.min(low, v), Math.max(high, v)], [Infinity, -Infinity]);
  return { name, last: values.at(-1) ?? null, min, max, mean: values.reduce((sum, v) => sum + v, 0) / values.length };
}

function pointsOf({ points }: Series): { time: string; value: number | null }[] {
  const keep = extremes(points.map((p) => p.value));
  return chooseIndexes(points.length, MOST_POINTS, keep).flatMap((i) => {
    const point = points[i];
    return point ? [{ time: iso(point.time), value: point.value }] : [];
  });
}

function textOf(panel: Panel, data: { panel_url: string; from: string; to: string; omitted: number; notes: string[] }, series: readonly Series[]): string {
  const unit = panel.unit ? ` (${panel.unit})` : '';
  const lines = series.map((s) => {
    const { mean } = summary(s);
    return `- ${s.name}: ${textSparkline(s.points.map((p) => ({ x: p.time, y: p.value })))}${mean === null ? '' : `, mean ${Number(mean.toPrecision(6))}`}`;
  });
  const more = data.omitted > 0 ? [`${data.omitted} more series are left out.`] : [];
  return visible([`${panel.title}${unit}, ${span(data.from, data.to)}`, ...lines, ...more, ...data.notes, data.panel_url].join('\n'));
}

function iso(time: number): string {
  return new Date(time).toISOString();
}
