import { describe, expect, test } from 'vitest';
import type { Tripwire } from '../../src/session/events.ts';
import { conditionInWords, tripped } from '../../src/session/tripwire.ts';

const curve = (...values: number[]) => values.map((value, step) => ({ step, value }));
const f1 = (more: Partial<Tripwire>): Tripwire => ({ metric: 'val_f1', kind: 'below', ...more });
const NONE = Number.NaN;

describe('where a condition first comes true', () => {
  test.each<[string, Tripwire, { step: number; value: number }[], number | null]>([
    ['below its limit', f1({ value: 0.6 }), curve(0.7, 0.65, 0.59, 0.5), 2],
    ['equal is not below', f1({ value: 0.6 }), curve(0.6, 0.6), null],
    ['only after the step named', f1({ value: 0.6, after_step: 3 }), curve(0.3, 0.4, 0.5, 0.55, 0.61, 0.58), 5],
    ['the step itself does not count', f1({ value: 0.6, after_step: 3 }), curve(0.3, 0.4, 0.5, 0.55), null],
    ['above its limit', f1({ kind: 'above', value: 2 }), curve(1, 2, 2.1), 2],
    ['NaN is neither below nor above', f1({ value: 0.6 }), curve(NONE, NONE), null],
    ['NaN', f1({ kind: 'nan' }), curve(0.4, NONE, 0.5), 1],
    ['an infinity counts as not a number', f1({ kind: 'nan' }), curve(0.4, Number.POSITIVE_INFINITY), 1],
    ['an infinity that the store clipped, too', f1({ kind: 'nan' }), curve(0.4, Number.MAX_VALUE), 1],
    ['no improvement for three steps', f1({ kind: 'stalled', steps: 3, direction: 'max' }), curve(0.4, 0.6, 0.5, 0.6, 0.59, 0.58), 4],
    ['a new best begins the count anew', f1({ kind: 'stalled', steps: 3, direction: 'max' }), curve(0.4, 0.6, 0.5, 0.61, 0.6, 0.6), null],
    ['lower is better', f1({ kind: 'stalled', steps: 2, direction: 'min' }), curve(0.9, 0.5, 0.6, 0.7), 3],
    ['NaN improves nothing', f1({ kind: 'stalled', steps: 2, direction: 'max' }), curve(0.4, NONE, NONE), 2],
    ['steps are counted as logged, not as points', f1({ kind: 'stalled', steps: 10, direction: 'max' }), [at(0, 0.5), at(10, 0.4)], 10],
    ['history comes in any order', f1({ value: 0.6 }), [at(2, 0.5), at(1, 0.55), at(0, 0.7)], 1],
    ['a training that begins below its limit and has not been above yet', f1({ value: 0.6 }), curve(0.3, 0.4, 0.5), null],
    ['one that began below, rose above and dropped again', f1({ value: 0.6 }), curve(0.3, 0.65, 0.58), 2],
    ['a loss that begins above its limit and falls', f1({ kind: 'above', value: 2 }), curve(5, 3, 1.5), null],
    ['a loss that rises again', f1({ kind: 'above', value: 2 }), curve(5, 1.5, NONE, 2.5), 3],
    ['nothing logged', f1({ value: 0.6 }), [], null],
  ])('%s', (_, condition, history, step) => {
    expect(tripped(condition, history)?.step ?? null).toBe(step);
  });
});

test('what never got to the other side counts where it stands at the end', () => {
  expect(tripped(f1({ value: 0.6 }), curve(0.3, 0.5, 0.55, NONE), true)).toEqual({ ...at(2, 0.55), allAlong: true });
  expect(tripped(f1({ value: 0.6 }), curve(0.3, 0.7, 0.65), true)).toBeNull();
  expect(tripped(f1({ value: 0.6 }), [], true)).toBeNull();
});

test('a condition reads as a sentence', () => {
  expect(conditionInWords(f1({ value: 0.6, after_step: 5 }))).toBe('val_f1 below 0.6 after step 5');
  expect(conditionInWords(f1({ kind: 'nan' }))).toBe('val_f1 not a number');
  expect(conditionInWords(f1({ kind: 'stalled', steps: 4 }))).toBe('val_f1 without improvement for 4 steps');
});

function at(step: number, value: number) {
  return { step, value };
}
