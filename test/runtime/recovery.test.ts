import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { makeBreakers } from '../../src/agent/breaker.ts';
import { callTool } from '../../src/agent/call-tool.ts';
import { openToolbox } from '../../src/agent/toolbox.ts';
import { type AdvanceDeps, advance, type Perform } from '../../src/runtime/advance.ts';
import type { SessionEvent } from '../../src/session/events.ts';
import { done, type WriteTool, writeTool } from '../../src/tools/define-tool.ts';
import { LIMITS, replied } from '../session/logs.ts';
import { permissions } from '../slack/a-desk.ts';
import { aLog } from './a-log.ts';

/** A backend that does what it is told, and a worker that is killed before it has heard so, as many times. */
function aBackend(recovery: WriteTool['recovery'], kills = 1) {
  const done_: string[] = [];
  let left = kills;
  const tool = writeTool({
    name: 'launch',
    title: 'Launch',
    description: 'Launches.',
    input: z.strictObject({}),
    output: z.object({}),
    needs: [],
    destructive: false,
    idempotent: recovery === 'same-key',
    recovery,
    timeoutMs: 1,
    plan: async () => ({ kind: 'plan', arguments: {}, touches: { place: 'own-thread' }, preview: { summary: 'Launch', facts: [], changes: [] } }),
    async run(_plan, _ctx, key) {
      if (recovery !== 'same-key' || !done_.includes(key)) done_.push(key);
      if (left > 0) {
        left -= 1;
        throw new Killed('kill -9');
      }
      return done('Launched.', { launched: true });
    },
    ...(recovery === 'look-up' ? { find: async (_plan: unknown, _ctx: unknown, key: string) => (done_.includes(key) ? done('Found.', {}) : null) } : {}),
  });
  return { tool, happened: () => done_.length };
}
class Killed extends Error {}

describe('an effect that was cut off after it had happened', () => {
  let it: ReturnType<typeof aLog>;
  beforeAll(() => {
    it = aLog();
  });
  afterAll(() => it.close());

  const settings = { defaults: {}, metrics: {}, thresholdReading: 'relative', recordsPath: 'experiments', environments: {} } as const;

  /** A session whose model wants the effect, then says what came of it. Each `turn` is one worker's. */
  async function aSession(sid: string, tool: WriteTool, calls = ['c1']) {
    await it.open(sid);
    const toolbox = await openToolbox([tool], { services: {}, settings, permissions, now: it.log.now });
    const deps = {
      toolbox,
      putImage: async () => '',
      root: async () => '1.1',
      stillEntitled: async () => ({ ok: true }) as const,
      canBeAsked: async () => ({ ok: true }) as const,
    };
    const perform: Perform = async (step, turn): Promise<SessionEvent[]> => {
      if (step.do === 'think')
        return [
          turn.session.replies.length === 0
            ? replied(
                1,
                calls.map((id) => ({ id, tool: 'launch' })),
              )
            : replied(turn.session.seq),
        ];
      const claim = async (start: Parameters<typeof turn.claim>[0]) =>
        ((await turn.claim(start, undefined, false)).is === 'OK' ? 'go' : 'lost') as 'go' | 'lost';
      const events = await callTool(step.call, { ...turn, claim }, { ...deps, breakers: makeBreakers(), random: () => 0 });
      const last = events[0];
      // What the tool threw is what a kill is: nothing after it is written.
      if (last?.type === 'call_finished' && last.outcome.text.includes('kill -9')) throw new Killed('kill -9');
      return events;
    };
    const all: AdvanceDeps = { log: it.log, perform, expire: async () => {}, limits: LIMITS, executionExpiresMs: 60_000, rested: async () => {} };
    return {
      async turn() {
        await advance(sid, all).catch((error: unknown) => {
          if (!(error instanceof Killed)) throw error;
        });
        // Its lease is over.
        await it.redis.hset(it.keys.st(sid), 'lease', '0');
      },
      session: async () => (await it.reading.session(sid))!,
      close: toolbox.close,
    };
  }

  test.each(['same-key', 'look-up'] as const)('%s: happens once, and its outcome is known', async (recovery) => {
    const { tool, happened } = aBackend(recovery);
    const s = await aSession(`cut-${recovery}`, tool);
    await s.turn();
    expect((await s.session()).calls.get('c1')?.status.is).toBe('started');
    // A look-up gives the first request its time.
    await new Promise((r) => setTimeout(r, recovery === 'look-up' ? 1_100 : 0));
    await s.turn();
    expect(happened()).toBe(1);
    expect((await s.session()).calls.get('c1')?.status).toMatchObject({ is: 'finished', outcome: { status: 'ok' } });
    expect((await s.session()).ended?.outcome).toBe('done');
    await s.close();
  });

  test('neither: it is never sent again; a person is asked, and the outcome is unknown whatever they say', async () => {
    const { tool, happened } = aBackend('ask');
    const s = await aSession('cut-ask', tool);
    await s.turn();
    for (let i = 0; i < 3; i++) await s.turn();
    expect((await s.session()).calls.get('c1')?.status).toMatchObject({
      is: 'parked',
      waiting: { for: 'answer', to: 'U1', options: ['It happened', 'It did not happen', 'I cannot tell'] },
    });
    expect(happened()).toBe(1);

    await it.deliver('looked', {
      do: 'tell',
      session: 'cut-ask',
      by: 'U1',
      text: 'It happened',
      ts: null,
      kind: 'message',
      standing: 'requester',
      answers: 'c1',
    });
    await s.turn();
    expect(happened()).toBe(1);
    const session = await s.session();
    expect(session.calls.get('c1')?.status).toMatchObject({ is: 'finished', outcome: { status: 'unknown', data: { said: 'It happened', by: 'U1' } } });
    expect(session.ended?.outcome).toBe('done');
    await s.close();
  });

  test('neither, twice: what somebody types while both are asked about is the answer to neither', async () => {
    const { tool, happened } = aBackend('ask', 2);
    const s = await aSession('cut-both', tool, ['c1', 'c2']);
    for (let i = 0; i < 4; i++) await s.turn();
    const tell = { do: 'tell', session: 'cut-both', by: 'U1', text: 'It did not happen', ts: '1.2', kind: 'message', standing: 'requester' } as const;
    await it.deliver('typed', tell);
    await s.turn();
    const session = await s.session();
    for (const id of ['c1', 'c2']) {
      const { status, answer } = session.calls.get(id) ?? {};
      expect(answer).toBeUndefined();
      expect(status).toMatchObject({ is: 'finished', outcome: { status: 'unknown', data: { hint: expect.stringContaining('Do not call it anew') } } });
    }
    expect(happened()).toBe(2);
    await s.close();
  });

  test('a stop before anybody has looked says that it is not known', async () => {
    const { tool, happened } = aBackend('ask');
    const s = await aSession('cut-stopped', tool);
    await s.turn();
    await s.turn();
    await it.deliver('stop', { do: 'tell', session: 'cut-stopped', by: 'U1', text: '', ts: null, kind: 'stop', standing: 'requester' });
    await s.turn();
    const session = await s.session();
    expect(session.calls.get('c1')?.status).toMatchObject({ is: 'finished', outcome: { status: 'unknown' } });
    expect(session.ended?.text).toContain('Whether launch took effect is not known');
    expect(happened()).toBe(1);
    await s.close();
  });
});
