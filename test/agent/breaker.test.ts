import { expect, test } from 'vitest';
import { makeBreakers } from '../../src/agent/breaker.ts';

const fail = (b: ReturnType<typeof makeBreakers>, times: number[]) => {
  for (const at of times) b.failed('mlflow', at);
};

test('five failures within half a minute open it, and nobody asks until it is time', () => {
  const b = makeBreakers();
  fail(b, [0, 1_000, 2_000, 3_000]);
  expect(b.wait('mlflow', 3_500)).toBe(0);
  fail(b, [4_000]);
  expect(b.wait('mlflow', 4_000)).toBe(5_000);
  expect(b.wait('databricks', 4_000)).toBe(0);
  expect(b.open()).toEqual([{ upstream: 'mlflow', since: 4_000 }]);
});

test('failures that are far apart do not', () => {
  const b = makeBreakers();
  fail(b, [0, 20_000, 40_000, 60_000, 80_000, 100_000]);
  expect(b.wait('mlflow', 100_000)).toBe(0);
});

test('then one asks, and the others wait for what it finds', () => {
  const b = makeBreakers();
  fail(b, [0, 0, 0, 0, 0]);
  expect(b.wait('mlflow', 5_000)).toBe(0);
  expect(b.wait('mlflow', 5_001)).toBe(5_000);
  b.worked('mlflow');
  expect(b.wait('mlflow', 5_002)).toBe(0);
  expect(b.open()).toEqual([]);
});

test('a probe that fails opens it for longer, and one that is lost does not shut it for good', () => {
  const b = makeBreakers();
  fail(b, [0, 0, 0, 0, 0]);
  expect(b.wait('mlflow', 5_000)).toBe(0);
  b.failed('mlflow', 5_000);
  expect(b.wait('mlflow', 5_000)).toBe(10_000);
  expect(b.wait('mlflow', 15_000)).toBe(0);
  expect(b.wait('mlflow', 15_001)).toBe(5_000);
  expect(b.wait('mlflow', 140_000)).toBe(0);
});
