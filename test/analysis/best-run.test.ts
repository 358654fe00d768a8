import { describe, expect, it } from 'vitest';
import { bestRun } from '../../src/analysis/best-run.ts';
import { run } from './runs.ts';

const f1 = (value: number) => ({ metrics: { val_f1: value } });
const max = { metric: 'val_f1', direction: 'max' as const };

describe('the best run', () => {
  it('is a finished, whole run with the metric, whatever else competes', () => {
    const runs = [
      run('nan', f1(Number.NaN)),
      run('clipped', f1(Number.MAX_VALUE)),
      run('infinite', f1(Number.POSITIVE_INFINITY)),
      run('running', { ...f1(0.99), status: 'RUNNING' }),
      run('failed', { ...f1(0.98), status: 'FAILED' }),
      run('nested', { ...f1(0.97), tags: { 'mlflow.parentRunId': 'third' } }),
      run('deleted', { ...f1(0.96), deleted: true }),
      run('candidate', f1(0.95)),
      run('other metric', { metrics: { val_F1: 0.94 } }),
      run('second', f1(0.7)),
      run('first', f1(0.72)),
      run('third', f1(0.6)),
    ];
    const found = bestRun(runs, { ...max, exclude: ['candidate'] });
    expect(found.best).toEqual({ run: runs[10], value: 0.72 });
    expect(found.runnerUp).toEqual({ run: runs[9], value: 0.7 });
    expect(found).toMatchObject({
      considered: 3,
      ties: [],
      leftOut: { deleted: 1, excluded: 1, not_finished: 2, nested: 1, without_metric: 1, not_finite: 3 },
      nearMetrics: [],
      rule: 'highest last finite val_f1 of finished runs that are not nested, without 1 excluded; among equals the first started',
    });
  });

  it.each([
    ['min', ['a', 0.5], ['b', 0.4], 'b'],
    ['max', ['a', 0.5], ['b', 0.4], 'a'],
    ['min', ['a', -1], ['b', 0], 'a'],
  ] as const)('goes by the direction: %s', (direction, [a, va], [b, vb], wanted) => {
    expect(bestRun([run(a, f1(va)), run(b, f1(vb))], { ...max, direction }).best?.run.runId).toBe(wanted);
  });

  it('tells ties and takes the one that started first', () => {
    const runs = [
      run('late', { ...f1(0.7), startedAt: 30 }),
      run('early', { ...f1(0.7), startedAt: 10 }),
      run('middle', { ...f1(0.7), startedAt: 20 }),
      run('worse', f1(0.69)),
    ];
    const found = bestRun(runs, max);
    expect(found.best?.run.runId).toBe('early');
    expect(found.runnerUp?.run.runId).toBe('middle');
    expect(found.ties.map((r) => r.runId)).toEqual(['middle', 'late']);
    expect(bestRun(runs.toReversed(), max)).toEqual(found);
  });

  it('lets nested and unfinished runs in where that is asked for', () => {
    const runs = [
      run('whole', f1(0.5)),
      run('nested', { ...f1(0.6), tags: { 'mlflow.parentRunId': 'whole' } }),
      run('running', { ...f1(0.7), status: 'RUNNING' }),
    ];
    expect(bestRun(runs, { ...max, includeChildren: true }).best?.run.runId).toBe('nested');
    expect(bestRun(runs, { ...max, onlyFinished: false }).best?.run.runId).toBe('running');
    expect(bestRun(runs, { ...max, onlyFinished: false, includeChildren: true }).rule).toBe(
      'highest last finite val_f1 of all runs, nested ones too; among equals the first started',
    );
  });

  it('of a metric nobody has is none, and names what may have been meant', () => {
    const runs = [run('a', { metrics: { val_f1: 0.7, val_loss: 0.3 } }), run('b', { metrics: { val_f1_macro: 0.6 } })];
    expect(bestRun(runs, { ...max, metric: 'val_fl' })).toMatchObject({
      best: null,
      runnerUp: null,
      considered: 0,
      ties: [],
      nearMetrics: ['val_f1'],
    });
  });

  it('of no runs at all is none', () => {
    expect(bestRun([], max)).toMatchObject({ best: null, considered: 0, nearMetrics: [] });
  });
});
