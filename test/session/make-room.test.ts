import { expect, test } from 'vitest';
import type { SessionEvent } from '../../src/session/events.ts';
import { makeRoom } from '../../src/session/make-room.ts';
import { transcript, type Written, writeTranscript } from '../../src/session/transcript.ts';
import { finished, opened, replied, sessionOf } from './logs.ts';

const none = () => null;
const bytesOf = ({ closed, open }: Written) => Buffer.concat([closed, open]).toString();

/** A session of so many calls, one a reply, each answered with so many characters. */
function long(calls: number, characters = 5_000): SessionEvent[] {
  const events: SessionEvent[] = [opened('Look at all of them')];
  for (let n = 1; n <= calls; n++)
    events.push(replied(events.length, [{ id: `c${n}`, tool: 'fetch_mlflow_run' }]), finished(`c${n}`, { values: 'x'.repeat(characters) }));
  return events;
}
const leavesOut = (events: readonly SessionEvent[]): SessionEvent => {
  const room = makeRoom(sessionOf(events));
  if (!room) throw new Error('nothing can go');
  return { type: 'noted', about: 'recovered', text: 'To make room.', omits_to: room.to };
};

test('the oldest results go first, half of what can go, never the last one, and nothing that is short', () => {
  const events = long(7);
  expect(makeRoom(sessionOf(events))).toEqual({ to: 6, results: 3, characters: 3 * 5_013 });
  const once = [...events, leavesOut(events)];
  expect(makeRoom(sessionOf(once))).toEqual({ to: 10, results: 2, characters: 2 * 5_013 });
  expect(makeRoom(sessionOf(long(7, 900)))).toBeNull();
  expect(makeRoom(sessionOf(long(1)))).toBeNull();
});

test('what is left out has the same words each time, and from there on requests begin with those before them again', () => {
  const events = [...long(7), leavesOut(long(7))];
  const shown = JSON.stringify(transcript(sessionOf(events), none));
  expect(shown.match(/\[5013 characters that fetch_mlflow_run answered are left out here to make room/g)).toHaveLength(3);
  expect(shown.match(/x{5000}/g)).toHaveLength(4);

  // A worker that has written it before writes the same as one that reads the log for the first time.
  const before = writeTranscript(sessionOf(long(7)), none);
  const now = writeTranscript(sessionOf(events), none, before);
  expect(bytesOf(now)).toBe(bytesOf(writeTranscript(sessionOf(events), none)));
  expect(`[${bytesOf(now)}]`).toBe(shown);
  const later = [...events, replied(events.length, [{ id: 'c8', tool: 'get_job_status' }]), finished('c8', { status: 'RUNNING' })];
  expect(bytesOf(writeTranscript(sessionOf(later), none, now)).startsWith(bytesOf(now))).toBe(true);
});
