import { describe, expect, it } from 'vitest';
import { noise, oneAgainst, repetitions, spread, welch } from '../../src/analysis/noise.ts';
import type { Run } from '../../src/analysis/run.ts';
import { run } from './runs.ts';

// From SciPy 1.17.1: stats.ttest_ind(c, b, equal_var=False) and its confidence_interval(0.95); mean and std (ddof=1) from NumPy.
const scipy = [
  {
    b: [0.72, 0.721, 0.719],
    c: [0.742, 0.738, 0.745],
    std: [0.0010000000000000009, 0.0035118845842842497],
    t: 10.277402395547302,
    df: 2.3222060957910013,
    p: 0.005496279798847831,
    ci: [0.013701357057866436, 0.02963197627546723],
  },
  {
    b: [0.5, 0.6],
    c: [0.55, 0.75],
    std: [0.07071067811865474, 0.14142135623730948],
    t: 0.894427190999916,
    df: 1.4705882352941178,
    p: 0.49313270812084714,
    ci: [-0.5918522830071062, 0.7918522830071062],
  },
  {
    b: [0.7, 0.71, 0.72, 0.73, 0.69],
    c: [0.715, 0.705],
    std: [0.01581138830084191, 0.007071067811865481],
    t: 0,
    df: 4.500000000000001,
    p: 1,
    ci: [-0.02302685639115124, 0.02302685639115124],
  },
  {
    b: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
    c: [1.5, 2.5, 100],
    std: [3.0276503540974917, 56.58253558593264],
    t: 0.8924390841870989,
    df: 2.003436947112559,
    p: 0.4661880270188543,
    ci: [-111.22157596724651, 169.55490930057982],
  },
  {
    b: [0.801, 0.7995, 0.8003, 0.8011],
    c: [0.8012, 0.8009, 0.8021, 0.7999, 0.8007],
    std: [0.0007410578025138816, 0.0007987490219086339],
    t: 0.942339922827245,
    df: 6.777224878633429,
    p: 0.37838662141042495,
    ci: [-0.0007401728265659213, 0.0017101728265660587],
  },
] as const;

describe("Welch's t-test", () => {
  it.each(scipy)('agrees with SciPy to 1e-9 for $b and $c', ({ b, c, std, t, df, p, ci }) => {
    const [before, after] = [spread(b)!, spread(c)!];
    const test = welch(before, after)!;
    const pairs = [
      [before.std!, std[0]],
      [after.std!, std[1]],
      [test.t, t],
      [test.df, df],
      [test.p, p],
      [test.ci95[0], ci[0]],
      [test.ci95[1], ci[1]],
    ] as const;
    for (const [ours, theirs] of pairs) expect(Math.abs(ours - theirs)).toBeLessThan(1e-9 * Math.max(1, Math.abs(theirs)));
  });

  it('says nothing of values without any spread', () => {
    expect(welch(spread([1, 1])!, spread([2, 2])!)).toBeNull();
  });
});

describe('one run against repetitions', () => {
  // From SciPy 1.17.1: t = (x - mean) / (s sqrt(1 + 1/n)), p = 2 * stats.t.sf(|t|, n - 1); mean and s (ddof=1) from NumPy 2.4.6.
  it.each([
    { sample: [0.72, 0.721, 0.719], one: 0.742, t: 19.05255888325775, p: 0.002743489394425896 },
    { sample: [0.7, 0.71, 0.72, 0.73, 0.69], one: 0.715, t: 0.2886751345948129, p: 0.7871720116618076 },
    { sample: [0.801, 0.7995, 0.8003, 0.8011], one: 0.7985, t: -2.3837461750384814, p: 0.09728837278411656 },
    { sample: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10], one: 25, t: 6.140907408653291, p: 0.00017058332574496806 },
  ])('agrees with SciPy to 1e-9 for $one against $sample', ({ sample, one, t, p }) => {
    const test = oneAgainst(one, spread(sample)!)!;
    expect(test.df).toBe(sample.length - 1);
    expect(Math.abs(test.t - t)).toBeLessThan(1e-9 * Math.max(1, Math.abs(t)));
    expect(Math.abs(test.p - p)).toBeLessThan(1e-9);
  });

  it('says nothing where the repetitions have no spread', () => {
    expect(oneAgainst(1, spread([2, 2, 2])!)).toBeNull();
  });
});

const seeded = (id: string, feature_set: string, seed: number, val_f1: number, more = {}) =>
  run(id, { params: { feature_set, seed: String(seed), lr: '0.1' }, metrics: { val_f1 }, ...more });

describe('repetitions of a run', () => {
  const one = seeded('b1', 'v1', 1, 0.72);
  it('are finished runs equal in all but the seed', () => {
    const peers = [
      one,
      seeded('b2', 'v1', 2, 0.721),
      seeded('other', 'v2', 1, 0.74),
      seeded('failed', 'v1', 3, 0.1, { status: 'FAILED' }),
      seeded('deleted', 'v1', 3, 0.1, { deleted: true }),
      seeded('elsewhere', 'v1', 4, 0.7, { experimentId: '2' }),
      seeded('other code', 'v1', 5, 0.7, { tags: { 'mlflow.source.git.commit': 'abc' } }),
      seeded('other data', 'v1', 5, 0.7, { datasets: [{ name: 'clicks', digest: 'd2', context: 'training' }] }),
      seeded('nested', 'v1', 6, 0.7, { tags: { 'mlflow.parentRunId': 'x' } }),
    ];
    expect(repetitions(one, peers).map((r) => r.runId)).toEqual(['b1', 'b2']);
  });

  it('are its children, where it has some', () => {
    const child = (id: string) => seeded(id, 'v1', 1, 0.7, { tags: { 'mlflow.parentRunId': 'b1' } });
    expect(repetitions(one, [child('k1'), child('k2'), seeded('b2', 'v1', 2, 0.7)]).map((r) => r.runId)).toEqual(['k1', 'k2']);
  });
});

describe('children of a run', () => {
  const child = (id: string, params: Record<string, string>) => run(id, { params, metrics: { val_f1: 0.7 }, tags: { 'mlflow.parentRunId': 'b1' } });
  const parent = seeded('b1', 'v1', 1, 0.72);
  it('are repetitions where they are folds', () => {
    const folds = [child('k1', { lr: '0.1', fold: '1' }), child('k2', { lr: '0.1', fold: '2' })];
    expect(repetitions(parent, folds).map((r) => r.runId)).toEqual(['k1', 'k2']);
  });
  it('are no repetitions where they are trials of a search', () => {
    const trials = [child('t1', { lr: '0.1' }), child('t2', { lr: '0.01' })];
    expect(repetitions(parent, trials).map((r) => r.runId)).toEqual(['b1']);
  });
});

describe('noise', () => {
  const group = (name: string, values: readonly number[]) => values.map((v, i) => seeded(`${name}${i}`, name, i, v));
  it('tests two repeated sides', () => {
    expect(noise('val_f1', group('v1', scipy[0].b), group('v2', scipy[0].c))).toMatchObject({
      n_baseline: 3,
      n_candidate: 3,
      mean: { baseline: expect.closeTo(0.72, 12), candidate: expect.closeTo(0.7416666666666667, 12) },
      welch_p: expect.closeTo(0.005496279798847831, 9),
      note: 'The difference of the means is larger than seed noise explains (p < 0.05).',
    });
  });

  it.each([
    ['single runs', [0.7], [0.8], 1, 1, 'Single run each: noise unknown.'],
    ['one side repeated', [0.7, 0.71], [0.8], 2, 1, 'Only the baseline was repeated: too little to test the difference.'],
    ['a NaN among two', [0.7, Number.NaN], [0.8], 1, 1, 'Single run each: noise unknown.'],
    ['nothing finite', [Number.NaN], [0.8], 0, 1, 'Single run each: noise unknown.'],
    ['no spread', [0.7, 0.7], [0.8, 0.8], 2, 2, 'The repetitions have no spread at all: nothing to test against.'],
    ['too much of it', [0.5, 0.6], [0.55, 0.75], 2, 2, 'The difference of the means is within seed noise (p >= 0.05).'],
  ] as const)('of %s says so', (_, before, after, nBefore, nAfter, note) => {
    const found = noise('val_f1', group('v1', before), group('v2', after));
    expect(found).toMatchObject({ n_baseline: nBefore, n_candidate: nAfter, note });
  });

  it.each([
    ['one run', [0.7400001]],
    ['three others that are equal too', [0.7, 0.7, 0.7]],
  ])('takes what rounding leaves over for no spread: three times 0.74 against %s', (_, before) => {
    const found = noise('val_f1', group('v1', before), group('v2', [0.74, 0.74, 0.74]));
    expect(found).toMatchObject({
      mean: { candidate: 0.74 },
      std: { candidate: 0 },
      note: expect.stringContaining('no spread at all: nothing to test against.'),
    });
    expect([found.single_p, found.welch_p]).toEqual([undefined, undefined]);
    expect(spread([0.1 + 0.2, 0.3, 0.3])?.std).toBe(0);
  });

  it('counts a copy once: the same seed and the same figures are the same run made again', () => {
    const [first, second] = group('v1', [0.7, 0.71]);
    const copy = seeded('copy', 'v1', 0, 0.7);
    const found = noise('val_f1', [first!, second!, copy], group('v2', [0.8]));
    expect(found).toMatchObject({ n_baseline: 2, std: { baseline: expect.closeTo(0.00707106781, 9) } });
    // The same seed with other figures is no copy: whatever differs is noise as well.
    expect(noise('val_f1', [first!, seeded('again', 'v1', 0, 0.72)], group('v2', [0.8])).n_baseline).toBe(2);
  });

  it('tells the figures that it rests on', () => {
    expect(noise('val_f1', group('v1', scipy[0].b), group('v2', scipy[0].c)).figures).toBe(
      'Over repetitions: the candidate 0.741667 ± 0.0035 (n = 3), the baseline 0.72 ± 0.001 (n = 3); difference of the means +0.02167, 95 % interval +0.0137 to +0.02963, p = 0.0055 (Welch).',
    );
  });

  it('is all there is between two runs that differ in a seed only', () => {
    const [a, b, twin] = group('v1', [0.7, 0.8, 0.7]) as [Run, Run, Run];
    const note = (one: Run, other: Run) => noise('val_f1', [one, other], [other, one]).note;
    expect(note(a, b)).toBe('The two runs differ in nothing but a seed: whatever lies between them is noise.');
    expect(note(a, twin)).toBe('The two runs differ in nothing but a seed, and nothing lies between them.');
    expect(note(a, { ...twin, params: a.params })).toBe('The two runs are the same experiment made twice, and nothing lies between them.');
    expect(note(a, { ...b, params: a.params })).toBe('The two runs are the same experiment made twice: whatever lies between them is noise.');
    expect(note(a, a)).toBe('Both are one run: there is nothing to test.');
  });
});
