import { z } from 'zod';
import { slackBarChart } from '../../charts/slack-chart.ts';
import { cut, plain } from '../../policy/outside-text.ts';
import type { Block } from '../../services/slack.ts';
import { fallback, fitted } from './limits.ts';
import { bold, bullets, context, link, type Para, para, rich, t } from './rich.ts';

const figure = z.union([z.number(), z.string()]).nullable();
const side = z.object({ run_id: z.string(), name: z.string().catch(''), url: z.string().catch('') });

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
  warnings: z.array(z.string()).catch([]),
});
export type Shown = z.infer<typeof comparisonSchema>;

const WORDS = { improved: 'Improved', regressed: 'Regressed', within_threshold: 'Not enough of a difference', inconclusive: 'No verdict' } as const;
const ROWS = 15;

/** The verdict of a comparison: the sentence, the figures as a table, both readings of a percentage, and the primary metric as Slack's own chart. */
export function verdictMessage(c: Shown): { text: string; blocks: Block[] } {
  const { primary } = c;
  const title = primary ? `${WORDS[primary.verdict]}: ${primary.metric}` : 'Compared';
  const reason = primary?.verdict_reason ?? 'No metric was named, so there is no verdict.';
  const paras: Para[] = [
    para(bold(title)),
    para(t(reason)),
    ...readings(c),
    para(t('Candidate '), link(c.candidate.url, nameOf(c.candidate)), t(' against baseline '), link(c.baseline.url, nameOf(c.baseline))),
  ];
  const chart = primary ? chartOf(primary.metric, primary.baseline, primary.candidate) : null;
  const blocks: Block[] = [
    rich(...paras),
    ...(c.metrics.length > 0 ? [table(c.metrics.slice(0, ROWS))] : []),
    ...(c.metrics.length > ROWS ? [context(`${c.metrics.length - ROWS} more metrics in the record.`)] : []),
    ...(chart ? [chart] : []),
    ...(c.warnings.length > 0 ? [rich(para(bold('What a careful reader would object')), bullets(c.warnings.slice(0, 8).map((w) => [t(w)])))] : []),
  ];
  const lines = c.metrics
    .slice(0, ROWS)
    .map((m) => `${m.key}: ${show(m.baseline)} → ${show(m.candidate)}${m.delta_pct === null ? '' : ` (${percent(m.delta_pct)})`}`);
  return { text: fallback(title, reason, ...lines), blocks: fitted(blocks) };
}

function readings(c: Shown): Para[] {
  const r = c.primary?.readings;
  if (!r?.relative || !r.points) return [];
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

/** Slack's native chart of the primary metric; null where one of the two figures cannot be drawn. */
function chartOf(metric: string, baseline: unknown, candidate: unknown): Block | null {
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
