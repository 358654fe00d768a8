import { describe, expect, test } from 'vitest';
import { DECIDE_WITHIN_MS, decidedAtStop, type OnStop } from '../../src/session/after-stop.ts';
import type { SessionEvent } from '../../src/session/events.ts';
import { next } from '../../src/session/next.ts';
import { transcript } from '../../src/session/transcript.ts';
import { approved, asks, finished, LIMITS, opened, replied, START, sessionOf, started, told } from './logs.ts';

const running: SessionEvent[] = [opened(), replied(1, [{ id: 'c1', tool: 'run_databricks_job' }]), asks('c1'), approved('c1'), started('c1')];
const training = [...running, finished('c1', { run_id: '7', run_url: 'http://d/7', status: 'RUNNING' })];
const stopped = [...training, told('Stop.', 'stop')];
const offered: SessionEvent[] = [...stopped, { type: 'noted', about: 'offer', text: 'Stopped. Still running: run 7 (http://d/7).' }];
const OFFERED_AT = START + 7 * 60_000;
const yes = told('Cancel the run.', 'cancel_run', 'approver', 'U2');
const canceling: SessionEvent[] = [
  ...offered,
  yes,
  { ...replied(8, [{ id: 'stop-7', tool: 'cancel_job_run', input: { run_id: '7' } }]), model: 'host', content: [], host: true },
];

const step = (events: SessionEvent[], onStop: OnStop = 'ask', now = OFFERED_AT) => next(sessionOf(events), now, { ...LIMITS, onStop });
const words = (events: SessionEvent[], onStop?: OnStop, now?: number) => {
  const end = step(events, onStop, now);
  return end.do === 'end' ? end.text : end.do;
};

describe('a stop while a run goes on', () => {
  const WAITS = [{ id: 'look-7', tool: 'wait_for_job', input: { run_ids: ['7'], deadline: '15m' } }];
  const waiting: SessionEvent[] = [...offered, { ...replied(7, WAITS), model: 'host', content: [], host: true }];
  const late = OFFERED_AT + DECIDE_WITHIN_MS;
  const parked: SessionEvent[] = [
    ...waiting,
    {
      type: 'call_parked',
      call: 'look-7',
      waiting: { for: 'job', run_ids: ['7'], until: 'all', conditions: [], deadline: new Date(late).toISOString() },
    },
  ];

  test('asks what becomes of it, once, and waits through the gate until it ends, for fifteen minutes', () => {
    expect(step(stopped)).toEqual({ do: 'settle', events: [offered.at(-1)] });
    expect(step(offered)).toMatchObject({ do: 'settle', events: [{ type: 'replied', host: true, calls: WAITS }] });
    expect(step(waiting)).toMatchObject({ do: 'call', call: { id: 'look-7' } });
    expect(step(parked)).toEqual({ do: 'park', until: late });
    expect(step(parked, 'ask', late)).toEqual({ do: 'settle', events: [{ type: 'woken', call: 'look-7', why: 'deadline' }] });
  });

  test('an end of the run is told when it comes, without an answer', () => {
    expect(step([...parked, { type: 'woken', call: 'look-7', why: 'job' }])).toMatchObject({ do: 'call', call: { id: 'look-7' } });
    expect(words([...parked, finished('look-7', { runs: [{ run_id: '7', status: 'SUCCEEDED' }] })])).toBe(
      'Stopped by <@U1>. Run 7 ended meanwhile (SUCCEEDED).',
    );
  });

  test('who answers ends the wait, and what they want is done', () => {
    const settles = step([...parked, yes]);
    expect(settles).toMatchObject({ do: 'settle', events: [{ type: 'call_finished', call: 'look-7', outcome: { status: 'ok' } }] });
    const events = settles.do === 'settle' ? settles.events : [];
    expect(step([...parked, yes, ...events])).toMatchObject({ do: 'settle', events: [{ type: 'replied', calls: [{ id: 'stop-7', tool: 'cancel_job_run' }] }] });
    expect(words([...parked, told('Leave it.', 'leave_run'), ...events])).toMatch(/^Stopped by <@U1>\. Left running: run 7/);
  });

  test('what is said beside it ends no wait: nobody thinks here any more', () => {
    const thanks = told('Thanks, I decide in a minute.');
    expect(step([...parked, thanks])).toEqual({ do: 'park', until: late });
    const [wait] = parked.slice(-1) as [SessionEvent];
    expect(step([...waiting, thanks, wait])).toEqual({ do: 'park', until: late });
  });

  test('who answers is heard, though the wait has been given up', () => {
    const failing: SessionEvent[] = [
      ...waiting,
      {
        type: 'call_parked',
        call: 'look-7',
        waiting: { for: 'retry', at: new Date(OFFERED_AT).toISOString(), why: 'HTTP 500.', upstream: 'Databricks', attempt: 10 },
      },
      { type: 'noted', about: 'attention', call: 'look-7', text: 'HTTP 500. Tried 10 times.' },
    ];
    const over = step(failing);
    expect(over).toMatchObject({ do: 'settle', events: [{ type: 'call_finished', call: 'look-7' }] });
    for (const given of [[], over.do === 'settle' ? over.events : []]) {
      const events: SessionEvent[] = [...failing, ...given, yes];
      for (let settles = step(events); settles.do === 'settle'; settles = step(events)) events.push(...settles.events);
      expect(step(events)).toMatchObject({ do: 'call', call: { id: 'stop-7', tool: 'cancel_job_run' } });
    }
  });

  test('where it cannot be waited for, people still have their fifteen minutes', () => {
    const failed = [...waiting, finished('look-7', {}, 'failed')];
    expect(step(failed)).toEqual({ do: 'park', until: late });
  });

  test.each<[string, string]>([
    ['no answer leaves it', words([...waiting, finished('look-7', { runs: [{ run_id: '7', status: 'RUNNING' }] })], 'ask', late)],
    ['so does one where Databricks cannot say', words([...waiting, finished('look-7', {}, 'failed')], 'ask', late)],
    ['"leave" only names it', words(stopped, 'leave')],
  ])('%s', (_, text) => {
    expect(text).toBe('Stopped by <@U1>. Still running: run 7 (http://d/7). Cancel it in Databricks, or ask for it here.');
  });

  test('of several it says what tells each from the others', () => {
    const start = (call: string, feature_set: string) => ({ ...started(call), arguments: { job_id: '101', parameters: { feature_set, lr: 0.1 } } });
    const both: SessionEvent[] = [
      opened(),
      replied(1, [
        { id: 'c1', tool: 'run_databricks_job' },
        { id: 'c2', tool: 'run_databricks_job' },
      ]),
      ...[asks('c1'), asks('c2', 's1/2'), approved('c1'), approved('c2', 'U2', 's1/2'), start('c1', 'v1'), { ...start('c2', 'v2'), approval: 's1/2' }],
      ...[finished('c1', { run_id: '7', run_url: 'http://d/7' }), finished('c2', { run_id: '8' }), told('Stop.', 'stop')],
    ];
    expect(words(both, 'leave')).toContain('Still running: run 7 (http://d/7) with feature_set=v1, run 8 with feature_set=v2. Cancel');
  });

  test('"Leave it" leaves it, and a later click changes nothing', () => {
    const left = [...offered, told('Leave it.', 'leave_run')];
    expect(words(left)).toBe('Stopped by <@U1>. Left running: run 7 (http://d/7). Cancel it in Databricks, or ask for it here.');
    expect(words([...left, yes])).toContain('Left running');
  });

  test.each<[string, SessionEvent[], OnStop]>([
    ['"Cancel the run"', [...offered, yes], 'ask'],
    ['"cancel" by itself, without a question', stopped, 'cancel'],
  ])('%s has the host ask for the tool', (_, events, onStop) => {
    const settles = step(events, onStop);
    expect(settles).toMatchObject({
      do: 'settle',
      events: [{ type: 'replied', host: true, calls: [{ id: 'stop-7', tool: 'cancel_job_run', input: { run_id: '7' } }] }],
    });
  });

  test('the call of the host is made after the stop, through the gate like any other, and the end says what came of it', () => {
    expect(step(canceling)).toMatchObject({ do: 'call', call: { id: 'stop-7' } });
    expect(decidedAtStop(sessionOf(canceling), 'stop-7')).toBe(true);
    expect(words([...canceling, finished('stop-7', { status: 'cancel_requested', run_id: '7' })])).toBe('Stopped by <@U1>. Canceled: run 7 (http://d/7).');
    const failed: SessionEvent = {
      type: 'call_finished',
      call: 'stop-7',
      outcome: { status: 'failed', text: 'ALREADY_ENDED: Run 7 has ended already. Next: read it. (not retryable)' },
    };
    expect(words([...canceling, failed])).toBe('Stopped by <@U1>. Run 7 was not canceled: it has ended already.');
  });

  test('what the model itself had canceled before the stop is neither asked about nor said to go on; what it failed to cancel is', () => {
    const calls: SessionEvent[] = [replied(7, [{ id: 'c2', tool: 'cancel_job_run', input: { run_id: '7' } }]), started('c2')];
    const canceled = [...training, ...calls, finished('c2', { status: 'cancel_requested', run_id: '7' }), told('Stop.', 'stop')];
    expect(words(canceled)).toBe('Stopped by <@U1>. Canceled: run 7 (http://d/7).');
    expect(decidedAtStop(sessionOf(canceled), 'c2')).toBe(false);
    const failed: SessionEvent = { type: 'call_finished', call: 'c2', outcome: { status: 'failed', text: 'Databricks refused it.' } };
    expect(step([...training, ...calls, failed, told('Stop.', 'stop')])).toEqual({ do: 'settle', events: [offered.at(-1)] });
  });

  test('what an answer asks for that was on its way when the stop came is not made', () => {
    const late = [...stopped, replied(6, [{ id: 'c2', tool: 'cancel_job_run', input: { run_id: '7' } }])];
    expect(step(late)).toMatchObject({ do: 'settle', events: [{ type: 'call_finished', call: 'c2' }] });
  });

  test('where a rule wants a yes even to that, nobody is asked after the stop', () => {
    expect(step([...canceling, asks('stop-7', 's1/2')])).toMatchObject({
      do: 'settle',
      events: [{ type: 'withdrawn' }, { type: 'call_finished', call: 'stop-7' }],
    });
  });

  test('a run that has ended is not asked about', () => {
    const over = [...running, finished('c1', { run_id: '7', status: 'SUCCEEDED' }), told('Stop.', 'stop')];
    expect(words(over)).toBe('Stopped by <@U1>. Nothing was left running.');
  });

  test("the host's call is no part of the conversation with the model", () => {
    const roles = transcript(sessionOf([...canceling, finished('stop-7')]), () => null).map((m) => m.role);
    expect(roles).toEqual(['user', 'assistant', 'user']);
  });
});
