import { describe, expect, it } from 'vitest';
import { type Asked, compareRuns } from '../../src/analysis/compare.ts';
import { run } from './runs.ts';

const side = (r: ReturnType<typeof run>, histories?: Record<string, { step: number; value: number }[]>) => ({
  run: r,
  url: `http://mlflow/${r.runId}`,
  ...(histories ? { histories } : {}),
});
const baseline = (more: Parameters<typeof run>[1] = {}) =>
  run('b', { metrics: { val_f1: 0.72, val_loss: 0.41 }, params: { feature_set: 'v1', lr: '0.1', seed: '1' }, ...more });
const candidate = (more: Parameters<typeof run>[1] = {}) =>
  run('c', { metrics: { val_f1: 0.7416, val_loss: 0.4 }, params: { feature_set: 'v2', lr: '0.1', seed: '1' }, ...more });
const asked: Asked = {
  primary: 'val_f1',
  directions: { val_f1: 'max' },
  threshold: { value: 1 },
  defaultReading: 'relative',
  expectedChanges: ['feature_set'],
};
const compare = (b: ReturnType<typeof run>, c: ReturnType<typeof run>, more: Partial<Asked> = {}) => compareRuns(side(b), side(c), { ...asked, ...more });

describe('a comparison', () => {
  it('of a clean ablation has every figure and nothing to object', () => {
    const git = { 'mlflow.source.git.commit': 'a'.repeat(40), team: 'ads', 'mlflow.user': 'ana' };
    const data = [{ name: 'clicks', digest: 'd1', context: 'training' }];
    const found = compareRuns(
      side(baseline({ tags: git, datasets: data, metrics: { val_f1: 0.72, val_loss: 0.41, old: 1, 'system/cpu': 9 } }), {
        val_f1: [
          { step: 4, value: 0.7205 },
          { step: 19, value: 0.72 },
        ],
      }),
      side(candidate({ tags: { ...git, team: 'rank', 'mlflow.user': 'ben' }, datasets: data }), {
        val_f1: [
          { step: 18, value: 0.742 },
          { step: 19, value: 0.7416 },
        ],
      }),
      asked,
    );
    expect(found).toEqual({
      baseline: {
        run_id: 'b',
        name: 'run b',
        url: 'http://mlflow/b',
        status: 'FINISHED',
        git_commit: 'a'.repeat(40),
        datasets: data,
        started: '2026-09-21T14:13:20.000Z',
        duration_ms: 60_000,
      },
      candidate: {
        run_id: 'c',
        name: 'run c',
        url: 'http://mlflow/c',
        status: 'FINISHED',
        git_commit: 'a'.repeat(40),
        datasets: data,
        started: '2026-09-21T14:13:20.000Z',
        duration_ms: 60_000,
      },
      primary: {
        metric: 'val_f1',
        direction: 'max',
        direction_source: 'config',
        aggregate: 'last',
        baseline: 0.72,
        candidate: 0.7416,
        delta: 0.0216,
        delta_pct: expect.closeTo(3, 9),
        delta_points: expect.closeTo(2.16, 9),
        threshold: { value: 1, kind: 'relative' },
        threshold_source: 'config',
        readings: {
          relative: { delta_pct: expect.closeTo(3, 9), verdict: 'improved' },
          points: { delta_points: expect.closeTo(2.16, 9), verdict: 'improved' },
          used: 'relative',
        },
        readings_disagree: false,
        verdict: 'improved',
        verdict_reason:
          'val_f1 0.7416 against 0.72 (+0.0216, +3 % relative, +2.16 percentage points): better by more than 1 % relative (the reading set in labmate.json).',
      },
      metrics: [
        {
          key: 'val_f1',
          baseline: 0.72,
          candidate: 0.7416,
          delta: 0.0216,
          delta_pct: expect.closeTo(3, 9),
          best_baseline: { value: 0.7205, step: 4 },
          best_candidate: { value: 0.742, step: 18 },
          direction: 'max',
          flag: 'better',
        },
        { key: 'val_loss', baseline: 0.41, candidate: 0.4, delta: -0.01, delta_pct: expect.closeTo(-2.4390243902439024, 9), direction: 'min', flag: 'better' },
      ],
      only_in_baseline: ['old'],
      only_in_candidate: [],
      params: { changed: [{ key: 'feature_set', baseline: 'v1', candidate: 'v2' }], added: [], removed: [], same_count: 2 },
      tags_changed: [{ key: 'team', baseline: 'ads', candidate: 'rank' }],
      warnings: [],
      links: { baseline: 'http://mlflow/b', candidate: 'http://mlflow/c' },
    });
  });

  it('reads a percentage as the prompt said, else as configured', () => {
    expect(compare(baseline(), candidate(), { threshold: { value: 1, kind: 'points' } }).primary).toMatchObject({
      threshold: { value: 1, kind: 'points' },
      threshold_source: 'prompt',
    });
    expect(compare(baseline(), candidate(), { defaultReading: 'points' }).primary).toMatchObject({
      threshold: { value: 1, kind: 'points' },
      threshold_source: 'config',
    });
    expect(compare(baseline(), candidate(), { threshold: undefined }).primary).toMatchObject({
      threshold: null,
      threshold_source: null,
      verdict: 'inconclusive',
    });
  });

  it('compares the best values where that is asked for', () => {
    const found = compareRuns(
      side(baseline(), {
        val_f1: [
          { step: 3, value: 0.75 },
          { step: 4, value: Number.NaN },
        ],
      }),
      side(candidate(), { val_f1: [{ step: 9, value: 0.7416 }] }),
      { ...asked, aggregate: 'best' },
    );
    expect(found.primary).toMatchObject({ aggregate: 'best', baseline: 0.75, candidate: 0.7416, verdict: 'regressed' });
  });

  it('has NaN as a word and is then inconclusive', () => {
    const found = compare(baseline(), candidate({ metrics: { val_f1: Number.NaN, val_loss: 0.4 } }));
    expect(found.primary).toMatchObject({ candidate: 'NaN', delta: null, verdict: 'inconclusive' });
    expect(found.metrics[0]).toMatchObject({ candidate: 'NaN', flag: 'not_finite', delta: null });
    expect(JSON.parse(JSON.stringify(found))).toEqual(found);
  });

  it('takes the one configured metric where none was named, else has no verdict', () => {
    expect(compare(baseline(), candidate(), { primary: undefined }).primary?.metric).toBe('val_f1');
    const none = compare(baseline(), candidate(), { primary: undefined, directions: {} });
    expect(none.primary).toBeNull();
    // Whoever shows it says so in the verdict's place; that is no objection beside.
    expect(none.warnings).toEqual([]);
  });

  it('shows only the metrics asked for, and the primary one', () => {
    const many = { metrics: { a: 1, b: 2, c: 3, val_f1: 0.7 } };
    expect(compare(baseline(many), candidate(many), { metrics: ['b'] }).metrics.map((m) => m.key)).toEqual(['val_f1', 'b']);
  });

  it('does not stumble over names that objects have by themselves', () => {
    const odd = { metrics: { constructor: 1 }, params: { toString: 'x' } } as unknown as Parameters<typeof run>[1];
    const found = compare(baseline(), candidate(odd), { primary: 'constructor' });
    expect(found.primary).toMatchObject({ baseline: null, candidate: 1, verdict: 'inconclusive' });
    expect(found.params.added).toEqual([{ key: 'toString', candidate: 'x' }]);
  });
});

describe('a careful reader objects', () => {
  const params = (more: Record<string, string>) => ({ params: { feature_set: 'v2', lr: '0.1', seed: '1', ...more } });
  const tags = (more: Record<string, string>) => ({ tags: more });
  const curve = (...values: number[]) => ({ val_f1: values.map((value, step) => ({ step, value })) });
  it.each([
    ['when more changed than was meant to', baseline(), candidate(params({ lr: '0.2' })), {}, 'More changed than was meant to: lr (0.1 -> 0.2) also differs.'],
    [
      'when parameters came and went',
      baseline({ params: { feature_set: 'v1', old: '1' } }),
      candidate({ params: { feature_set: 'v2', fresh: '2' } }),
      {},
      'More changed than was meant to: fresh (only in the candidate, 2), old (only in the baseline, 1) also differ.',
    ],
    [
      'when what was meant to change did not',
      baseline(),
      candidate({ params: baseline().params }),
      {},
      'Meant to change, and did not: feature_set (v1 in both runs).',
    ],
    [
      'when what was meant to change is not logged',
      baseline(),
      candidate(),
      { expectedChanges: ['feature_set', 'depth'] },
      'Meant to change, and did not: depth (logged in neither run).',
    ],
    [
      'when several changed and nobody said which was meant',
      baseline(),
      candidate(params({ lr: '0.2' })),
      { expectedChanges: undefined },
      "2 parameters differ, so the change can't be put down to one of them: feature_set (v1 -> v2), lr (0.1 -> 0.2).",
    ],
    [
      'when the code differs',
      baseline(tags({ 'mlflow.source.git.commit': 'a'.repeat(40) })),
      candidate(tags({ 'mlflow.source.git.commit': 'b'.repeat(40) })),
      {},
      'The runs used different code: commit aaaaaaaaaaaa and bbbbbbbbbbbb.',
    ],
    [
      'when only one says which code it ran',
      baseline(tags({ 'mlflow.source.git.commit': 'a'.repeat(40) })),
      candidate(),
      {},
      'Only the baseline says which commit it ran, so it is not known whether the code is the same.',
    ],
    [
      'when the data differs',
      baseline({ datasets: [{ name: 'clicks', digest: 'd1', context: 'training' }] }),
      candidate({ datasets: [{ name: 'clicks', digest: 'd2', context: 'training' }] }),
      {},
      'The runs used different data: training clicks d1 in the baseline, training clicks d2 in the candidate.',
    ],
    [
      'when one run hides its data',
      baseline({ datasets: [{ name: 'clicks', digest: 'd1', context: null }] }),
      candidate(),
      {},
      'Only the baseline logged which data it used, so it is not known whether the data is the same.',
    ],
    [
      'when one trained longer',
      baseline(),
      candidate({ metrics: { val_f1: { value: 0.74, step: 39 } } }),
      {},
      'The runs trained for a different number of steps: val_f1 was last logged at step 19 in the baseline and 39 in the candidate.',
    ],
    [
      'when a run is not finished',
      baseline(),
      candidate({ status: 'RUNNING' }),
      {},
      'The candidate is RUNNING, not FINISHED: its figures may still change or be partial.',
    ],
    [
      'when the baseline is nested',
      baseline(tags({ 'mlflow.parentRunId': 'p1' })),
      candidate(),
      {},
      'The baseline is a nested run of p1: it may be one fold or trial of a larger one.',
    ],
    ['when a run is deleted', baseline({ deleted: true }), candidate(), {}, 'The baseline is deleted.'],
    ['when the experiments differ', baseline(), candidate({ experimentId: '2' }), {}, 'The runs are of different experiments: 1 and 2.'],
    ['when a figure is not finite', baseline(), candidate({ metrics: { val_f1: 0.74, val_loss: Number.NaN } }), {}, 'Not finite in the candidate: val_loss.'],
    ['when the metric is missing', baseline(), candidate(), { primary: 'val_fl' }, 'Metrics with a name near val_fl: val_f1.'],
    ['when the direction is a guess', baseline(), candidate(), { directions: {} }, 'That higher is better for val_f1 is a guess from its name.'],
    [
      'when the direction contradicts the configuration',
      baseline(),
      candidate(),
      { direction: 'min' as const },
      'The direction asked for val_f1 contradicts the configured one (max).',
    ],
    [
      'when the readings disagree',
      baseline(),
      candidate({ metrics: { val_f1: 0.728 } }),
      {},
      '"1 %" can be read in two ways, and they disagree: as a relative change it is improved, in percentage points not enough of a difference. Nobody said which was meant; labmate.json settles it (relative).',
    ],
    ['when a run is compared with itself', baseline(), baseline(), { expectedChanges: undefined }, 'Baseline and candidate are the same run.'],
  ] as const)('%s', (_, b, c, more, warning) => {
    expect(compare(b, c, more as Partial<Asked>).warnings).toContain(warning);
  });

  it('when a run ended worse than its best by more than the threshold', () => {
    const found = compareRuns(side(baseline(), curve(0.7, 0.721, 0.72)), side(candidate(), curve(0.7, 0.76, 0.7416)), asked);
    expect(found.warnings).toEqual(['The candidate ended worse than its best: val_f1 0.7416 at the end, 0.76 at step 1, more than 1 % relative apart.']);
  });

  it('when the difference is within seed noise', () => {
    const peer = (id: string, feature_set: string, seed: string, val_f1: number) => run(id, { params: { feature_set, lr: '0.1', seed }, metrics: { val_f1 } });
    const found = compare(baseline(), candidate(), { peers: [peer('b2', 'v1', '2', 0.75), peer('b3', 'v1', '3', 0.69), peer('c2', 'v2', '2', 0.7)] });
    expect(found.noise).toMatchObject({ n_baseline: 3, n_candidate: 2 });
    expect(found.warnings).toEqual([
      'The difference of the means is within seed noise (p >= 0.05).',
      'The runs compared are single ones of their groups: by the means over repetitions (0.7208 against 0.72) the verdict would be "not enough of a difference".',
    ]);
    expect(found.primary?.verdict).toBe('improved');
  });

  it('to nothing where a person said how the percentage is meant, though both readings stay in the figures', () => {
    const found = compare(baseline(), candidate({ metrics: { val_f1: 0.728 } }), { threshold: { value: 1, kind: 'points' } });
    expect(found.primary).toMatchObject({ readings_disagree: true, verdict: 'within_threshold' });
    expect(found.warnings).toEqual([]);
  });

  it('when a run that is compared has no figure: what its repetitions have says nothing of it', () => {
    const peer = (id: string, feature_set: string, seed: string, val_f1: number) => run(id, { params: { feature_set, lr: '0.1', seed }, metrics: { val_f1 } });
    const peers = [peer('b2', 'v1', '2', 0.71), peer('b3', 'v1', '3', 0.72), peer('c2', 'v2', '2', 0.9), peer('c3', 'v2', '3', 0.91)];
    const untested = { n_baseline: 0, n_candidate: 0, mean: { baseline: null, candidate: null }, std: { baseline: null, candidate: null } };
    expect(compare(baseline(), candidate({ metrics: { val_f1: Number.NaN } }), { peers }).noise).toEqual({
      ...untested,
      note: 'There is no figure of val_f1 for the candidate, so nothing to test.',
    });
    expect(compare(baseline({ metrics: {} }), candidate(), { peers }).noise).toEqual({
      ...untested,
      note: 'There is no figure of val_f1 for the baseline, so nothing to test.',
    });
  });

  it('when one run is held against many and lies among them, and not when it lies far off', () => {
    const peers = [0.725, 0.731, 0.719, 0.728].map((val_f1, i) =>
      run(`b${i}`, { params: { feature_set: 'v1', lr: '0.1', seed: `${i + 2}` }, metrics: { val_f1 } }),
    );
    const among = compare(baseline(), candidate({ metrics: { val_f1: 0.729 } }), { peers });
    expect(among.warnings).toContain(among.noise?.note);
    expect(among.noise?.note).toMatch(
      /^Only the baseline was repeated\. The single run of the candidate lies 0\.\d+ standard deviations .*: within what its seeds do \(p = 0\.\d+\)\.$/,
    );
    const far = compare(baseline(), candidate({ metrics: { val_f1: 0.78 } }), { peers });
    expect(far.warnings).toEqual([]);
    expect(far.noise?.note).toContain('more than its seeds explain');
  });

  it('not to another seed: that is noise, not a confounder', () => {
    expect(compare(baseline(), candidate(params({ seed: '2', data_random_state: '7' }))).warnings).toEqual([]);
  });

  it('on one line, however long and odd a value is', () => {
    const [warning] = compare(baseline(), candidate(params({ lr: `x\n${'y'.repeat(500)}` }))).warnings;
    expect(warning).not.toContain('\n');
    expect(warning!.length).toBeLessThan(160);
  });
});
