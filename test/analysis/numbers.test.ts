import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { downsample, downsampleTogether } from '../../src/analysis/downsample.ts';
import { nearMisses } from '../../src/analysis/near-miss.ts';
import { differsByMore, figure, jsonNumber, minus, signed } from '../../src/analysis/numbers.ts';

describe('numbers', () => {
  it.each([
    [0.7416123456, '0.741612'],
    [1234567.8, '1234570'],
    [0, '0'],
    [-0.5, '-0.5'],
    [1.23456789e-7, '1.23457e-7'],
    [Number.NaN, 'NaN'],
    [Number.NEGATIVE_INFINITY, '-Infinity'],
    [Number.MAX_VALUE, 'Infinity'],
    [null, 'none'],
  ] as const)('%d is shown as %s', (value, shown) => {
    expect(figure(value)).toBe(shown);
  });

  it('signed ones carry their sign', () => {
    expect([0.02, -0.02, 0].map(signed)).toEqual(['+0.02', '-0.02', '0']);
  });

  it('in JSON are numbers, or the words MLflow uses', () => {
    expect([0.5, Number.NaN, Number.POSITIVE_INFINITY, -Number.MAX_VALUE].map(jsonNumber)).toEqual([0.5, 'NaN', 'Infinity', '-Infinity']);
  });

  it('are subtracted as the decimals they were logged as', () => {
    expect([minus(0.3, 0.1), minus(0.909, 0.9), minus(1e-7, 1e-9), minus(5, 5), minus(-0.1, 0.2), minus(1e21, 1)]).toEqual([0.2, 0.009, 9.9e-8, 0, -0.3, 1e21]);
  });

  it('are never far from what doubles give, and never both more and less', () => {
    const value = fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e12, max: 1e12 });
    fc.assert(
      fc.property(value, value, (a, b) => {
        expect(Math.abs(minus(a, b) - (a - b))).toBeLessThanOrEqual(1e-15 * Math.max(Math.abs(a), Math.abs(b)));
        expect(differsByMore(a, b, 1, 0, 1) && differsByMore(b, a, 1, 0, 1)).toBe(false);
        expect(differsByMore(a, b, 100, 0, 1)).toBe(a > b);
      }),
      { seed: 7 },
    );
  });
});

describe('near misses', () => {
  const names = ['val_f1', 'val_loss', 'train_loss', 'ads-rank-v3', 'ads-rank-v2'];
  it.each([
    ['val_fl', ['val_f1']],
    ['VAL-F1', ['val_f1']],
    ['f1', ['val_f1']],
    ['ads-rank', ['ads-rank-v2', 'ads-rank-v3']],
    ['/Shared/ads-rank-v3', ['ads-rank-v3']],
    ['loss', ['val_loss', 'train_loss']],
    ['ndcg', []],
    ['', []],
  ])('of %s are %o', (wanted, found) => {
    expect(nearMisses(wanted, names)).toEqual(found);
  });
});

describe('a thinned curve', () => {
  const curve = (values: number[]) => values.map((value, step) => ({ step, value }));
  it('is the curve itself where that fits', () => {
    expect(downsample(curve([3, 1, 2, 5]), 4)).toEqual(curve([3, 1, 2, 5]));
  });

  it('keeps order, ends, minimum and maximum, and never takes more than asked', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.constant(Number.NaN)), { minLength: 1, maxLength: 300 }),
        fc.integer({ min: 4, max: 50 }),
        (values, samples) => {
          const points = curve(values);
          const kept = downsample(points, samples);
          expect(kept.length).toBeLessThanOrEqual(Math.max(samples, 4));
          expect(kept.map((p) => p.step)).toEqual(kept.map((p) => p.step).toSorted((a, b) => a - b));
          expect([kept[0], kept.at(-1)]).toEqual([points[0], points.at(-1)]);
          const extremes = (of: typeof points) => {
            const finite = of.map((p) => p.value).filter((v) => !Number.isNaN(v));
            return [Math.min(...finite), Math.max(...finite)];
          };
          expect(extremes(kept)).toEqual(extremes(points));
        },
      ),
      { seed: 11 },
    );
  });
});

describe('several curves on one chart', () => {
  const noisy = (n: number, shift: number) => Array.from({ length: n }, (_, step) => ({ step, value: Math.sin(step * 1.7 + shift) }));
  const steps = (points: readonly { step: number }[]) => points.map((p) => p.step);

  it('are thinned at the same steps, each with its own ends and extremes', () => {
    const curves = [noisy(1000, 0), noisy(700, 1), noisy(1000, 2)];
    const thin = downsampleTogether(curves, 20);
    const shared = steps(thin[0]!).filter((step) => thin.every((points) => steps(points).includes(step)));
    expect(shared.length).toBeGreaterThanOrEqual(16);
    for (const [i, points] of thin.entries()) {
      expect(points.length).toBeLessThanOrEqual(20);
      const values = (of: readonly { value: number }[]) => of.map((p) => p.value);
      expect([Math.min(...values(points)), Math.max(...values(points))]).toEqual([Math.min(...values(curves[i]!)), Math.max(...values(curves[i]!))]);
      expect([points[0], points.at(-1)]).toEqual([curves[i]![0], curves[i]!.at(-1)]);
    }
  });

  it('without a step in common are thinned each for itself; short and empty ones stay as they are', () => {
    const odd = noisy(100, 0).map((p) => ({ ...p, step: 2 * p.step + 1 }));
    expect(downsampleTogether([noisy(100, 0).map((p) => ({ ...p, step: 2 * p.step })), odd], 20)).toEqual([
      downsample(
        noisy(100, 0).map((p) => ({ ...p, step: 2 * p.step })),
        20,
      ),
      downsample(odd, 20),
    ]);
    expect(downsampleTogether([noisy(3, 0), []], 20)).toEqual([noisy(3, 0), []]);
    expect(downsampleTogether([noisy(100, 0), []], 20).map((c) => c.length > 0)).toEqual([true, false]);
  });
});
