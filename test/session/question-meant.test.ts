import { expect, test } from 'vitest';
import type { EventOf, SessionEvent } from '../../src/session/events.ts';
import { questionMeant } from '../../src/session/question-meant.ts';
import { narrate } from '../../src/slack/narrate.ts';
import { permissions } from '../slack/a-desk.ts';
import { opened, replied, sessionOf, told, waitsForAnswer } from './logs.ts';

const two = [
  opened(),
  replied(1, [
    { id: 'c1', tool: 'ask_person' },
    { id: 'c2', tool: 'ask_person' },
  ]),
];
const asks = (call: string, to = 'U1'): SessionEvent => {
  const { waiting } = waitsForAnswer(call) as { waiting: Extract<EventOf<'call_parked'>['waiting'], { for: 'answer' }> };
  return { type: 'call_parked', call, waiting: { ...waiting, to } };
};
const typed = (answers?: string): SessionEvent => ({ ...told('yes'), ...(answers === undefined ? {} : { answers }) });
const answered = (...events: SessionEvent[]) => [...sessionOf([...two, ...events]).calls.values()].map((c) => c.answer?.text ?? c.interrupted?.text ?? null);

test.each<[string, SessionEvent[], string, string | undefined]>([
  ['none where none is open', [], 'U1', undefined],
  ['the one that is open', [asks('c1')], 'U1', 'c1'],
  ['the one that is open, whoever it was put to', [asks('c1', 'U2')], 'U1', 'c1'],
  ['the one that is left', [asks('c1'), asks('c2'), typed('c1')], 'U1', 'c2'],
  ['the only one that was put to them', [asks('c1'), asks('c2', 'U2')], 'U2', 'c2'],
  ['none of several', [asks('c1'), asks('c2')], 'U1', ''],
  ['none, while what was said before has not been looked at', [asks('c1'), asks('c2'), typed('')], 'U1', ''],
  ['none of several that were put to others', [asks('c1'), asks('c2', 'U2')], 'U3', ''],
])('a typed message answers %s', (_what, events, by, meant) => {
  expect(questionMeant(sessionOf([...two, ...events]), by)).toBe(meant);
});

test('a message that answers none of several ends the wait for them, and is the answer to none', () => {
  const s = sessionOf([...two, asks('c1'), asks('c2'), typed('')]);
  expect([...s.calls.values()].map((c) => [c.answer, c.interrupted])).toEqual([
    [undefined, { by: 'U1', text: 'yes' }],
    [undefined, { by: 'U1', text: 'yes' }],
  ]);
  const shown = narrate(s, { approvers: permissions.approvers }).filter((slot) => slot.name.startsWith('question:'));
  expect(shown).toHaveLength(2);
  expect(JSON.stringify(shown)).toContain('wrote while several questions were open');
});

test('nor is the next one, though it says of no question that it means it', () => {
  expect(answered(asks('c1'), asks('c2'), typed(''), { ...told('It did not happen'), answers: '' })).toEqual(['yes', 'yes']);
  const s = sessionOf([...two, asks('c1'), asks('c2'), typed(''), told('It did not happen')]);
  expect([...s.calls.values()].map((c) => c.answer)).toEqual([undefined, undefined]);
});

test('a record from before messages said which question they mean reads as it did', () => {
  expect(answered(asks('c1'), asks('c2'), typed())).toEqual(['yes', 'yes']);
  expect(answered(asks('c1'), asks('c2'), typed('c2'))).toEqual([null, 'yes']);
});
