import { describe, expect, it } from 'vitest';
import { type Threshold, verdict } from '../../src/analysis/verdict.ts';

const relative = (value: number): Threshold => ({ value, kind: 'relative' });
const points = (value: number): Threshold => ({ value, kind: 'points' });
const absolute = (value: number): Threshold => ({ value, kind: 'absolute' });

describe('the verdict', () => {
  it.each([
    // metric, baseline, candidate, direction, threshold, verdict
    ['val_f1', 0.72, 0.7416, 'max', relative(1), 'improved'],
    ['val_f1', 0.72, 0.728, 'max', relative(1), 'improved'],
    ['val_f1', 0.72, 0.728, 'max', points(1), 'within_threshold'],
    ['val_f1', 0.72, 0.7, 'max', relative(1), 'regressed'],
    ['val_f1', 0.72, 0.72, 'max', relative(0), 'within_threshold'],
    ['val_f1', 0.72, 0.7200000001, 'max', relative(0), 'improved'],
    ['val_loss', 0.4, 0.39, 'min', relative(1), 'improved'],
    ['val_loss', 0.4, 0.41, 'min', relative(1), 'regressed'],
    ['val_loss', 2.5, 2.4, 'min', absolute(0.05), 'improved'],
    ['val_loss', 0, 0.1, 'min', absolute(0.05), 'regressed'],
    ['r2', -0.2, 0.1, 'max', absolute(0.1), 'improved'],
    ['accuracy', 72, 72.8, 'max', points(1), 'within_threshold'],
    ['accuracy', 72, 73.1, 'max', points(1), 'improved'],
  ] as const)('of %s %d -> %d (%s) by %o is %s', (metric, baseline, candidate, direction, threshold, expected) => {
    expect(verdict({ metric, baseline, candidate, direction, threshold }).verdict).toBe(expected);
  });

  // In doubles each of these is a hair beyond its threshold.
  it.each([
    [0.9, 0.909, 'max', relative(1)],
    [0.3, 0.303, 'max', relative(1)],
    [0.8, 0.792, 'max', relative(1)],
    [0.6, 0.594, 'min', relative(1)],
    [1e-7, 1.01e-7, 'min', relative(1)],
    [0.3, 0.31, 'max', points(1)],
    [0.9, 0.91, 'min', points(1)],
    [0.7, 0.8, 'max', absolute(0.1)],
  ] as const)('of exactly the threshold is within it: %d -> %d (%s) by %o', (baseline, candidate, direction, threshold) => {
    expect(verdict({ metric: 'm', baseline, candidate, direction, threshold }).verdict).toBe('within_threshold');
  });

  it.each([
    ['NaN in the candidate', { candidate: Number.NaN }, 'only finite numbers can be compared'],
    ['an infinite baseline', { baseline: Number.POSITIVE_INFINITY }, 'only finite numbers'],
    ['an infinity clipped by an SQL store', { baseline: -Number.MAX_VALUE }, 'val_f1 is 0.73 against -Infinity'],
    ['a metric that the baseline lacks', { baseline: null }, 'the baseline does not have val_f1'],
    ['a metric that the candidate lacks', { candidate: null }, 'the candidate does not have val_f1'],
    ['a metric that neither has', { candidate: null, baseline: null }, 'neither run has val_f1'],
    ['a baseline of 0', { baseline: 0 }, 'The baseline is 0, so a relative change means nothing'],
    ['a negative baseline', { baseline: -0.5 }, 'The baseline is negative, so a relative change means nothing'],
    ['points of what is no share', { baseline: 310, candidate: 290, threshold: points(1) }, 'percentage points mean nothing'],
    ['an unknown direction', { direction: null }, 'Whether higher or lower is better for val_f1 is not known'],
    ['no threshold', { threshold: null }, 'which is better; no threshold says whether that is enough'],
  ] as const)('of %s is inconclusive and says why', (_, change, why) => {
    const ruling = verdict({ metric: 'val_f1', baseline: 0.72, candidate: 0.73, direction: 'max', threshold: relative(1), ...change });
    expect(ruling.verdict).toBe('inconclusive');
    expect(ruling.reason).toContain(why);
  });

  it('gives both readings of a percentage, which was used, and that they disagree', () => {
    const ruling = verdict({
      metric: 'val_f1',
      baseline: 0.72,
      candidate: 0.728,
      direction: 'max',
      threshold: relative(1),
      readingFrom: 'the reading set in labmate.json',
    });
    expect(ruling).toEqual({
      verdict: 'improved',
      reason:
        'val_f1 0.728 against 0.72 (+0.008, +1.111 % relative, +0.8 percentage points): better by more than 1 % relative (the reading set in labmate.json).',
      delta: 0.008,
      delta_pct: expect.closeTo(1.111111111111111, 12),
      delta_points: expect.closeTo(0.8, 12),
      readings: {
        relative: { delta_pct: expect.closeTo(1.111111111111111, 12), verdict: 'improved' },
        points: { delta_points: expect.closeTo(0.8, 12), verdict: 'within_threshold' },
        used: 'relative',
      },
      disagree: true,
    });
  });

  it.each([
    [0.72, 0.7416, relative(1), false],
    [0.72, 0.721, points(1), false],
    // An absolute threshold has one reading only.
    [0.72, 0.728, absolute(0.01), false],
    [0.3, 0.305, points(1), true],
  ] as const)('of %d -> %d by %o: readings disagree %s', (baseline, candidate, threshold, disagree) => {
    expect(verdict({ metric: 'val_f1', baseline, candidate, direction: 'max', threshold }).disagree).toBe(disagree);
  });

  it('of what did not change says so', () => {
    expect(verdict({ metric: 'val_f1', baseline: 0.7, candidate: 0.7, direction: 'max', threshold: relative(1) }).reason).toBe(
      'val_f1 0.7 against 0.7 (0, 0 % relative, 0 percentage points): unchanged, and more than 1 % relative was asked for.',
    );
  });

  it.each([
    ['val_loss', null],
    ['train/RMSE', null],
    ['eval_perplexity', null],
    ['meanAbsoluteError', null],
    ['error_rate', 1],
    ['wer', 1],
    ['val_f1', 1],
    ['ctr', 1],
    ['error_pct', 0.01],
  ] as const)('knows percentage points of shares, and none of a loss: %s', (metric, points) => {
    const ruling = verdict({ metric, baseline: 0.5, candidate: 0.49, direction: 'min', threshold: relative(1.5) });
    expect(ruling.delta_points).toEqual(points && expect.closeTo(-points, 12));
    // By points, one of 1 would be within 1.5.
    expect(ruling.disagree).toBe(points !== null);
  });

  it('keeps the deltas where only the direction is unknown', () => {
    expect(verdict({ metric: 'x', baseline: 0.5, candidate: 0.6, direction: null, threshold: relative(1) })).toMatchObject({
      delta: 0.1,
      delta_pct: expect.closeTo(20, 9),
      disagree: false,
    });
  });

  it('gives no relative change of a baseline that is 0 or negative', () => {
    for (const baseline of [0, -1])
      expect(verdict({ metric: 'x', baseline, candidate: 1, direction: 'max', threshold: null })).toMatchObject({ delta: 1 - baseline, delta_pct: null });
  });
});
