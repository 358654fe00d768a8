import { afterEach, describe, expect, test } from 'vitest';
import { startJobWatch } from '../../src/runtime/job-watch.ts';
import { nudge } from '../../src/runtime/nudge.ts';
import type { RunState } from '../../src/runtime/progress.ts';
import { type Wait, wakesOf } from '../../src/runtime/waits.ts';
import { aLog } from './a-log.ts';

const wait = (more: Partial<Wait> = {}): Wait => ({
  session: 's1',
  call: 'c1',
  parkedAt: '4',
  runIds: ['7', '8'],
  until: 'all',
  conditions: [],
  metric: null,
  ...more,
});
const running: RunState = { status: 'RUNNING', terminal: false };
const ended: RunState = { status: 'SUCCEEDED', terminal: true };
const unreadable: RunState = { status: 'UNREADABLE', terminal: false };
const curve = (...values: number[]): RunState => ({ ...running, histories: { val_f1: values.map((value, step) => ({ step, value })) } });
const below = { metric: 'val_f1', kind: 'below' as const, value: 0.6, after_step: 1 };

describe('what a wait is told', () => {
  test.each<[string, Wait, Record<string, RunState>, string[]]>([
    ['nothing while all run', wait(), { '7': running, '8': running }, []],
    ['nothing while one of all runs', wait(), { '7': ended, '8': running }, []],
    ['nothing where one was never looked at', wait(), { '7': ended }, []],
    ['the end of all', wait(), { '7': ended, '8': ended }, ['job']],
    ['the end of any', wait({ until: 'any' }), { '7': ended, '8': running }, ['job']],
    ['at once that one of them can not be seen any more', wait(), { '7': running, '8': unreadable }, ['job']],
    ['a condition that came true on one of them', wait({ conditions: [below] }), { '7': curve(0.7, 0.7, 0.7), '8': curve(0.7, 0.7, 0.5) }, ['tripwire']],
    ['not before its step', wait({ conditions: [below] }), { '7': curve(0.2, 0.3), '8': running }, []],
    [
      'a condition and the end',
      wait({ until: 'any', conditions: [below] }),
      { '7': { ...curve(0.7, 0.7, 0.5), terminal: true }, '8': running },
      ['tripwire', 'job'],
    ],
  ])('%s', (_, waiting, states, why) => {
    expect(wakesOf(waiting, new Map(Object.entries(states))).map((w) => w.command.why)).toEqual(why);
  });

  test('the facts of a condition, with the run it came true on', () => {
    const [wake] = wakesOf(wait({ conditions: [below] }), new Map([['8', curve(0.7, 0.7, 0.5)]]));
    expect(wake?.command.data).toEqual({
      run_id: '8',
      metric: 'val_f1',
      step: 2,
      value: 0.5,
      condition: below,
      condition_in_words: 'val_f1 below 0.6 after step 1',
    });
  });
});

describe('the watcher', () => {
  const closing: (() => unknown)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0)) await close();
  });

  test('asks about each run once however many wait, does not ask about what has ended, and wakes all when their last has', async () => {
    const t = aLog();
    closing.push(t.close);
    const waits = { run_ids: ['7', '8'], until: 'all', conditions: [] };
    for (const sid of ['a', 'b']) await t.redis.hset(t.keys.waits, `${sid} c1`, `4 ${JSON.stringify(waits)}`);
    const states = new Map<string, RunState>([
      ['7', ended],
      ['8', running],
    ]);
    const asked: string[][] = [];
    const told: string[] = [];
    const watch = startJobWatch({
      redis: t.redis,
      keys: t.keys,
      everyMs: 20,
      poll: async (runs) => {
        asked.push(runs.map((r) => r.runId));
        return states;
      },
      deliver: async (_, command) => {
        if (command.do === 'wake') told.push(`${command.session} ${command.why} ${JSON.stringify(command.data?.['runs'])}`);
        return { is: 'stored', session: '', seq: 1, alias: '' };
      },
      failed: (error) => told.push(String(error)),
    });
    closing.push(watch.stop);
    await until(() => asked.length === 1);
    states.set('8', ended);
    await nudge(t.redis, t.keys);
    await until(() => told.length === 2);
    expect(asked.slice(0, 2)).toEqual([['7', '8'], ['8']]);
    const runs = '[{"run_id":"7","status":"SUCCEEDED"},{"run_id":"8","status":"SUCCEEDED"}]';
    expect(told).toEqual([`a job ${runs}`, `b job ${runs}`]);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(told).toHaveLength(2);
  });

  test('writes how far a run is and has the thread looked at, only where a reader would see a change', async () => {
    const t = aLog();
    closing.push(t.close);
    await t.redis.hset(t.keys.waits, 'a c1', `4 ${JSON.stringify({ run_ids: ['7'], until: 'all', conditions: [], metric: 'val_f1' })}`);
    let state: RunState = { ...curve(0.3, 0.5), metric: 'val_f1', epochs: 20, startedAt: Date.now() - 600_500 };
    const metrics: string[][] = [];
    let looks = 0;
    const watch = startJobWatch({
      redis: t.redis,
      keys: t.keys,
      everyMs: 20,
      poll: async (runs) => {
        looks++;
        metrics.push(...runs.map((r) => r.metrics));
        return new Map([['7', state]]);
      },
      deliver: async () => ({ is: 'stored', session: '', seq: 1, alias: '' }),
      failed: (error) => metrics.push([String(error)]),
    });
    closing.push(watch.stop);
    const stale = () => t.redis.zscore(t.keys.stale, 'a');
    await until(async () => (await stale()) !== null);
    expect(JSON.parse((await t.redis.hget(t.keys.progress('a'), '7')) ?? '')).toMatchObject({
      status: 'RUNNING',
      at: 'epoch 2 of 20',
      elapsed_s: 600,
      curve: [
        [0, 0.3],
        [1, 0.5],
      ],
    });
    await t.redis.zrem(t.keys.stale, 'a');
    await nudge(t.redis, t.keys);
    await until(() => looks === 2);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(await stale()).toBeNull();
    state = { ...state, ...curve(0.3, 0.5, 0.6) };
    await nudge(t.redis, t.keys);
    await until(async () => (await stale()) !== null);
    expect(metrics).toEqual([['val_f1'], ['val_f1'], ['val_f1']]);
  });
});

async function until(look: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + 5_000;
  while (!(await look())) {
    if (Date.now() > end) throw new Error('waited 5 s for nothing');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
