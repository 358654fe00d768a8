import { expect, test } from 'vitest';
import { progressOf, type RunProgress } from '../../src/runtime/progress.ts';
import { narrate } from '../../src/slack/narrate.ts';
import { trainingChart, trainingLines } from '../../src/slack/views/training.ts';
import { finished, opened, replied, sessionOf, waitsForJob } from '../session/logs.ts';

const run = (more: Partial<RunProgress> = {}): RunProgress => ({
  run_id: '7',
  name: 'run 7',
  status: 'RUNNING',
  ended: false,
  elapsed_s: 30,
  usual: { s: 50, of: 4 },
  metric: 'val_f1',
  at: 'epoch 3 of 20',
  curve: [
    [0, 0.3],
    [1, 0.5],
    [2, 0.6],
  ],
  ...more,
});

test('a line for the state with an estimate that says where it comes from, and one for the curve', () => {
  expect(trainingLines([run()])).toEqual([
    'running for 30 s, about 20 s left (median of 4 past successes: 50 s)',
    'epoch 3 of 20: val_f1 ▁▆█  0.3 → 0.6 (min 0.3, max 0.6)',
  ]);
  expect(trainingLines([run({ elapsed_s: 3_720, usual: { s: 3_600, of: 1 } })])[0]).toBe(
    'running for 62 min, longer than usual (median of 1 past success: 60 min)',
  );
  expect(trainingLines([run({ status: 'FAILED', ended: true, metric: null })])).toEqual(['failed after 30 s']);
  expect(trainingLines([run({ status: 'PENDING', elapsed_s: null, usual: null, metric: null, at: null, curve: [] })])).toEqual(['pending']);
});

test('several runs are told apart by name, and past six they are counted', () => {
  const many = Array.from({ length: 8 }, (_, i) => run({ run_id: String(i), name: `seed=${i}`, metric: null }));
  const lines = trainingLines(many);
  expect(lines[0]).toBe('seed=0: running for 30 s, about 20 s left (median of 4 past successes: 50 s)');
  expect(lines.at(-1)).toBe('and 2 more runs');
});

test('a chart comes with the third point, all runs over each other', () => {
  expect(trainingChart([run({ curve: run().curve.slice(0, 2) })])).toBeNull();
  const chart = trainingChart([run({ name: 'seed=1' }), run({ run_id: '8', name: 'seed=2' })]);
  expect(chart).toMatchObject({ type: 'data_visualization', title: 'val_f1 so far', chart: { series: [{ name: 'seed=1' }, { name: 'seed=2' }] } });
});

test('long trainings that are not equally far share most of the steps that are drawn', () => {
  const trained = (runId: string, steps: number) => {
    const histories = { val_f1: Array.from({ length: steps }, (_, step) => ({ step, value: step / 2000 })) };
    return progressOf(runId, runId, { status: 'RUNNING', terminal: false, startedAt: 0, metric: 'val_f1', histories }, 60_000);
  };
  const runs = [trained('7', 1200), trained('8', 900)];
  for (const { curve } of runs) {
    expect(curve.length).toBeGreaterThanOrEqual(10);
    expect(curve.length).toBeLessThanOrEqual(20);
  }
  expect(runs[1]!.curve.at(-1)?.[0]).toBe(899);
  const chart = trainingChart(runs) as unknown as { chart: { series: unknown[]; axis_config: { categories: string[] } } };
  expect(chart.chart.series).toHaveLength(2);
  expect(chart.chart.axis_config.categories.length).toBeGreaterThanOrEqual(7);
});

test('a wait that messages interrupt stays one line, and is not done before the run is', () => {
  const ask = (id: string, seq: number) => replied(seq, [{ id, tool: 'wait_for_job', input: { run_ids: ['7'] } }]);
  const cut = (id: string) => finished(id, { woken_by: 'message', still_running: true, runs: [] });
  const events = [opened(), ask('c1', 1), cut('c1'), ask('c2', 3), cut('c2')];
  const tasks = (...more: Parameters<typeof sessionOf>[0]) => {
    const plan = narrate(sessionOf([...events, ...more]), { approvers: {} }).find((s) => s.name === 'plan');
    const [block] = (plan && 'blocks' in plan ? plan.blocks : []) as unknown as { tasks: { task_id: string; status: string }[] }[];
    return block?.tasks.map((task) => `${task.task_id} ${task.status}`);
  };
  expect(tasks()).toEqual(['c2 in_progress']);
  expect(tasks(ask('c3', 5), waitsForJob('c3'))).toEqual(['c3 in_progress']);
  expect(tasks(ask('c3', 5), finished('c3', { woken_by: 'job', runs: [] }))).toEqual(['c3 complete']);
});

test('the live message shows it only while the run is waited for', () => {
  const walk = [opened(), replied(1, [{ id: 'c1', tool: 'wait_for_job' }]), waitsForJob('c1')];
  const plan = (...events: Parameters<typeof sessionOf>[0]) =>
    JSON.stringify(narrate(sessionOf(events), { approvers: {}, progress: [run(), run({ run_id: '9', at: 'epoch 19 of 20' })] }).find((s) => s.name === 'plan'));
  expect(plan(...walk)).toContain('epoch 3 of 20');
  expect(plan(...walk)).not.toContain('epoch 19 of 20');
  expect(plan(...walk, finished('c1'))).not.toContain('epoch 3 of 20');
});
