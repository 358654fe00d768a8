import { type Direction, scaleFromName } from './direction.ts';
import { differsByMore, figure, isUsable, minus, percent, signed } from './numbers.ts';

/** `relative` and `points` are in percent and percentage points: 1 means 1 %. `absolute` is in the metric's own unit. */
export type Threshold = { value: number; kind: 'relative' | 'absolute' | 'points' };
export const VERDICTS = ['improved', 'regressed', 'within_threshold', 'inconclusive'] as const;
export type Verdict = (typeof VERDICTS)[number];

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
      reason: `${change}. ${metric} is not a share of anything, so percentage points mean nothing; judge it relatively or by an absolute threshold.`,
    };
  }
  const decided = by(threshold.kind, threshold.value);
  const limit = thresholdInWords(threshold) + (q.readingFrom ? ` (${q.readingFrom})` : '');
  const says = {
    improved: `better by more than ${limit}`,
    regressed: `worse by more than ${limit}`,
    within_threshold: delta === 0 ? `unchanged, and more than ${limit} was asked for` : `${better}, not by more than ${limit}`,
  };
  return { ...ruling, verdict: decided, reason: `${change}: ${says[decided]}.` };
}

/** A verdict as people read it, in the middle of a sentence. */
export function verdictInWords(found: Verdict): string {
  return { improved: 'improved', regressed: 'regressed', within_threshold: 'not enough of a difference', inconclusive: 'no verdict' }[found];
}

/** A verdict at the head of a message: with its sign, and a capital letter. */
export function verdictTitle(found: Verdict): { sign: string; words: string } {
  const words = verdictInWords(found);
  return { sign: { improved: '📈', regressed: '📉', within_threshold: '⚖️', inconclusive: '❔' }[found], words: words.charAt(0).toUpperCase() + words.slice(1) };
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
  const scale = scaleFromName(metric);
  if (scale === 'percent') return 1;
  if (scale === 'loss') return null;
  if (within(1)) return 100;
  return scale === 'share' && within(100) ? 1 : null;
}

function inWords(metric: string, baseline: number, candidate: number, delta: number, pct: number | null, points: number | null): string {
  const parts = [signed(delta), ...(pct === null ? [] : [`${percent(pct)} relative`]), ...(points === null ? [] : [`${signed(points)} percentage points`])];
  return `${metric} ${figure(candidate)} against ${figure(baseline)} (${parts.join(', ')})`;
}
