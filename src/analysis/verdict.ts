import type { Direction } from './direction.ts';
import { differsByMore, figure, isUsable, minus, signed } from './numbers.ts';

/** `relative` and `points` are in percent and percentage points: 1 means 1 %. `absolute` is in the metric's own unit. */
export type Threshold = { value: number; kind: 'relative' | 'absolute' | 'points' };
export type Verdict = 'improved' | 'regressed' | 'within_threshold' | 'inconclusive';

type Decided = Exclude<Verdict, 'inconclusive'>;

export type Readings = {
  relative: { delta_pct: number; verdict: Verdict } | null;
  points: { delta_points: number; verdict: Verdict } | null;
  used: Threshold['kind'] | null;
};

export type Ruling = {
  verdict: Verdict;
  reason: string;
  delta: number | null;
  delta_pct: number | null;
  delta_points: number | null;
  readings: Readings;
  disagree: boolean;
};

export type Question = {
  metric: string;
  /** Null: the run does not have it. */
  baseline: number | null;
  candidate: number | null;
  direction: Direction | null;
  threshold: Threshold | null;
  /** Who chose the reading of the threshold, in words. */
  readingFrom?: string;
};

/** Rules whether a metric improved by more than a threshold: strictly more, on the unrounded numbers as they were logged, and by both readings of a percentage. */
export function verdict(q: Question): Ruling {
  const none: Ruling = {
    verdict: 'inconclusive',
    reason: '',
    delta: null,
    delta_pct: null,
    delta_points: null,
    readings: { relative: null, points: null, used: null },
    disagree: false,
  };
  const { metric, baseline, candidate, direction, threshold } = q;
  if (baseline === null || candidate === null) {
    const who = baseline === null && candidate === null ? 'neither run has' : baseline === null ? 'the baseline does not have' : 'the candidate does not have';
    return { ...none, reason: `There is nothing to compare: ${who} ${metric}.` };
  }
  if (!isUsable(baseline) || !isUsable(candidate))
    return { ...none, reason: `${metric} is ${figure(candidate)} against ${figure(baseline)}: only finite numbers can be compared.` };

  const delta = minus(candidate, baseline);
  const deltaPct = baseline > 0 ? (delta / baseline) * 100 : null;
  const scale = pointsScale(metric, baseline, candidate);
  const deltaPoints = scale === null ? null : delta * scale;
  const by = (kind: Threshold['kind'], value: number): Decided => ruleBy(kind, value, baseline, candidate, scale, direction as Direction);
  const percentage = threshold && threshold.kind !== 'absolute' && direction ? threshold.value : null;
  const readings: Readings = {
    relative: deltaPct === null ? null : { delta_pct: deltaPct, verdict: percentage === null ? 'inconclusive' : by('relative', percentage) },
    points: deltaPoints === null ? null : { delta_points: deltaPoints, verdict: percentage === null ? 'inconclusive' : by('points', percentage) },
    used: threshold?.kind ?? null,
  };
  const disagree = percentage !== null && readings.relative !== null && readings.points !== null && readings.relative.verdict !== readings.points.verdict;
  const ruling = { delta, delta_pct: deltaPct, delta_points: deltaPoints, readings, disagree };

  const change = inWords(metric, baseline, candidate, delta, deltaPct, deltaPoints);
  if (!direction) return { ...ruling, verdict: 'inconclusive', reason: `${change}. Whether higher or lower is better for ${metric} is not known.` };
  const better = delta === 0 ? 'unchanged' : delta > 0 === (direction === 'max') ? 'better' : 'worse';
  if (!threshold) return { ...ruling, verdict: 'inconclusive', reason: `${change}, which is ${better}; no threshold says whether that is enough.` };
  if (threshold.kind === 'relative' && deltaPct === null) {
    return {
      ...ruling,
      verdict: 'inconclusive',
      reason: `${change}. The baseline is ${baseline === 0 ? '0' : 'negative'}, so a relative change means nothing; judge it by an absolute threshold.`,
    };
  }
  if (threshold.kind === 'points' && deltaPoints === null) {
    return {
      ...ruling,
      verdict: 'inconclusive',
      reason: `${change}. ${metric} is not a share between 0 and 1, so percentage points mean nothing; judge it relatively or by an absolute threshold.`,
    };
  }
  const decided = by(threshold.kind, threshold.value);
  const limit = thresholdInWords(threshold) + (q.readingFrom ? ` (${q.readingFrom})` : '');
  const says = { improved: `better by more than ${limit}`, regressed: `worse by more than ${limit}`, within_threshold: `${better}, not by more than ${limit}` };
  return { ...ruling, verdict: decided, reason: `${change}: ${says[decided]}.` };
}

/** 1 % relative, 1 percentage point, 0.01 in its own unit. */
export function thresholdInWords({ value, kind }: Threshold): string {
  if (kind === 'relative') return `${figure(value)} % relative`;
  return kind === 'points' ? `${figure(value)} percentage ${value === 1 ? 'point' : 'points'}` : `${figure(value)} absolute`;
}

/** Only for readings that mean something: a positive baseline for `relative`, a scale for `points`. */
function ruleBy(kind: Threshold['kind'], value: number, baseline: number, candidate: number, scale: number | null, direction: Direction): Decided {
  const [better, worse] = direction === 'max' ? [candidate, baseline] : [baseline, candidate];
  const factor = kind === 'relative' ? 100 : kind === 'points' ? (scale as number) : 1;
  const unit = kind === 'relative' ? baseline : 1;
  if (differsByMore(better, worse, factor, value, unit)) return 'improved';
  return differsByMore(worse, better, factor, value, unit) ? 'regressed' : 'within_threshold';
}

/** What one of a metric's units is in percentage points: 100 for shares of one, 1 where it is logged in percent already, null where points mean nothing. */
function pointsScale(metric: string, a: number, b: number): 100 | 1 | null {
  const within = (top: number) => a >= 0 && b >= 0 && a <= top && b <= top;
  if (/(^|[^a-z])(pct|percent|percentage)([^a-z]|$)/i.test(metric)) return 1;
  if (within(1)) return 100;
  return within(100) && /(^|[^a-z])(f1|acc|accuracy|auc|auroc|precision|recall|iou|dice|map|ndcg|bleu)([^a-z0-9]|$)/i.test(metric) ? 1 : null;
}

function inWords(metric: string, baseline: number, candidate: number, delta: number, pct: number | null, points: number | null): string {
  const parts = [signed(delta), ...(pct === null ? [] : [`${signed(pct)} % relative`]), ...(points === null ? [] : [`${signed(points)} percentage points`])];
  return `${metric} ${figure(candidate)} against ${figure(baseline)} (${parts.join(', ')})`;
}
