import { describe, expect, test } from 'vitest';
import { goesInCircles, overBudget, spent } from '../../src/session/budget.ts';
import type { SessionEvent } from '../../src/session/events.ts';
import { next } from '../../src/session/next.ts';
import { theCall } from '../../src/session/state.ts';
import { finished, LIMITS, opened, replied, START, sessionOf, told, waitsForJob } from './logs.ts';

const look = (id: string, input: unknown = { run_id: '7' }) => ({ id, tool: 'get_job_status', input });
/** Calls that are made and answered one after the other. */
const oneByOne = (...calls: { id: string; tool: string; input: unknown }[]): SessionEvent[] =>
  calls.flatMap((c, i) => [replied(1 + 2 * i, [c]), ...(i < calls.length - 1 ? [finished(c.id)] : [])]);

describe('a call that goes in circles', () => {
  test.each<[string, SessionEvent[], string, boolean]>([
    ['twice the same is allowed', [opened(), ...oneByOne(look('a'), look('b'))], 'b', false],
    ['a third time in a row is not', [opened(), ...oneByOne(look('a'), look('b'), look('c'))], 'c', true],
    [
      'keys in another order are the same',
      [opened(), ...oneByOne(look('a', { x: 1, y: [2] }), look('b', { y: [2], x: 1 }), look('c', { x: 1, y: [2] }))],
      'c',
      true,
    ],
    ['other arguments are another call', [opened(), ...oneByOne(look('a'), look('b'), look('c', { run_id: '8' }))], 'c', false],
    ['something else in between begins anew', [opened(), ...oneByOne(look('a'), look('b'), { ...look('x'), tool: 'x' }, look('c'))], 'c', false],
    ['three in one reply', [opened(), replied(1, [look('a'), look('b'), look('c')])], 'c', true],
    ['a person spoke in between', [opened(), ...oneByOne(look('a'), look('b')), finished('b'), told('and now?'), replied(6, [look('c')])], 'c', false],
    [
      'a bystander does not count',
      [opened(), ...oneByOne(look('a'), look('b')), finished('b'), told('hm', 'message', 'other', 'U9'), replied(6, [look('c')])],
      'c',
      true,
    ],
    [
      'a wait that was woken is no repetition',
      [opened(), replied(1, [look('a')]), waitsForJob('a'), { type: 'woken', call: 'a', why: 'deadline' }, finished('a'), ...oneByOne(look('b'), look('c'))],
      'c',
      false,
    ],
  ])('%s', (_name, events, id, stopped) => {
    const s = sessionOf(events);
    expect(goesInCircles(s, theCall(s, id)) !== null).toBe(stopped);
  });

  test('is finished with a sentence and not made', () => {
    const step = next(sessionOf([opened(), ...oneByOne(look('a'), look('b'), look('c'))]), START, LIMITS);
    expect(step).toEqual({
      do: 'settle',
      events: [{ type: 'call_finished', call: 'c', outcome: { status: 'refused', text: expect.stringContaining('3rd time in a row, so it was not made') } }],
    });
  });
});

describe('a limit', () => {
  const used: SessionEvent[] = [opened(), replied(1, [look('a')]), finished('a')];
  const text = 'This session has used its 1 model turns.';
  const at: SessionEvent = { type: 'noted', about: 'limit', text };
  const limits = { ...LIMITS, turns: 1, raiseWithinMs: 3_600_000 };
  const noted = START + 3 * 60_000;
  test.each<[string, SessionEvent[], number, object, unknown]>([
    ['ends the session where nobody could raise it', used, START, { ...limits, raiseWithinMs: undefined }, { do: 'end', outcome: 'limit', text }],
    ['is said first', used, START, limits, { do: 'settle', events: [at] }],
    ['then holds nothing until somebody raises it', [...used, at], noted, limits, { do: 'park', until: noted + 3_600_000 }],
    ['is no reason to think, whatever is said', [...used, at, told('go on')], noted, limits, { do: 'park', until: noted + 3_600_000 }],
    ['doubles when it is raised', [...used, at, told('', 'raise', 'approver', 'U2')], noted, limits, { do: 'think' }],
    [
      'ends the session when nobody raised it in time',
      [...used, at],
      noted + 3_600_000,
      limits,
      { do: 'end', outcome: 'limit', text: `${text} Nobody raised it in time.` },
    ],
    [
      'can be stopped at',
      [...used, at, told('', 'stop')],
      noted,
      limits,
      { do: 'end', outcome: 'stopped', text: 'Stopped by <@U1>. Nothing was left running.' },
    ],
  ])('%s', (_name, events, now, given, expected) => {
    expect(next(sessionOf(events), now, given as typeof limits)).toEqual(expected);
  });

  test('of tool calls holds inside one reply', () => {
    const s = sessionOf([opened(), replied(1, [look('a', { run_id: '1' }), look('b', { run_id: '2' })]), finished('a')]);
    expect(next(s, START, { ...LIMITS, toolCalls: 1 })).toMatchObject({
      do: 'settle',
      events: [{ call: 'b', outcome: { status: 'refused', text: 'This session may make 1 tool calls, and this would be number 2, so it was not made.' } }],
    });
    expect(next(s, START, { ...LIMITS, toolCalls: 2 })).toMatchObject({ do: 'call' });
  });

  test('of money is counted by the price of each reply, and is doubled like the others', () => {
    const prices = {
      'claude-sonnet-5-5': { input: 3, output: 15, cacheRead: 0, cacheWrite: 0 },
      other: { input: 30, output: 150, cacheRead: 0, cacheWrite: 0 },
    };
    const two = [replied(1), { ...replied(2), model: 'claude-sonnet-5-5-20260901', usage: { input: 1_000_000, output: 0, cache_read: 0, cache_write: 0 } }];
    const s = sessionOf([opened(), ...two]);
    // 100 tokens in and 20 out, then a million in under a dated name.
    expect(spent(s, prices)).toBeCloseTo(3.0006, 6);
    const usd = { limit: 3, prices };
    expect(overBudget(s, START, { ...LIMITS, usd })).toBe('This session has used $3.00 of the model, and may use $3.00.');
    expect(overBudget({ ...s, raised: 1 }, START, { ...LIMITS, usd })).toBeNull();
    // A name without a price costs as much as the dearest.
    expect(
      spent(
        sessionOf([
          { ...opened(), model: 'new' },
          { ...two[1]!, model: 'new' },
        ]),
        prices,
      ),
    ).toBe(30);
  });

  test('that was doubled is reached again later, and said again', () => {
    const again = [...used, at, told('', 'raise', 'approver', 'U2'), replied(5, [look('b')]), finished('b')];
    expect(next(sessionOf(again), START, limits)).toEqual({ do: 'settle', events: [{ ...at, text: 'This session has used its 2 model turns.' }] });
  });
});
