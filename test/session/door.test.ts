import { describe, expect, test } from 'vitest';
import { QUIET_MS } from '../../src/session/door.ts';
import type { SessionEvent } from '../../src/session/events.ts';
import { next } from '../../src/session/next.ts';
import { approved, asks, finished, LIMITS, opened, replied, sessionOf, started } from './logs.ts';

const client: SessionEvent = { ...opened('Calls of an MCP client over http'), door: 'mcp' };
const again: SessionEvent = { type: 'woken', call: 'c1', why: 'again' };
const looked: SessionEvent = { type: 'looked', call: 'm1', client: 'coder 2.1', tool: 'get_job_status', input: {}, outcome: { status: 'ok', text: 'RUNNING' } };
const asked = [client, replied(1, [{ id: 'c1', tool: 'run_databricks_job' }]), asks('c1')];
const backAgain: SessionEvent = { type: 'withdrawn', call: 'c1', approval: 's1/1', by: 'U2', of: 'vote' };

/** What is to be done `later` ms after the last event. */
const step = (events: readonly SessionEvent[], later = 0) => {
  const s = sessionOf(events);
  return next(s, s.lastM + later, LIMITS);
};

describe("a client's session", () => {
  test('never thinks: what is done is done, and an idle hour ends it', () => {
    const done = [...asked, approved('c1'), again, started('c1'), finished('c1')];
    expect(step(done)).toMatchObject({ do: 'park' });
    expect(step(done, QUIET_MS - 1)).toMatchObject({ do: 'park' });
    expect(step(done, QUIET_MS)).toEqual({ do: 'end', outcome: 'done', text: '' });
    expect(step([client, looked], QUIET_MS)).toMatchObject({ do: 'end' });
  });

  test('is not ended while people are asked', () => {
    expect(step(asked, 2 * QUIET_MS)).toMatchObject({ do: 'park' });
  });

  test('runs what was approved when the client calls again, and not before', () => {
    expect(step([...asked, approved('c1')])).toMatchObject({ do: 'park' });
    expect(step([...asked, approved('c1'), again])).toMatchObject({ do: 'call', call: { id: 'c1' } });
  });

  test('a call that was made again before the yes, or under one that was taken back, does not count', () => {
    expect(step([...asked, again, approved('c1')])).toMatchObject({ do: 'park' });
    expect(step([...asked, approved('c1'), again, backAgain])).toMatchObject({ do: 'park' });
    expect(step([...asked, approved('c1'), again, backAgain, approved('c1', 'U3')])).toMatchObject({ do: 'park' });
  });

  test('takes a yes back that nobody used within the hour', () => {
    expect(step([...asked, approved('c1')], QUIET_MS)).toMatchObject({
      do: 'settle',
      events: [
        { type: 'withdrawn', of: 'question' },
        { type: 'call_finished', outcome: { status: 'withdrawn', text: expect.stringContaining('did not make the call again') } },
      ],
    });
  });
});
