import { figure, isUsable } from './numbers.ts';
import type { Point } from './run.ts';

/** A metric's whole course, by step. For a loss: lower is better. */
export type Course = { metric: string; points: readonly Point[] };
export type Trend = 'converging' | 'diverging' | 'plateaued' | 'unclear';

export type Diagnosis = {
  trend: Trend;
  /** Null: there is no validation loss to tell by, or too little of it. */
  overfit: boolean | null;
  non_finite: { metric: string; first_step: number; count: number }[];
  /** The figures that it rests on, as sentences. */
  evidence: string[];
};

/** With fewer values than this a trend is a guess. */
const FEWEST = 5;
/** Less than this share of everything that moved is standing still. */
const STILL = 0.01;
/** Gives back more than this share of what it had gained: no wobble any more. */
const GIVEN_BACK = 0.25;
/** Noise of more than this share of everything that moved hides a trend. */
const NOISY = 0.1;

/**
 * Judges how a training went by its losses. The last third is fitted with a line, and it counts as moving where the slope is more than two standard errors from zero
 * and brings at least 1 % of everything that moved. Best, first and last levels are medians of neighbours, so that one odd value decides nothing.
 */
export function diagnose(loss: Course, validation: Course | null): Diagnosis {
  const non_finite = [loss, ...(validation ? [validation] : [])].flatMap(strange);
  const evidence = non_finite.map((s) => `${s.metric} is not finite ${s.count === 1 ? 'once' : `${s.count} times`}, first at step ${s.first_step}.`);
  const trend = trendOf(loss, evidence);
  return { trend, overfit: validation && overfits(loss, validation, evidence), non_finite, evidence };
}

function trendOf({ metric, points }: Course, evidence: string[]): Trend {
  const finite = points.filter((p) => isUsable(p.value));
  const last = points.at(-1);
  if (last && !isUsable(last.value)) {
    evidence.push(`${metric} ends with ${figure(last.value)} at step ${last.step}: it did not come back to numbers.`);
    return 'diverging';
  }
  if (finite.length < FEWEST) {
    evidence.push(`${metric} has ${finite.length} finite values, too few to judge a trend.`);
    return 'unclear';
  }
  const smooth = medians(finite);
  const [start, end] = ends(finite);
  const best = smooth.reduce((low, p) => (p.value < low.value ? p : low));
  const range = smooth.reduce((high, p) => Math.max(high, p.value), best.value) - best.value;
  evidence.push(
    `${metric} went from ${figure(start)} to ${figure(end)} over ${finite.length} values; its lowest level was ${figure(best.value)} at step ${best.step}.`,
  );
  if (range === 0) return 'plateaued';

  const tail = finite.slice(-Math.max(4, Math.ceil(finite.length / 3)));
  const fit = leastSquares(tail);
  const from = tail[0]?.step ?? 0;
  const drift = fit.slope * ((tail.at(-1)?.step ?? 0) - from);
  const moves = Math.abs(fit.slope) > 2 * fit.stderr;
  const share = `${drift < 0 ? 'fell' : 'rose'} by ${figure(Math.abs(drift))}, ${percent(Math.abs(drift) / range)} of all it moved`;
  evidence.push(`From step ${from} on it ${share}${moves ? '' : '; that is within its noise'}.`);

  if (end > start + 2 * fit.spread) {
    evidence.push('It ends above where it began.');
    return 'diverging';
  }
  const back = end - best.value;
  if (moves && drift > 0 && back > GIVEN_BACK * (start - best.value) && back > 2 * fit.spread) {
    evidence.push(`It has given back ${percent(back / (start - best.value))} of what it had gained.`);
    return 'diverging';
  }
  if (moves && drift < 0 && -drift >= STILL * range) return 'converging';
  if (Math.abs(drift) < STILL * range) return 'plateaued';
  if (!moves && fit.spread <= NOISY * range) return 'plateaued';
  if (!moves) evidence.push(`Its noise there (${figure(fit.spread)}) is ${percent(fit.spread / range)} of all it moved.`);
  return 'unclear';
}

/** The validation loss rises from its best by more than its noise and 1 %, while the training loss does not. */
function overfits(loss: Course, validation: Course, evidence: string[]): boolean | null {
  const finite = validation.points.filter((p) => isUsable(p.value));
  if (finite.length < FEWEST) {
    evidence.push(`${validation.metric} has ${finite.length} finite values, too few to tell overfitting.`);
    return null;
  }
  const best = medians(finite).reduce((low, p) => (p.value < low.value ? p : low));
  const [, end] = ends(finite);
  const after = finite.filter((p) => p.step >= best.step);
  const rise = end - best.value;
  const noise = after.length >= 3 ? 2 * leastSquares(after).spread : Infinity;
  const trained = loss.points.filter((p) => isUsable(p.value) && p.step >= best.step);
  const learnt = trained.length >= 2 ? ends(trained) : null;
  const fell = learnt !== null && learnt[1] <= learnt[0];
  const rises = rise > noise && rise > STILL * Math.abs(best.value);
  const course = `${validation.metric} was lowest, ${figure(best.value)}, at step ${best.step} and ends at ${figure(end)}`;
  if (!rises) evidence.push(`${course}: no rise beyond its noise.`);
  else
    evidence.push(
      `${course} (${percent(rise / Math.abs(best.value))} higher)${fell ? `, while ${loss.metric} went on falling` : `, and ${loss.metric} did not fall either`}.`,
    );
  return rises && fell;
}

/**
 * The least-squares line through (step, value): its slope, the standard error of that slope, and the standard deviation of what is left over, both with n - 2 degrees
 * of freedom. Needs three points at two steps or more; a slope without them is 0.
 */
export function leastSquares(points: readonly Point[]): { slope: number; stderr: number; spread: number } {
  const n = points.length;
  const mean = (of: (p: Point) => number) => points.reduce((sum, p) => sum + of(p), 0) / n;
  const [x, y] = [mean((p) => p.step), mean((p) => p.value)];
  const sxx = points.reduce((sum, p) => sum + (p.step - x) ** 2, 0);
  if (n < 3 || sxx === 0) return { slope: 0, stderr: Infinity, spread: Infinity };
  const slope = points.reduce((sum, p) => sum + (p.step - x) * (p.value - y), 0) / sxx;
  const left = points.reduce((sum, p) => sum + (p.value - y - slope * (p.step - x)) ** 2, 0);
  const spread = Math.sqrt(left / (n - 2));
  return { slope, stderr: spread / Math.sqrt(sxx), spread };
}

function strange({ metric, points }: Course): Diagnosis['non_finite'] {
  const found = points.filter((p) => !isUsable(p.value));
  return found[0] ? [{ metric, first_step: found[0].step, count: found.length }] : [];
}

/** Each value as the median of itself and its two neighbours. The first and the last have one, so they stand for themselves. */
function medians(points: readonly Point[]): { step: number; value: number }[] {
  return points.map((p, i) => ({
    step: p.step,
    value: median(i === 0 || i === points.length - 1 ? [p.value] : points.slice(i - 1, i + 2).map((q) => q.value)),
  }));
}

/** The levels at which a course begins and ends: medians of a tenth of its values. */
function ends(points: readonly Point[]): [number, number] {
  const k = Math.max(1, Math.round(points.length / 10));
  const level = (of: readonly Point[]) => median(of.map((p) => p.value));
  return [level(points.slice(0, k)), level(points.slice(-k))];
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? (sorted[middle] ?? Number.NaN) : ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2;
}

function percent(share: number): string {
  return `${Number((share * 100).toPrecision(3))} %`;
}
