import { z } from 'zod';
import { noiseInWords } from '../../analysis/noise.ts';
import { thresholdInWords } from '../../analysis/verdict.ts';
import type { LineChart } from '../../charts/chart.ts';
import { slackBarChart, slackLineChart } from '../../charts/slack-chart.ts';
import { textSparkline } from '../../charts/sparkline.ts';
import { cut, plain } from '../../policy/outside-text.ts';
import type { Block } from '../../services/slack.ts';
import { fallback, fitted } from './limits.ts';
import { bold, bullets, context, link, type Para, para, rich, t } from './rich.ts';
import { escaped } from './training.ts';

const figure = z.union([z.number(), z.string()]).nullable();
const side = z.object({ run_id: z.string(), name: z.string().catch(''), url: z.string().catch('') });

const points = z.array(z.tuple([z.number(), z.union([z.number(), z.string()])]));

/** What the thread shows of a comparison; the rest of it is in the record. */
export const comparisonSchema = z.object({
  baseline: side,
  candidate: side,
  primary: z
    .object({
      metric: z.string(),
      baseline: figure,
      candidate: figure,
      delta: figure.catch(null),
      delta_pct: figure.catch(null),
      verdict: z.enum(['improved', 'regressed', 'within_threshold', 'inconclusive']),
      verdict_reason: z.string(),
      threshold: z
        .object({ value: z.number(), kind: z.enum(['relative', 'points', 'absolute']) })
        .nullable()
        .catch(null),
      delta_points: z.number().optional().catch(undefined),
      readings_disagree: z.boolean().catch(false),
      readings: z
        .object({
          relative: z.object({ delta_pct: z.number(), verdict: z.string() }).nullable(),
          points: z.object({ delta_points: z.number(), verdict: z.string() }).nullable(),
          used: z.string().nullable(),
        })
        .optional(),
    })
    .nullable(),
  metrics: z
    .array(
      z.object({ key: z.string(), baseline: figure, candidate: figure, delta: figure.catch(null), delta_pct: figure.catch(null), flag: z.string().catch('') }),
    )
    .catch([]),
  noise: z.object({ note: z.string(), figures: z.string().optional() }).optional().catch(undefined),
  warnings: z.array(z.string()).catch([]),
  /** What is to be known of the runs themselves. */
  notes: z.array(z.string()).optional().catch(undefined),
  /** The primary metric over the steps, thinned: [step, value]. */
  curve: z.object({ metric: z.string(), baseline: points, candidate: points }).optional().catch(undefined),
});
export type Shown = z.infer<typeof comparisonSchema>;

const WORDS = { improved: 'Improved', regressed: 'Regressed', within_threshold: 'Not enough of a difference', inconclusive: 'No verdict' } as const;
const EMOJI = { improved: '📈', regressed: '📉', within_threshold: '⚖️', inconclusive: '❔' } as const;
const ROWS = 15;

/** The verdict of a comparison: the sentence, the figures as a table, both readings of a percentage where they disagree, and the primary metric as Slack's own chart. */
export function verdictMessage(c: Shown): { text: string; blocks: Block[] } {
  const { primary } = c;
  const title = headline(c);
  const caveats = [...c.warnings.slice(0, 8), ...(c.notes ?? []).slice(0, 4)];
  const chance = c.noise ? noiseInWords(c.noise, c.warnings) : '';
  const reason = primary?.verdict_reason ?? 'No metric was named, so there is no verdict.';
  const paras: Para[] = [
    para(bold(title)),
    para(t(reason)),
    ...readings(c),
    para(t('Candidate '), link(c.candidate.url, nameOf(c.candidate)), t(' against baseline '), link(c.baseline.url, nameOf(c.baseline))),
  ];
  const curves = curveChart(c);
  const chart = (curves && slackLineChart(escaped(curves))) ?? (primary ? barsOf(primary.metric, primary.baseline, primary.candidate) : null);
  const blocks: Block[] = [
    rich(...paras),
    ...(c.metrics.length > 0 ? [table(c.metrics.slice(0, ROWS))] : []),
    ...(c.metrics.length > ROWS ? [context(`${c.metrics.length - ROWS} more metrics in the record.`)] : []),
    ...(chart ? [chart] : []),
    ...(chance ? [rich(para(bold('Noise: '), t(chance)))] : []),
    ...(caveats.length > 0 ? [rich(para(bold('What a careful reader would object')), bullets(caveats.map((w) => [t(w)])))] : []),
  ];
  const lines = c.metrics
    .slice(0, ROWS)
    .map((m) => `${m.key}: ${show(m.baseline)} → ${show(m.candidate)}${m.delta_pct === null ? '' : ` (${percent(m.delta_pct)})`}`);
  const sparks = curves?.series.map((s) => `${s.name}: ${textSparkline(s.points)}`) ?? [];
  return { text: fallback(title, reason, ...lines, ...sparks), blocks: fitted(blocks) };
}

/** What a reader who reads one line must know: the verdict, by how much, what was asked for, and whether anything is to be objected. */
function headline({ primary, warnings }: Shown): string {
  const count = warnings.length === 0 ? '' : ` · ${warnings.length} ${warnings.length === 1 ? 'warning' : 'warnings'} below`;
  if (!primary) return `Compared${count}`;
  const { verdict, metric, threshold } = primary;
  const change = changeAsAsked(primary);
  const asked = threshold ? `asked for: more than ${thresholdInWords(threshold)}` : '';
  const details = [change, asked].filter(Boolean).join(', ');
  return `${EMOJI[verdict]} ${WORDS[verdict]}: ${metric}${details ? ` ${details}` : ''}${count}`;
}

/** The change in the terms of the threshold: a percentage point is no per cent. */
function changeAsAsked({ delta, delta_pct, delta_points, threshold }: NonNullable<Shown['primary']>): string {
  if (threshold?.kind === 'points' && delta_points !== undefined) return `${signed(delta_points)} percentage points`;
  if (threshold?.kind === 'absolute' || delta_pct === null) return typeof delta === 'number' ? signed(delta) : '';
  return percent(delta_pct);
}

/** Each reading with its own verdict, where that is not the same; else the reason has both figures already. */
function readings(c: Shown): Para[] {
  const r = c.primary?.readings;
  if (!r?.relative || !r.points || !c.primary?.readings_disagree) return [];
  const used = (kind: string) => (r.used === kind ? ' (this reading was used)' : '');
  return [
    bullets([
      [t(`As a relative change: ${percent(r.relative.delta_pct)}, ${spoken(r.relative.verdict)}${used('relative')}`)],
      [t(`In percentage points: ${signed(r.points.delta_points)}, ${spoken(r.points.verdict)}${used('points')}`)],
    ]),
  ];
}

function table(metrics: Shown['metrics']): Block {
  const cell = (text: string) => ({ type: 'raw_text', text: cut(plain(text), 120) || ' ' });
  const rows = metrics.map((m) => [m.key, show(m.baseline), show(m.candidate), m.delta_pct === null ? show(m.delta) : percent(m.delta_pct), spoken(m.flag)]);
  return {
    type: 'table',
    column_settings: [{ is_wrapped: true }, { align: 'right' }, { align: 'right' }, { align: 'right' }, {}],
    rows: [['Metric', 'Baseline', 'Candidate', 'Change', ''], ...rows].map((row) => row.map(cell)),
  };
}

/** Both runs' curves of the primary metric, for Slack and for a picture; null where fewer than two points of a run are known. */
export function curveChart({ curve }: Pick<Shown, 'curve'>): LineChart | null {
  if (!curve || curve.baseline.length < 2 || curve.candidate.length < 2) return null;
  const line = (kind: 'candidate' | 'baseline') => ({
    name: kind,
    points: curve[kind].map(([x, y]) => ({ x, y: typeof y === 'number' ? y : null })),
  });
  return {
    title: `${curve.metric}: candidate and baseline`,
    xLabel: 'step',
    yLabel: curve.metric,
    series: [line('candidate'), line('baseline')],
  };
}

/** The last values as bars, where there are no curves; null where one of the two cannot be drawn. */
function barsOf(metric: string, baseline: unknown, candidate: unknown): Block | null {
  const number = (value: unknown) => (typeof value === 'number' ? value : Number.NaN);
  // Escaped like all text, and cut here, because a chart's own limits know nothing of escapes.
  const name = cut(plain(metric), 20);
  return slackBarChart({
    title: `${name}: baseline and candidate`,
    xLabel: '',
    yLabel: name,
    categories: ['baseline', 'candidate'],
    series: [{ name, values: [number(baseline), number(candidate)] }],
  });
}

function nameOf(side: Shown['baseline']): string {
  return side.name ? `${side.name} (${side.run_id.slice(0, 8)})` : side.run_id.slice(0, 12);
}

function spoken(word: string): string {
  return word.replaceAll('_', ' ');
}

function show(value: number | string | null): string {
  if (value === null) return 'none';
  return typeof value === 'number' ? String(Number(value.toPrecision(6))) : value;
}

function signed(value: number): string {
  return `${value > 0 ? '+' : ''}${Number(value.toPrecision(4))}`;
}

function percent(value: number | string): string {
  return typeof value === 'number' ? `${signed(value)} %` : value;
}
