import { expect, test } from 'vitest';
import { cameTo, stepEnd } from '../../src/session/came-to.ts';
import type { Outcome, SessionEvent } from '../../src/session/events.ts';
import { asks, opened, replied, sessionOf, started } from './logs.ts';

type Step = { tool: string; input?: unknown; outcome: Outcome; acted?: boolean };
const ok = (data: Record<string, unknown> = {}): Outcome => ({ status: 'ok', text: '', data });
const not = (status: Outcome['status']): Outcome => ({ status, text: '' });
const run = (id: string): Step => ({ tool: 'run_databricks_job', outcome: ok({ status: 'started', run_id: id }), acted: true });
const saw = (...states: string[]): Step => ({ tool: 'wait_for_job', outcome: ok({ runs: states.map((status, i) => ({ run_id: String(i + 1), status })) }) });
const tripped = (id: string): Step => ({
  tool: 'wait_for_job',
  outcome: ok({ runs: [{ run_id: id, status: 'RUNNING' }], woken_by: 'tripwire', tripped: [{ run_id: id, condition_in_words: 'val_f1 not a number' }] }),
});
const late = (id: string): Step => ({ tool: 'wait_for_job', outcome: ok({ runs: [{ run_id: id, status: 'RUNNING' }], woken_by: 'deadline' }) });
const cancel = (id: string): Step => ({ tool: 'cancel_job_run', input: { run_id: id }, outcome: ok({ status: 'cancel_requested', run_id: id }), acted: true });
const pull = (outcome: Outcome, acted = false): Step => ({ tool: 'create_github_pr', outcome, acted });
const compared: Step = { tool: 'compare_runs', outcome: ok() };

function session(...steps: Step[]) {
  const events = steps.flatMap(({ tool, input, outcome, acted }, i): SessionEvent[] => [
    replied(1, [{ id: `c${i}`, tool, input }]),
    ...(acted ? [asks(`c${i}`, `s1/${i}`), { ...started(`c${i}`), approval: `s1/${i}` }] : []),
    { type: 'call_finished', call: `c${i}`, outcome },
  ]);
  return sessionOf([opened(), ...events, replied(1), { type: 'ended', outcome: 'done', text: '' }]);
}

test.each<[string, Step[], string]>([
  ['a plain answer', [], 'Answered'],
  ['a run that succeeded', [run('1'), saw('SUCCEEDED'), compared], 'Done'],
  ['a run that failed', [run('1'), saw('FAILED')], 'Failed: the training run failed'],
  ['a run out of time', [run('1'), saw('TIMED_OUT')], 'Failed: the training run ran out of time'],
  ['a run that was canceled', [run('1'), saw('CANCELED')], 'Ended: the training run was canceled'],
  ['a run that its own condition ended', [run('1'), tripped('1'), cancel('1'), saw('CANCELED')], 'Ended: the training run was stopped by its condition'],
  ['the same, not looked at afterwards', [run('1'), tripped('1'), cancel('1')], 'Ended: the training run was stopped by its condition'],
  [
    'one of two that its condition ended',
    [run('1'), run('2'), tripped('2'), cancel('2'), saw('SUCCEEDED', 'CANCELED')],
    'Done in part: 1 of 2 training runs was stopped by its condition',
  ],
  [
    'two that their conditions ended',
    [run('1'), run('2'), tripped('1'), cancel('1'), tripped('2'), cancel('2'), saw('CANCELED', 'CANCELED')],
    'Ended: both training runs were stopped by their conditions',
  ],
  ['a run that was canceled though no condition came true', [run('1'), cancel('1'), saw('CANCELED')], 'Ended: the training run was canceled'],
  ['a run that somebody else canceled after a condition had come true', [run('1'), tripped('1'), saw('CANCELED')], 'Ended: the training run was canceled'],
  [
    'a run that went on after its condition, and was canceled when a later wait had taken too long',
    [run('1'), tripped('1'), late('1'), cancel('1'), saw('CANCELED')],
    'Ended: the training run was stopped after its deadline',
  ],
  ['a run whose deadline had passed, not looked at afterwards', [run('1'), late('1'), cancel('1')], 'Ended: the training run was stopped after its deadline'],
  [
    'two whose deadlines had passed',
    [run('1'), run('2'), late('1'), cancel('1'), late('2'), cancel('2'), saw('CANCELED', 'CANCELED')],
    'Ended: both training runs were stopped after their deadlines',
  ],
  [
    'one that its condition ended and one whose deadline had passed',
    [run('1'), run('2'), tripped('1'), cancel('1'), late('2'), cancel('2'), saw('CANCELED', 'CANCELED')],
    'Ended: both training runs were canceled',
  ],
  [
    'a run that a person had canceled when asked about the deadline',
    [run('1'), late('1'), { tool: 'ask_person', outcome: ok() }, cancel('1'), saw('CANCELED')],
    'Ended: the training run was canceled',
  ],
  ['a run that ended by itself in spite of the cancel', [run('1'), late('1'), cancel('1'), saw('SUCCEEDED'), compared], 'Done'],
  [
    'a run that a person had canceled when asked about the condition',
    [run('1'), tripped('1'), { tool: 'ask_person', outcome: ok() }, cancel('1'), saw('CANCELED')],
    'Ended: the training run was canceled',
  ],
  ['all of several', [run('1'), run('2'), saw('FAILED', 'FAILED')], 'Failed: both training runs failed'],
  ['one of several', [run('1'), run('2'), saw('FAILED', 'SUCCEEDED')], 'Done in part: 1 of 2 training runs failed'],
  ['a repaired run', [run('1'), saw('FAILED'), saw('SUCCEEDED')], 'Done'],
  ["somebody else's failed run, looked at", [saw('FAILED')], 'Answered'],
  ["a mounted server's look", [{ tool: 'mcp__lab__find', outcome: ok({ read_only: true }), acted: true }], 'Answered'],
  ['a denial', [{ tool: 'run_databricks_job', outcome: not('denied') }], 'Denied'],
  [
    'a refusal',
    [
      { tool: 'run_databricks_job', outcome: not('refused') },
      { tool: 'list_databricks_jobs', outcome: ok() },
    ],
    'Refused',
  ],
  ['nobody who decided', [{ tool: 'run_databricks_job', outcome: not('expired') }], 'Ended: nobody approved it in time'],
  ['a denial after work', [run('1'), saw('SUCCEEDED'), compared, pull(not('denied'))], 'Done in part: a step was denied'],
  ['a denial that was mended', [run('1'), pull(not('denied')), pull(ok(), true)], 'Done'],
  ['a look that failed and was corrected', [{ tool: 'get_github_file', outcome: not('failed') }, compared], 'Done'],
  ['a last step that failed', [{ tool: 'get_github_file', outcome: not('failed') }], 'Ended: the last step failed'],
  ['a question nobody resolved', [{ tool: 'run_databricks_job', outcome: ok({ status: 'question' }) }], 'Ended with an open question'],
  ['a question that was resolved', [{ tool: 'run_databricks_job', outcome: ok({ status: 'question' }) }, run('1')], 'Done'],
])('%s', (_, steps, words) => {
  expect(cameTo(session(...steps))).toBe(words);
});

test('a look at a run that failed is a failed step, though the look itself went well', () => {
  const ends = (...steps: Step[]) => [...session(...steps).calls.values()].map(stepEnd);
  expect(ends(run('1'), saw('FAILED'), pull(not('denied')))).toEqual(['done', 'failed', 'denied']);
  expect(ends(saw('RUNNING'), compared)).toEqual(['done', 'done']);
});
