import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { makeBreakers } from '../../src/agent/breaker.ts';
import { type CallTurn, callTool } from '../../src/agent/call-tool.ts';
import type { ModelAnswer } from '../../src/agent/model.ts';
import { think } from '../../src/agent/think.ts';
import { openToolbox } from '../../src/agent/toolbox.ts';
import { UpstreamError } from '../../src/services/http.ts';
import type { SessionEvent } from '../../src/session/events.ts';
import { next } from '../../src/session/next.ts';
import { theCall } from '../../src/session/state.ts';
import { done, readTool, writeTool } from '../../src/tools/define-tool.ts';
import { HOST } from '../../src/tools/present.ts';
import { LIMITS, opened, replied, START, sessionOf } from '../session/logs.ts';
import { permissions } from '../slack/a-desk.ts';

const REPLY: ModelAnswer = {
  kind: 'reply',
  content: [{ type: 'text', text: 'Well.' }],
  stop: 'end_turn',
  usage: { input: 1, output: 1, cache_read: 0, cache_write: 0 },
  requestId: null,
  model: 'm',
};
const MINUTE = 60_000;
const again: SessionEvent = { type: 'told', by: 'U1', text: 'Try again.', ts: null, kind: 'retry', standing: 'requester' };

/** A worker's memory and clock, and a Databricks and a model that are there or not. */
async function aWorker({ needs = 'databricks', waitsFor = 'Databricks' }: { needs?: 'databricks' | 'slack'; waitsFor?: string } = {}) {
  const breakers = makeBreakers();
  /** `announces`: it answers, and says for how long (ms) it wants to be left alone. */
  const is = { now: START + 600_000, there: false, announces: null as number | null };
  const written = new Map<SessionEvent, number>();
  /** Events stand in the log with the time at which they came about. */
  const at = (log: SessionEvent[]) =>
    sessionOf(log, 's1', (event) => {
      if (!written.has(event)) written.set(event, is.now);
      return written.get(event) as number;
    });
  const write = (events: SessionEvent[]) => {
    for (const event of events) written.set(event, is.now);
    return events;
  };
  const look = readTool({
    name: 'look',
    title: 'Look',
    description: 'Looks.',
    input: z.strictObject({}),
    output: z.object({}),
    needs: [needs],
    run: async () => {
      if (is.there) return done('Seen.', {});
      throw new UpstreamError(`${waitsFor} is failing (503).`, { upstream: waitsFor, status: 503, transient: true, retryAfterMs: is.announces });
    },
  });
  const settings = { defaults: {}, metrics: {}, thresholdReading: 'relative', recordsPath: 'experiments', environments: {} } as const;
  const toolbox = await openToolbox([look], { services: {}, settings, permissions, now: () => is.now });
  const slept: number[] = [];
  const turn = { signal: new AbortController().signal, now: () => is.now, sleep: (until: number) => void slept.push(until) };
  const deps = {
    toolbox,
    putImage: async () => '',
    root: async () => null,
    stillEntitled: async () => ({ ok: true }) as const,
    canBeAsked: async () => ({ ok: true }) as const,
    breakers,
    random: () => 0,
  };
  return {
    ...{ is, slept, breakers, close: toolbox.close },
    async call(log: SessionEvent[]) {
      const session = at(log);
      const lent: CallTurn = { ...turn, session, entries: [], mayAct: async () => true, claim: async () => 'go' };
      return write(await callTool(theCall(session, 'c1'), lent, deps));
    },
    ask: async (log: SessionEvent[]) => {
      const events = await think(at(log), turn, {
        model: async () => (is.there ? REPLY : { kind: 'wait', why: 'Claude is overloaded (529).', retryAfterMs: is.announces }),
        system: '',
        tools: [],
        image: async () => null,
        breakers,
        random: () => 0,
        scrub: (text) => text,
      });
      return write(events);
    },
  };
}

const LOOKING: readonly SessionEvent[] = [opened(), replied(1, [{ id: 'c1', tool: 'look' }])];

describe('while nobody gets an answer', () => {
  test('a call uses up tries until that is clear, then sleeps with one line, and goes on by itself', async () => {
    const worker = await aWorker();
    const log = [...LOOKING];
    for (let i = 1; i <= 4; i++) {
      log.push(...(await worker.call(log)));
      expect(log.at(-1)).toMatchObject({ waiting: { for: 'retry', attempt: i } });
      expect(log.at(-1)).not.toHaveProperty('waiting.outage');
    }
    log.push(...(await worker.call(log)));
    expect(log.at(-1)).toMatchObject({ waiting: { for: 'retry', attempt: 4, outage: true, upstream: 'Databricks' } });

    // A day of probes: no line, no try, no person.
    for (let i = 0; i < 700; i++) {
      worker.is.now += 120_000;
      expect(await worker.call(log)).toEqual([]);
    }
    expect(worker.slept).toHaveLength(700);
    worker.is.there = true;
    worker.is.now += 120_000;
    expect(await worker.call(log)).toMatchObject([{ type: 'call_finished', outcome: { status: 'ok' } }]);
    expect(worker.breakers.open()).toEqual([]);
    await worker.close();
  });

  test('what is no backend of the tool has no breaker, as nothing would close it again', async () => {
    const worker = await aWorker({ needs: 'slack', waitsFor: 'the thread' });
    const log = [...LOOKING];
    for (let i = 1; i <= 7; i++) {
      log.push(...(await worker.call(log)));
      expect(log.at(-1)).toMatchObject({ waiting: { for: 'retry', attempt: i, upstream: 'the thread' } });
    }
    expect(worker.breakers.open()).toEqual([]);
    await worker.close();
  });

  test('so does a turn of the model', async () => {
    const worker = await aWorker();
    const log: SessionEvent[] = [opened()];
    for (let i = 0; i < 5; i++) log.push(...(await worker.ask(log)));
    expect(log.slice(1).map((e) => (e.type === 'noted' ? [e.attempt, e.outage ?? false] : e.type))).toEqual([
      [1, false],
      [2, false],
      [3, false],
      [4, false],
      [4, true],
    ]);
    for (let i = 0; i < 700; i++) {
      worker.is.now += 120_000;
      expect(await worker.ask(log)).toEqual([]);
    }
    worker.is.there = true;
    worker.is.now += 120_000;
    expect(await worker.ask(log)).toMatchObject([{ type: 'replied' }]);
    await worker.close();
  });

  test('a person who says "again" is obeyed at once, although it is known to be away', async () => {
    const worker = await aWorker();
    const log = [...LOOKING];
    for (let i = 0; i < 5; i++) log.push(...(await worker.call(log)));
    worker.is.there = true;
    worker.is.now += 1_000;
    expect(await worker.call(log)).toEqual([]);
    log.push(again);
    expect(await worker.call(log)).toMatchObject([{ type: 'call_finished', outcome: { status: 'ok' } }]);
    await worker.close();
  });

  test('where others get answers, ten tries are all there are, and a person is asked', async () => {
    const worker = await aWorker();
    const log = [...LOOKING];
    for (let i = 0; i < 10; i++) {
      log.push(...(await worker.call(log)));
      worker.breakers.worked('databricks');
    }
    expect(log.at(-1)).toMatchObject({ type: 'noted', about: 'attention', text: 'Databricks is failing (503). Tried 10 times.' });
    await worker.close();
  });

  describe.each(['call', 'ask'] as const)('where others get answers, of a step that is a %s', (step) => {
    const what = step === 'call' ? 'Databricks is failing (503).' : 'Claude is overloaded (529).';
    async function aStep() {
      const worker = await aWorker();
      const log: SessionEvent[] = step === 'call' ? [...LOOKING] : [opened()];
      /** It is made, and so many minutes pass. */
      const makes = async (minutes: number) => {
        const events = await worker[step](log);
        log.push(...events);
        worker.is.now += minutes * MINUTE;
        return events;
      };
      const others = (got: 'worked' | 'failed') => {
        for (const upstream of ['databricks', 'claude']) worker.breakers[got](upstream, worker.is.now);
      };
      return {
        ...{ worker, log, makes, others },
        /** The same, after somebody else got an answer. */
        async fails(minutes: number) {
          others('worked');
          return (await makes(minutes)).at(-1);
        },
      };
    }
    const attention = (words: string) => ({ type: 'noted', about: 'attention', text: `${what} ${words}` });

    test('half an hour of failures is enough, however few; a person who says "again" gives it as long once more', async () => {
      const { worker, log, fails } = await aStep();
      for (const round of [1, 2]) {
        for (let i = 0; i < 4; i++) expect(await fails(8), `round ${round}`).not.toMatchObject({ about: 'attention' });
        expect(await fails(8), `round ${round}`).toMatchObject(attention('Tried 5 times in 32 minutes.'));
        log.push(again);
      }
      await worker.close();
    });

    test('a night in which labmate itself did not run is no night of failures', async () => {
      const { worker, fails } = await aStep();
      expect(await fails(15 * 60)).not.toMatchObject({ about: 'attention' });
      // The wait that was planned, and one try as long as any: at most 15 minutes of that night.
      expect(await fails(8)).not.toMatchObject({ about: 'attention' });
      await worker.close();
    });

    test('waits that were announced count neither as tries nor as time', async () => {
      const { worker, fails } = await aStep();
      await fails(1);
      worker.is.announces = 20 * MINUTE;
      for (let i = 0; i < 100; i++) expect(await fails(20)).not.toMatchObject({ about: 'attention' });
      worker.is.announces = null;
      for (let i = 0; i < 8; i++) expect(await fails(1)).not.toMatchObject({ about: 'attention' });
      expect(await fails(1)).toMatchObject(attention('Tried 10 times.'));
      await worker.close();
    });

    test('time behind an open breaker counts as little', async () => {
      const { worker, fails, makes, others } = await aStep();
      for (const minutes of [1, 1, 40]) await fails(minutes);
      for (let i = 0; i < 5; i++) others('failed');
      const day: SessionEvent[] = [];
      for (let i = 0; i < 144; i++) day.push(...(await makes(10)));
      expect(day).toMatchObject([step === 'call' ? { waiting: { outage: true, attempt: 3 } } : { outage: true, attempt: 3 }]);
      for (let i = 0; i < 6; i++) expect(await fails(1)).not.toMatchObject({ about: 'attention' });
      expect(await fails(1)).toMatchObject(attention('Tried 10 times.'));
      await worker.close();
    });
  });

  test('calls beside it that can be made are made', () => {
    const parked: SessionEvent = {
      type: 'call_parked',
      call: 'c1',
      waiting: { for: 'retry', at: new Date(START).toISOString(), why: '', upstream: 'Databricks', attempt: 0, outage: true },
    };
    const calls = [
      { id: 'c1', tool: 'look' },
      { id: 'c2', tool: 'compare_runs' },
    ];
    const session = sessionOf([opened(), replied(1, calls), parked]);
    const now = START + 3_600_000;
    const asleep = new Map([['c1', now + 60_000]]);
    expect(next(session, now, LIMITS)).toMatchObject({ do: 'call', call: { id: 'c1' } });
    expect(next(session, now, LIMITS, asleep)).toMatchObject({ do: 'call', call: { id: 'c2' } });
    expect(next(sessionOf([opened(), replied(1, calls.slice(0, 1)), parked]), now, LIMITS, asleep)).toEqual({ do: 'park', until: now + 60_000 });
  });
});

describe('a tool that takes longer than a call may', () => {
  const settings = { defaults: {}, metrics: {}, thresholdReading: 'relative', recordsPath: 'experiments', environments: {} } as const;
  const base = { title: 'Slow', description: 'Takes its time.', input: z.strictObject({}), output: z.object({}), needs: ['mlflow'] as const };
  const scope = { facts: { id: 's1', call: 'c1' }, standing: { tainted: false, postsOutside: 0 }, signal: new AbortController().signal } as never;

  test('is tried again like one whose backend gives no answer, and asks no further', async () => {
    let asked = 0;
    const slow = readTool({
      ...base,
      name: 'slow',
      needs: [...base.needs],
      run: async (_input, ctx) => {
        for (; !ctx.signal.aborted; asked++) await sleep(20);
        throw ctx.signal.reason;
      },
    });
    const toolbox = await openToolbox([slow], { services: {}, settings, permissions, now: Date.now }, undefined, [], 100);
    const { _meta: meta, isError } = await toolbox.call('slow', {}, scope);
    expect([isError, meta?.[HOST]]).toMatchObject([true, { kind: 'retry', upstream: 'MLflow', why: expect.stringContaining('took longer than'), sent: false }]);
    const then = asked;
    await sleep(100);
    expect(asked).toBeLessThanOrEqual(then + 1);
    await toolbox.close();
  });

  test.each([
    // Of look-ups that hear of no end what comes after is not done any more: the call may be made again by then.
    ['nothing is begun after it was given up', 150, 0, ['retry', 0, 0]],
    // Its answer would be lost, and the call made again would have to look for it.
    ['what is on its way is waited for', 50, 100, [undefined, 1, 1]],
  ])('%s', async (_what, planMs, runMs, expected) => {
    let claimed = 0;
    let happened = 0;
    const slow = writeTool({
      ...base,
      ...{ name: 'slow', needs: ['mlflow'], destructive: false, idempotent: false, recovery: 'look-up', timeoutMs: 5_000 },
      plan: async () => {
        await sleep(planMs);
        return { kind: 'plan', arguments: {}, touches: { place: 'own-thread' }, preview: { summary: 'Slow', facts: [], changes: [] } };
      },
      run: async () => {
        await sleep(runMs);
        happened++;
        return done('Done.', {});
      },
      find: async () => null,
    });
    const toolbox = await openToolbox([slow], { services: {}, settings, permissions, now: Date.now }, undefined, [], 100);
    const claim = async () => {
      claimed++;
      return 'go' as const;
    };
    const { _meta: meta } = await toolbox.call('slow', {}, { ...(scope as object), mayAct: async () => true, claim } as never);
    await sleep(150);
    expect([(meta?.[HOST] as { kind: string } | undefined)?.kind, claimed, happened]).toEqual(expected);
    await toolbox.close();
  });
});
