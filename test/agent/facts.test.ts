import { expect, test } from 'vitest';
import { standingOf } from '../../src/agent/facts.ts';
import { finished, opened, replied, sessionOf } from '../session/logs.ts';

test.each([
  ['an answer', 'ok', true],
  ["a backend's words about its failure", 'failed', true],
  ['our own refusal', 'refused', false],
] as const)('a session that has read %s', (_what, status, tainted) => {
  const session = sessionOf([opened(), replied(1, [{ id: 'c1', tool: 'get_job_status' }]), finished('c1', {}, status)]);
  expect(standingOf(session).tainted).toBe(tainted);
});

test('a new session has read nothing', () => {
  expect(standingOf(sessionOf([opened()])).tainted).toBe(false);
});
