import { expect, test } from 'vitest';
import { retryAt } from '../../src/agent/backoff.ts';
import { announced } from '../../src/session/failing.ts';

test.each<[string, number | null, number | null]>([
  ['nothing', null, null],
  ['at once, which would be again and again', 0, null],
  ['a moment', 1_000, 1_000],
  ['more time than a date can hold', 1e24, 86_400_000],
  ['no number', Number.NaN, null],
])('an upstream that announces %s', (_what, said, wait) => {
  expect(announced(said)).toBe(wait);
});

test('without an announcement the wait doubles up to five minutes', () => {
  const waits = [1, 2, 3, 20].map((attempt) => Date.parse(retryAt(0, attempt, null, 0.5)));
  expect(waits).toEqual([1_250, 2_250, 4_250, 150_250]);
});
