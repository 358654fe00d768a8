import { describe, expect, it, test } from 'vitest';
import { diagnose, leastSquares } from '../../src/analysis/diagnose.ts';

const course = (metric: string, values: readonly number[], every = 1) => ({ metric, points: values.map((value, i) => ({ step: i * every, value })) });
const of = (n: number, at: (i: number) => number) => Array.from({ length: n }, (_, i) => at(i));
/** A wave that looks like noise and is the same everywhere. */
const noise = (i: number, size: number) => size * Math.sin(i * 12.9898) * Math.cos(i * 78.233);

describe('the line through a tail', () => {
  // scipy.stats.linregress of SciPy 1.17.1: slope and stderr; the spread is sqrt(sum of squared residuals / (n - 2)) of its line, by NumPy.
  it.each([
    {
      steps: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
      values: [0.913, 0.842, 0.801, 0.777, 0.742, 0.731, 0.709, 0.715, 0.694, 0.688],
      figures: { slope: -0.022460606060606066, stderr: 0.0029644604419121695, spread: 0.026926049119990126 },
    },
    {
      steps: [0, 10, 25, 40, 70, 100],
      values: [2.5, 1.9, 1.71, 1.33, 1.32, 1.18],
      figures: { slope: -0.011152914021927293, stderr: 0.0033407311159307992, spread: 0.2838802523809358 },
    },
  ])('agrees with SciPy to 1e-9', ({ steps, values, figures }) => {
    const fit = leastSquares(steps.map((step, i) => ({ step, value: values[i]! })));
    for (const key of ['slope', 'stderr', 'spread'] as const) expect(Math.abs(fit[key] - figures[key])).toBeLessThan(1e-9);
  });

  it('has no slope where all points share a step, or are two', () => {
    expect(leastSquares([3, 1, 2].map((value) => ({ step: 7, value })))).toEqual({ slope: 0, stderr: Infinity, spread: Infinity });
    expect(leastSquares([1, 2].map((value, step) => ({ step, value }))).slope).toBe(0);
  });
});

test.each([
  ['a loss that is still falling', of(20, (i) => 2 * 0.93 ** i), 'converging'],
  ['the same under a little noise', of(60, (i) => 2 * 0.97 ** i + noise(i, 0.02)), 'converging'],
  ['a loss that has come to rest', of(40, (i) => 0.3 + Math.exp(-i / 3)), 'plateaued'],
  ['a loss that never moved', of(20, () => 0.69), 'plateaued'],
  ['a loss at rest under noise', of(60, (i) => 0.3 + Math.exp(-i / 4) + noise(i, 0.004)), 'plateaued'],
  ['a loss that climbs from the first step', of(20, (i) => 0.5 + 0.1 * i), 'diverging'],
  ['a loss that fell and then ran away', of(30, (i) => (i < 15 ? 2 - 0.1 * i : 0.6 + 0.12 * (i - 15))), 'diverging'],
  ['a loss that jumped and stays high', of(30, (i) => (i < 12 ? 1 - 0.05 * i : 6)), 'diverging'],
  ['a loss that ends in NaN', [...of(10, (i) => 1 - 0.05 * i), Number.NaN, Number.NaN], 'diverging'],
  ['a loss that overflowed to the greatest number a store keeps', [...of(10, (i) => 1 - 0.05 * i), 1.7976931348623157e308], 'diverging'],
  ['four values', [1, 0.9, 0.8, 0.7], 'unclear'],
  ['nothing but noise', of(40, (i) => 0.7 + noise(i, 0.2)), 'unclear'],
] as const)('%s', (_, values, trend) => {
  expect(diagnose(course('loss', values), null)).toMatchObject({ trend, overfit: null });
});

test('one odd value decides nothing', () => {
  const fell = of(30, (i) => 2 * 0.93 ** i);
  const spiked = fell.map((value, i) => (i === 17 ? 40 : value));
  const dipped = fell.map((value, i) => (i === 4 ? 0.0001 : value));
  expect(diagnose(course('loss', spiked), null).trend).not.toBe('diverging');
  expect(diagnose(course('loss', dipped), null).trend).toBe('converging');
});

test('a NaN in the middle is told, and is no divergence where the numbers come back', () => {
  const values = of(20, (i) => (i === 6 || i === 7 ? Number.NaN : 2 * 0.93 ** i));
  const found = diagnose(course('loss', values, 10), null);
  expect(found).toMatchObject({ trend: 'converging', non_finite: [{ metric: 'loss', first_step: 60, count: 2 }] });
  expect(found.evidence[0]).toBe('loss is not finite 2 times, first at step 60.');
});

test('a loss that was logged at every batch of a long training is judged like any other', () => {
  const long = of(200_000, (i) => 1 / (1 + i));
  expect(diagnose(course('train_loss', long), null)).toMatchObject({
    trend: 'plateaued',
    evidence: [expect.stringContaining('over 200000 values'), expect.anything()],
  });
});

describe('overfitting', () => {
  const train = course(
    'train_loss',
    of(40, (i) => 0.1 + Math.exp(-i / 10)),
  );
  const turning = of(40, (i) => (i < 12 ? 0.8 - 0.03 * i : 0.44 + 0.01 * (i - 12)));

  it('is a validation loss that turns while the training loss goes on falling', () => {
    const found = diagnose(train, course('val_loss', turning));
    expect(found.overfit).toBe(true);
    expect(found.evidence.at(-1)).toMatch(/^val_loss was lowest, 0\.45, at step 12 and ends at 0\.695 \(54\.4 % higher\), while train_loss went on falling\.$/);
  });

  it('is not one where both rise: that is divergence', () => {
    const rising = course(
      'train_loss',
      of(40, (i) => (i < 12 ? 1 - 0.05 * i : 0.4 + 0.05 * (i - 12))),
    );
    expect(diagnose(rising, course('val_loss', turning))).toMatchObject({ trend: 'diverging', overfit: false });
  });

  it('is not a rise within the noise', () => {
    const wobbling = of(40, (i) => 0.44 + 0.4 * Math.exp(-i / 5) + noise(i, 0.02));
    expect(diagnose(train, course('val_loss', wobbling)).overfit).toBe(false);
  });

  it('is not told from too little', () => {
    expect(diagnose(train, course('val_loss', [0.5, 0.4, 0.6])).overfit).toBeNull();
  });
});
