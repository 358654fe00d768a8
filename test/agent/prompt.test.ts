import { expect, test } from 'vitest';
import { systemPrompt } from '../../src/agent/prompt.ts';

const settings = {
  defaults: { job: '101', experiment: 'ads-rank-v3', repository: 'acme/ads', base: 'main' },
  channelName: 'ml-experiments',
  actIn: ['dev'],
  metrics: { val_f1: 'max', val_loss: 'min' },
  thresholdReading: 'relative',
} as const;

test('the same configuration gives the same bytes, whatever the order of its keys', () => {
  const shuffled = {
    ...settings,
    defaults: { base: 'main', repository: 'acme/ads', experiment: 'ads-rank-v3', job: '101' },
    metrics: { val_loss: 'min', val_f1: 'max' },
  } as const;
  expect(systemPrompt(shuffled)).toBe(systemPrompt(settings));
});

test('the team part is told whole, and what is missing is said to be missing', () => {
  expect(systemPrompt(settings).split('\n').slice(-5)).toEqual([
    '# This team',
    'Defaults for what a request leaves out: job 101; experiment ads-rank-v3; repository acme/ads; base main.',
    'Jobs run in: dev. Anything else is refused.',
    'Metrics: val_f1 (higher is better), val_loss (lower is better). For any other, compare_runs says how it knows the direction.',
    '"More than 1%" with no further word is read as relative to the baseline (kind relative).',
  ]);
  const bare = systemPrompt({ defaults: {}, actIn: [], metrics: {}, thresholdReading: 'points' });
  expect(bare).toContain('Defaults for what a request leaves out: none, so ask.');
  expect(bare).toContain('percentage points (kind points)');
});

test('the prompt is paid for on every turn, so it stays short, and names only tools there are', () => {
  const text = systemPrompt(settings);
  expect(text.length).toBeLessThan(4600);
  expect([...new Set(text.match(/\b[a-z]+(_[a-z]+)+\b/g))].sort()).toEqual(
    [
      'ask_person',
      'compare_runs',
      'earlier_experiment',
      'exclude_run_ids',
      'expected_changes',
      'find_best_run',
      'get_job_status',
      'thread_so_far',
      'val_loss',
      'wait_for_job',
    ].sort(),
  );
  for (const orchestrator of ['Airflow', 'Prefect', 'Dagster']) expect(text).toContain(orchestrator);
});
