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

  test('what was given up until somebody wants it goes on when the client calls again, and is let go after an idle hour', () => {
    const waiting: SessionEvent = {
      type: 'call_parked',
      call: 'c1',
      waiting: { for: 'retry', at: new Date(0).toISOString(), why: 'Databricks had an error.', upstream: 'databricks', attempt: 10 },
    };
    const stuck = [
      ...asked,
      approved('c1'),
      again,
      started('c1'),
      waiting,
      { type: 'noted' as const, about: 'attention' as const, call: 'c1', text: 'Tried 10 times.' },
    ];
    expect(step(stuck)).toMatchObject({ do: 'park', until: expect.any(Number) });
    const retry: SessionEvent = { type: 'told', by: 'U1', text: 'Try again.', ts: null, kind: 'retry', standing: 'requester' };
    expect(step([...stuck, retry])).toMatchObject({ do: 'call', call: { id: 'c1' } });
    const given = step(stuck, QUIET_MS);
    expect(given).toMatchObject({ do: 'settle', events: [{ type: 'call_finished', outcome: { status: 'unknown' } }] });
    // The same under a second yes, after the first was taken back before anything was sent.
    const unsent = stuck.filter((e) => e.type !== 'call_started');
    const held = [...unsent, backAgain, approved('c1', 'U3')];
    expect(step([...held, again])).toMatchObject({ do: 'park', until: expect.any(Number) });
    expect(step([...held, again], QUIET_MS)).toMatchObject({ do: 'settle', events: [{ type: 'withdrawn' }, { type: 'call_finished' }] });
    const tried = sessionOf([...held, retry]).calls.get('c1');
    expect([tried?.attempts, tried?.failing, tried?.insisted]).toEqual([0, undefined, true]);
    expect(step([...held, retry, again])).toMatchObject({ do: 'call', call: { id: 'c1' } });
  });
});
