import { expect, it } from 'vitest';
import { contradictsConfig, direction } from '../../src/analysis/direction.ts';

it.each([
  ['val_f1', 'max'],
  ['valF1', 'max'],
  ['eval/accuracy', 'max'],
  ['roc_auc', 'max'],
  ['test.ndcg@10', 'max'],
  ['val_loss', 'min'],
  ['logloss', 'min'],
  ['rmse', 'min'],
  ['p95_latency_ms', 'min'],
  ['perplexity', 'min'],
  ['neg_mean_squared_error', 'max'],
] as const)('guesses %s from its name: %s', (metric, expected) => {
  expect(direction(metric, {})).toEqual({ direction: expected, source: 'name-guess' });
});

it.each(['ctr', 'score', 'precision_loss', 'closs', 'f1000', ''])('does not guess %s', (metric) => {
  expect(direction(metric, {})).toBeNull();
});

it('believes what was said before the configuration, and that before the name', () => {
  expect(direction('val_f1', { prompt: 'min', config: { val_f1: 'max' } })).toEqual({ direction: 'min', source: 'prompt' });
  expect(direction('val_f1', { config: { val_f1: 'min' } })).toEqual({ direction: 'min', source: 'config' });
  expect(direction('constructor', { config: {} })).toBeNull();
});

it('sees where what was said contradicts the configuration', () => {
  expect(contradictsConfig('m', 'min', { m: 'max' })).toBe(true);
  expect(contradictsConfig('m', 'max', { m: 'max' })).toBe(false);
  expect(contradictsConfig('m', undefined, { m: 'max' })).toBe(false);
});
