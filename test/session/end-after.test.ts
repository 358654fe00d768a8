import { expect, test } from 'vitest';
import { endAfter } from '../../src/session/end-after.ts';
import { next } from '../../src/session/next.ts';
import { LIMITS, opened, replied, START, sessionOf } from './logs.ts';

const now = START + 60_000;
const said = (standing: 'requester' | 'other') => ({ type: 'told', by: 'U1', text: 'Wait.', ts: null, kind: 'message', standing }) as const;

test('the end that comes with a last answer is the one that would have come after it, and the session stays as it was', () => {
  const session = sessionOf([opened()]);
  const answer = replied(1);
  const prices = { 'claude-sonnet-5-5': { input: 3, output: 15, cacheRead: 0.3, cacheWrite: 3.75 } };
  const [end] = endAfter(session, [answer], now, { ...LIMITS, prices });
  const then = sessionOf([opened(), answer]);
  expect(next(then, now, LIMITS)).toMatchObject({ do: 'end', outcome: 'done', text: '' });
  expect(end).toEqual({ type: 'ended', outcome: 'done', text: '', usd: expect.any(Number) });
  expect([session.replies.length, session.usage.input, session.seq]).toEqual([0, 0, 1]);
  expect(endAfter(session, [{ ...answer, stop: 'refusal', refusal: 'cyber' }], now, LIMITS)).toMatchObject([{ outcome: 'failed' }]);
});

test('where something else follows, nothing is said of an end', () => {
  const session = sessionOf([opened()]);
  expect(endAfter(session, [replied(1, [{ id: 'c1', tool: 'search_runs' }])], now, LIMITS)).toEqual([]);
  expect(endAfter(session, [replied(1, [], 'Well.', 'pause_turn')], now, LIMITS)).toEqual([]);
  expect(endAfter(session, [], now, LIMITS)).toEqual([]);
  // Said while the model was answering: it is to be heard first.
  expect(endAfter(sessionOf([opened(), said('requester')]), [replied(1)], now, LIMITS)).toEqual([]);
  expect(endAfter(sessionOf([opened(), said('other')]), [replied(1)], now, LIMITS)).toMatchObject([{ type: 'ended' }]);
});
