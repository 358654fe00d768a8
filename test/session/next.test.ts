import { describe, expect, test } from 'vitest';
import type { SessionEvent } from '../../src/session/events.ts';
import { next } from '../../src/session/next.ts';
import { approved, asks, denied, finished, LIMITS, opened, replied, START, sessionOf, started, told, waitsForAnswer, waitsForJob } from './logs.ts';

const run = { id: 'c1', tool: 'run_databricks_job' };
const wait = { id: 'c1', tool: 'wait_for_job' };
const day = 86_400_000;
const retryWait = (at: number): SessionEvent => ({
  type: 'call_parked',
  call: 'c1',
  waiting: { for: 'retry', at: new Date(at).toISOString(), why: 'busy', upstream: 'mlflow', attempt: 1 },
});
const takenBack: SessionEvent = { type: 'withdrawn', call: 'c1', approval: 's1/1', by: 'U2', of: 'vote' };
const attention: SessionEvent = { type: 'noted', about: 'attention', call: 'c1', text: 'Ten times.' };
const modelWait = (at: number): SessionEvent => ({
  type: 'noted',
  about: 'retry',
  text: 'overloaded',
  until: new Date(at).toISOString(),
  attempt: 1,
  upstream: 'Claude',
});

/** What is to be done, in short: the step's name and what it is about. */
function shortly(events: SessionEvent[], now = START + 3_600_000) {
  const step = next(sessionOf(events), now, LIMITS);
  if (step.do === 'call') return `call ${step.call.id}`;
  if (step.do === 'settle') return `settle ${step.events.map((e) => (e.type === 'call_finished' ? e.outcome.status : e.type)).join(', ')}`;
  if (step.do === 'park') return `park ${step.until === null ? 'for good' : (step.until - START) / 60_000}`;
  if (step.do === 'end') return `end ${step.outcome}`;
  if (step.do === 'expire') return `expire ${step.approval}`;
  return step.do;
}

describe('what to do next', () => {
  test.each<[string, SessionEvent[], string]>([
    ['a new session is thought about', [opened()], 'think'],
    ['a call is made', [opened(), replied(1, [run])], 'call c1'],
    ['calls of one reply are made in order', [opened(), replied(1, [run, { id: 'c2', tool: 'x' }]), finished('c1')], 'call c2'],
    ['a call that waits for approval holds nothing until it expires', [opened(), replied(1, [run]), asks('c1')], 'park 1440'],
    [
      'a yes taken back while a backend is away is waited for again',
      [opened(), replied(1, [run]), asks('c1'), approved('c1'), retryWait(START + 60_000), takenBack],
      'park 1440',
    ],
    [
      'given once more it is enough',
      [opened(), replied(1, [run]), asks('c1'), approved('c1'), retryWait(START + 60_000), takenBack, approved('c1')],
      'call c1',
    ],
    [
      'but where a person was asked to look, "again" is waited for as well',
      [opened(), replied(1, [run]), asks('c1'), approved('c1'), retryWait(START + 60_000), attention, takenBack, approved('c1')],
      'park for good',
    ],
    ['a neighbour of a parked call goes on', [opened(), replied(1, [run, { id: 'c2', tool: 'x' }]), asks('c1')], 'call c2'],
    ['an approved call is made', [opened(), replied(1, [run]), asks('c1'), approved('c1')], 'call c1'],
    ['a denied call is finished with its reason', [opened(), replied(1, [run]), asks('c1'), denied('c1', 'U2', 'too dear')], 'settle denied'],
    ['a call that was cut off is recovered before anything else', [opened(), replied(1, [run]), asks('c1'), approved('c1'), started('c1')], 'call c1'],
    ['all calls finished: the model is asked', [opened(), replied(1, [run]), asks('c1'), approved('c1'), started('c1'), finished('c1')], 'think'],
    ['a wait for a job holds nothing', [opened(), replied(1, [wait]), waitsForJob('c1')], 'park for good'],
    ['a finished job wakes the call', [opened(), replied(1, [wait]), waitsForJob('c1'), { type: 'woken', call: 'c1', why: 'job' }], 'call c1'],
    ['a message interrupts a wait for a job', [opened(), replied(1, [wait]), waitsForJob('c1'), told('how is it?')], 'call c1'],
    ['a colleague who was not asked does not', [opened(), replied(1, [wait]), waitsForJob('c1'), told('nice', 'message', 'other', 'U9')], 'park for good'],
    ['a message does not interrupt a wait for approval', [opened(), replied(1, [run]), asks('c1'), told('hurry')], 'park 1440'],
    ['an answer finishes its question', [opened(), replied(1, [wait]), waitsForAnswer('c1'), told('the first')], 'call c1'],
    ['a reply without calls ends the session', [opened(), replied(1)], 'end done'],
    ['a message after it is answered first', [opened(), replied(1), told('one more thing')], 'think'],
    ['what the model had seen already is not news', [opened(), told('also lr=0.1'), replied(2)], 'end done'],
    ['a refusal is a normal end that says so', [opened(), replied(1, [], '', 'refusal')], 'end failed'],
    ['a paused reply is continued', [opened(), replied(1, [], 'hm', 'pause_turn')], 'think'],
    ['a stop withdraws the card and the call', [opened(), replied(1, [run]), asks('c1'), told('stop', 'stop')], 'settle withdrawn, withdrawn'],
    ['a stop with nothing open ends', [opened(), told('stop', 'stop')], 'end stopped'],
    [
      'a stop waits for the outcome of what was already sent',
      [opened(), replied(1, [run]), asks('c1'), approved('c1'), started('c1'), told('stop', 'stop')],
      'call c1',
    ],
    ['a change withdraws the card and nothing else', [opened(), replied(1, [run]), asks('c1'), told('lr=0.1 please', 'change')], 'settle withdrawn, withdrawn'],
    ['a change is read before the wait for a job goes on', [opened(), replied(1, [wait]), waitsForJob('c1'), told('lr=0.1', 'change')], 'call c1'],
    ['a message that came before the wait began does not lie unread', [opened(), replied(1, [wait]), told('and log AUC'), waitsForJob('c1')], 'call c1'],
    ['what the model had read before it chose to wait is not news', [opened(), told('and log AUC'), replied(2, [wait]), waitsForJob('c1')], 'park for good'],
    ['a click on "again" that comes too late asks the model nothing', [opened(), replied(1), told('', 'retry')], 'end done'],
    [
      'a stop does not call withdrawn what may have happened',
      [opened(), replied(1, [run]), asks('c1'), approved('c1'), started('c1'), retryWait(START), told('stop', 'stop')],
      'settle unknown',
    ],
    ['an ended session is left alone', [opened(), replied(1), { type: 'ended', outcome: 'done', text: '' }], 'nothing'],
    ['what needs attention waits for a person', [opened(), { type: 'noted', about: 'attention', text: 'bad key' }], 'park for good'],
    ['a retry by a person goes on', [opened(), { type: 'noted', about: 'attention', text: 'bad key' }, told('', 'retry')], 'think'],
  ])('%s', (_name, events, expected) => {
    expect(shortly(events)).toBe(expected);
  });

  test('nobody decided in time: the approval expires, by the log', () => {
    expect(shortly([opened(), replied(1, [run]), asks('c1')], START + day)).toBe('expire s1/1');
  });

  test('a deadline wakes a wait for a job', () => {
    const events = [opened(), replied(1, [wait]), waitsForJob('c1', new Date(START + 7_200_000).toISOString())];
    expect(shortly(events)).toBe('park 120');
    expect(shortly(events, START + 7_200_000)).toBe('settle woken');
  });

  test('a stored wait is slept through and then gone on with, for a tool and for the model', () => {
    const at = START + 7_200_000;
    expect(shortly([opened(), replied(1, [wait]), retryWait(at)])).toBe('park 120');
    expect(shortly([opened(), replied(1, [wait]), retryWait(at)], at)).toBe('call c1');
    expect(shortly([opened(), modelWait(at)])).toBe('park 120');
    expect(shortly([opened(), modelWait(at)], at)).toBe('think');
  });

  test('what failed too often waits for a person, and goes on at their word with its tries counted anew', () => {
    const at = START + 60_000;
    const stuck: SessionEvent[] = [
      opened(),
      replied(1, [wait]),
      retryWait(at),
      { type: 'noted', about: 'attention', text: 'MLflow is away. Tried 10 times.', call: 'c1' },
    ];
    expect(shortly(stuck)).toBe('park for good');
    const again = [...stuck, told('Try again.', 'retry')];
    expect(shortly(again)).toBe('call c1');
    expect(sessionOf(again).calls.get('c1')?.attempts).toBe(0);
  });

  test('an effect that is looked up is given the time of its own request first', () => {
    const events = [opened(), replied(1, [run]), asks('c1'), approved('c1'), started('c1', 'create_github_pr', 6_000)];
    const startedAt = START + 4 * 60_000;
    expect(next(sessionOf(events), startedAt + 6_500, LIMITS)).toEqual({ do: 'park', until: startedAt + 7_000 });
    expect(shortly(events, startedAt + 7_000)).toBe('call c1');
  });

  test('so is one whose request failed: what broke off may still arrive', () => {
    const events = [opened(), replied(1, [run]), asks('c1'), approved('c1'), started('c1', 'create_github_pr', 6_000), retryWait(START)];
    const failedAt = START + 5 * 60_000;
    expect(next(sessionOf(events), failedAt + 6_500, LIMITS)).toEqual({ do: 'park', until: failedAt + 7_000 });
    expect(shortly(events, failedAt + 7_000)).toBe('call c1');
  });

  test('a stop says that it is not known whether a call took effect', () => {
    const text = 'The session was stopped. It is not known';
    const unknown: SessionEvent = { type: 'call_finished', call: 'c1', outcome: { status: 'unknown', text } };
    const step = next(sessionOf([opened(), replied(1, [run]), asks('c1'), approved('c1'), started('c1'), told('stop', 'stop'), unknown]), START, LIMITS);
    expect(step).toEqual({ do: 'end', outcome: 'stopped', text: 'Stopped by <@U1>. Whether run_databricks_job took effect is not known: look there.' });
  });

  test('a wait that its deadline ended stays ended while the look at the run is tried again', () => {
    const woken: SessionEvent = { type: 'woken', call: 'c1', why: 'deadline' };
    const session = sessionOf([opened(), replied(1, [wait]), waitsForJob('c1'), woken, retryWait(START)]);
    expect(session.calls.get('c1')?.woken.map((w) => w.why)).toEqual(['deadline']);
  });

  test('a limit ends the session before another turn, and says which', () => {
    const step = next(sessionOf([opened(), replied(1, [run]), finished('c1')]), START, { ...LIMITS, turns: 1 });
    expect(step).toEqual({ do: 'end', outcome: 'limit', text: 'This session has used its 1 model turns.' });
  });
});
