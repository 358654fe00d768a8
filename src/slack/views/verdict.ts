import { noiseInWords } from '../../analysis/noise.ts';
import { figure, percent, signed } from '../../analysis/numbers.ts';
import { thresholdInWords, verdictInWords, verdictTitle } from '../../analysis/verdict.ts';
import type { LineChart } from '../../charts/chart.ts';
import { slackBarChart, slackLineChart } from '../../charts/slack-chart.ts';
import { textSparkline } from '../../charts/sparkline.ts';
import { cut, plain } from '../../policy/outside-text.ts';
import type { Block } from '../../services/slack.ts';
import type { Compared } from '../../session/findings.ts';
import { fallback, fitted } from './limits.ts';
import { bold, bullets, context, link, type Para, para, rich, t } from './rich.ts';
import { escaped } from './training.ts';

const ROWS = 15;

/** The verdict of a comparison: the sentence, the figures as a table, both readings of a percentage where they disagree, and the primary metric as Slack's own chart. */
export function verdictMessage(c: Compared): { text: string; blocks: Block[] } {
  const { primary } = c;
  const title = headline(c);
  const caveats = c.warnings.slice(0, 8);
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
    ...(caveats.length > 0 ? [rich(para(bold('What a careful reader would object to')), bullets(caveats.map((w) => [t(w)])))] : []),
    // Which MLflow run a Databricks run was taken for is no objection.
    ...c.notes.slice(0, 4).map((note) => context(note)),
  ];
  const lines = c.metrics
    .slice(0, ROWS)
    .map((m) => `${m.key}: ${figure(m.baseline)} → ${figure(m.candidate)}${m.delta_pct === null ? '' : ` (${percent(m.delta_pct)})`}`);
  const sparks = curves?.series.map((s) => `${s.name}: ${textSparkline(s.points)}`) ?? [];
  return { text: fallback(title, reason, ...lines, ...sparks), blocks: fitted(blocks) };
}

/** What a reader who reads one line must know: the verdict, by how much, what was asked for, and whether anything is to be objected. */
function headline({ primary, warnings }: Compared): string {
  const count = warnings.length === 0 ? '' : ` · ${warnings.length} ${warnings.length === 1 ? 'warning' : 'warnings'} below`;
  if (!primary) return `Compared${count}`;
  const { verdict, metric, threshold } = primary;
  const change = noFigure(primary) ?? changeAsAsked(primary);
  const asked = threshold ? `asked for: more than ${thresholdInWords(threshold)}` : '';
  const { sign, words } = verdictTitle(verdict);
  return `${sign} ${words}: ${[`${metric} ${change}`.trim(), asked].filter(Boolean).join(noFigure(primary) ? '; ' : ', ')}${count}`;
}

/** What keeps a metric from being compared at all. */
function noFigure({ baseline, candidate }: NonNullable<Compared['primary']>): string | null {
  const sides = Object.entries({ candidate, baseline });
  const missing = sides.filter(([, value]) => value === null).map(([role]) => role);
  if (missing.length > 0) return missing.length > 1 ? 'is in neither run' : `is missing in the ${missing[0]}`;
  const odd = sides.filter(([, value]) => typeof value === 'string');
  return odd.length > 0 ? `is ${odd.map(([role, value]) => `${value} in the ${role}`).join(' and ')}` : null;
}

/** The change in the terms of the threshold: a percentage point is no per cent. */
function changeAsAsked({ delta, delta_pct, delta_points, threshold }: NonNullable<Compared['primary']>): string {
  if (threshold?.kind === 'points' && delta_points !== undefined) return `${signed(delta_points)} percentage points`;
  if (threshold?.kind === 'absolute' || delta_pct === null) return delta === null ? '' : signed(delta);
  return percent(delta_pct);
}

/** Each reading with its own verdict, where that is not the same; else the reason has both figures already. */
function readings(c: Compared): Para[] {
  const r = c.primary?.readings;
  if (!r?.relative || !r.points || !c.primary?.readings_disagree) return [];
  const used = (kind: string) => (r.used === kind ? ' (this reading was used)' : '');
  return [
    bullets([
      [t(`As a relative change: ${percent(r.relative.delta_pct)}, ${verdictInWords(r.relative.verdict)}${used('relative')}`)],
      [t(`In percentage points: ${signed(r.points.delta_points)}, ${verdictInWords(r.points.verdict)}${used('points')}`)],
    ]),
  ];
}

function table(metrics: Compared['metrics']): Block {
  const cell = (text: string) => ({ type: 'raw_text', text: cut(plain(text), 120) || ' ' });
  const change = ({ delta, delta_pct }: Compared['metrics'][number]) => (delta_pct !== null ? percent(delta_pct) : delta === null ? 'none' : signed(delta));
  const rows = metrics.map((m) => [m.key, figure(m.baseline), figure(m.candidate), change(m), m.flag.replaceAll('_', ' ')]);
  return {
    type: 'table',
    column_settings: [{ is_wrapped: true }, { align: 'right' }, { align: 'right' }, { align: 'right' }, {}],
    rows: [['Metric', 'Baseline', 'Candidate', 'Change', ''], ...rows].map((row) => row.map(cell)),
  };
}

/** Both runs' curves of the primary metric, for Slack and for a picture; null where fewer than two points of a run are known. */
export function curveChart({ curve }: Pick<Compared, 'curve'>): LineChart | null {
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

function nameOf(side: Compared['baseline']): string {
  return side.name ? `${side.name} (${side.run_id.slice(0, 8)})` : side.run_id.slice(0, 12);
}
