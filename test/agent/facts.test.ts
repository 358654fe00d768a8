import { expect, test } from 'vitest';
import { standingOf } from '../../src/agent/facts.ts';
import { finished, opened, replied, sessionOf, told } from '../session/logs.ts';

test.each([
  ['an answer', 'ok', true],
  ["a backend's words about its failure", 'failed', true],
  ['a refusal, which names what was refused', 'refused', true],
  ['that nobody decided', 'expired', false],
] as const)('a session that has read %s', (_what, status, tainted) => {
  const session = sessionOf([opened(), replied(1, [{ id: 'c1', tool: 'get_job_status' }]), finished('c1', {}, status)]);
  expect(standingOf(session).tainted).toBe(tainted);
});

test.each([
  ['a bystander has spoken', [opened(), told('psst', 'message', 'other', 'U9')], true],
  ['the requester has spoken', [opened(), told('go on')], false],
  ['it was made of a message that may be anybody’s', [{ ...opened(), door: 'shortcut' as const }], true],
])('a session in which %s', (_what, events, tainted) => {
  expect(standingOf(sessionOf(events)).tainted).toBe(tainted);
});

test('a new session has read nothing', () => {
  expect(standingOf(sessionOf([opened()])).tainted).toBe(false);
});
