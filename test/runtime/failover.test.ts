import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type AdvanceDeps, advance, type Perform } from '../../src/runtime/advance.ts';
import type { Guard } from '../../src/runtime/event-log.ts';
import { startJobWatch } from '../../src/runtime/job-watch.ts';
import { BrokenChain } from '../../src/runtime/read-line.ts';
import { approvalId, editedApproval } from '../../src/session/approval-id.ts';
import type { SessionEvent } from '../../src/session/events.ts';
import { fold } from '../../src/session/fold.ts';
import { asks, finished, LIMITS, replied, started, waitsForJob } from '../session/logs.ts';
import { aLog } from './a-log.ts';

let it: ReturnType<typeof aLog>;
beforeEach(async () => {
  it = aLog();
  await it.open('s1');
});
afterEach(() => it.close());

const wants: SessionEvent = replied(1, [{ id: 'c1', tool: 'wait_for_job' }]);
const { approval: _none, ...ungated } = started('c1');
const start: SessionEvent = { ...ungated, rule: 'tests' };
/** Of a record that can be read to its end. */
const types = async () => {
  const entries = await it.log.read('s1');
  fold('s1', entries);
  return entries.map((e) => e.event.type);
};
const dueInMs = async () => Number(await it.redis.zscore(it.keys.due, 's1')) - (await it.log.time());
const tell = (key: string) => it.deliver(key, { do: 'tell', session: 's1', by: 'U1', text: 'hi', ts: null, kind: 'message', standing: 'requester' });
const says = async (times: number) => {
  for (let i = 0; i < times; i++) await tell(`said ${i}`);
};
/** So many lines of others stand where one is gone: fewer, as many, more. */
const MEANWHILE = [0, 1, 2];

async function turn(perform: Perform): Promise<void> {
  const deps: AdvanceDeps = { log: it.log, perform, expire: async () => {}, limits: LIMITS, executionExpiresMs: 60_000, rested: async () => {} };
  await advance('s1', deps);
}

/** A worker's turn whose reply is acknowledged and lost in the next step; its lease is not. */
async function turnThatLoses(meanwhile: number, comesOf: SessionEvent[]): Promise<void> {
  let loseTheRest = async () => {};
  await turn(async (step) => {
    if (step.do === 'think') {
      loseTheRest = await it.copy();
      return [wants];
    }
    await loseTheRest();
    await says(meanwhile);
    return comesOf;
  });
}

/** An owner whose reply is lost in the same way: what it has of the session, and its fence. */
async function ownerThatLost(meanwhile: number) {
  const owner = it.owner('s1');
  const fence = (await it.log.claim(owner, 5_000))?.fence ?? 0;
  const loseTheRest = await it.copy();
  await it.log.commit(owner, fence, await it.log.tip('s1'), [wants], { is: '' });
  const seen = (await it.reading.session('s1'))!;
  await loseTheRest();
  await says(meanwhile);
  return { owner, fence, seen };
}

/** The next worker's. Before it the lease, which nobody let go of, is over. */
async function goesOn(): Promise<void> {
  await it.redis.hset(it.keys.st('s1'), 'lease', '0');
  await turn(async (step, { session }) => (step.do === 'think' ? [replied(session.seq, [], 'Done.')] : []));
  expect((await it.reading.session('s1'))?.ended?.outcome).toBe('done');
}

describe('after a failover that lost the last acknowledged lines', () => {
  test.each(MEANWHILE)('what follows from them is not written, with %i lines of others in their place: the session is read and goes on', async (meanwhile) => {
    await turnThatLoses(meanwhile, [waitsForJob('c1')]);
    expect(await types()).toEqual(['opened', ...Array(meanwhile).fill('told')]);
    await goesOn();
  });

  test.each(MEANWHILE)('no effect starts for a call that is gone, with %i lines of others in its place', async (meanwhile) => {
    const { owner, fence, seen } = await ownerThatLost(meanwhile);
    expect(await it.log.commit(owner, fence, seen, [start], { is: 'effect', executionExpiresMs: 60_000 })).toEqual({ is: 'FENCED' });
    expect(await types()).toEqual(['opened', ...Array(meanwhile).fill('told')]);
  });

  test.each(MEANWHILE)('a record that holds is not taken for broken by who remembers them, with %i lines of others in their place', async (meanwhile) => {
    // Nothing came of the step: it was aborted, or the backend is away.
    await turnThatLoses(meanwhile, []);
    expect(await dueInMs()).toBeLessThanOrEqual(5_000);
    await goesOn();
  });

  test('two owners with one fence, as the first one’s claim is gone, write one reply and start one effect', async () => {
    const owner = it.owner('s1');
    const loseTheClaim = await it.copy();
    const first = await it.log.claim(owner, 5_000);
    await loseTheClaim();
    const second = await it.log.claim(owner, 5_000);
    expect(second).toEqual(first);
    const both = async (events: SessionEvent[], guard: Guard) => {
      const tip = await it.log.tip('s1');
      await tell(`between ${tip.seq}`);
      const write = () => it.log.commit(owner, first?.fence ?? 0, tip, events, guard);
      return (await Promise.all([write(), write()])).map((committed) => committed.is).sort();
    };
    expect(await both([wants], { is: '' })).toEqual(['FENCED', 'OK']);
    expect(await both([start], { is: 'effect', executionExpiresMs: 60_000 })).toEqual(['FENCED', 'OK']);
    expect(await types()).toEqual(['opened', 'told', 'replied', 'told', 'call_started']);
  });

  test.each<[string, Perform]>([
    ['its claim came second', async (_step, held) => ((await held.claim(start, undefined, false)).is === 'FENCED' ? [] : [finished('c1')])],
    ['nothing came of its step', async () => []],
    ['its backend is away', async (_step, held) => held.sleep(held.now()) ?? []],
    ['it would ask', async () => [asks('c1')]],
    ['it would write what came of it', async () => [finished('c1')]],
  ])('of two owners with one fence the one that finds the other’s effect begun leaves it to them: %s', async (_, performs) => {
    const owner = it.owner('s1');
    const fence = (await it.log.claim(owner, 5_000))?.fence ?? 0;
    await it.log.commit(owner, fence, await it.log.tip('s1'), [wants], { is: '' });
    await it.log.park(owner, fence, await it.log.tip('s1'), null);
    const loseTheClaim = await it.copy();
    const steps: string[] = [];
    let other: Promise<void> | undefined;
    let answer = () => {};
    const sends = (sent: () => void): Perform => {
      return async (step, held) => {
        steps.push(`other: ${step.do}`);
        if (step.do === 'think') return [replied(held.session.seq, [], 'Done.')];
        expect(await held.claim(start, undefined, false)).toMatchObject({ is: 'OK', tip: { seq: 3 } });
        await new Promise<void>((resolve) => {
          answer = resolve;
          sent();
        });
        return [finished('c1')];
      };
    };
    await turn(async (step, held) => {
      steps.push(`one: ${step.do}`);
      if (steps.length > 1) return [];
      await loseTheClaim();
      await new Promise<void>((sent) => {
        other = turn(sends(sent));
      });
      return performs(step, held);
    });
    expect(steps).toEqual(['one: call', 'other: call']);
    answer();
    await other;
    expect(await types()).toEqual(['opened', 'replied', 'call_started', 'call_finished', 'replied', 'ended']);
  });

  test('the card of a question that is gone is no yes to the one in its place, nor that of a change to another change', async () => {
    const owner = it.owner('s1');
    const fence = (await it.log.claim(owner, 5_000))?.fence ?? 0;
    await it.log.commit(owner, fence, await it.log.tip('s1'), [replied(1, [{ id: 'c1', tool: 'run_databricks_job' }])], { is: '' });
    const ask = async (digest: string) => {
      const { waiting, ...parked } = asks('c1', approvalId('s1', 1, digest), '2099-01-01T00:00:00.000Z');
      await it.log.commit(owner, fence, await it.log.tip('s1'), [{ ...parked, waiting: { ...waiting, digest } } as SessionEvent], { is: '' });
    };
    const edit = (digest: string) =>
      it.deliver(`edit ${digest}`, {
        ...{ do: 'edit', session: 's1', approval: approvalId('s1', 1, B), by: 'U3', digest, arguments: { n: 1 }, input: { n: 1 }, expiresAfterMs: 60_000 },
        preview: { summary: 'Run', facts: [], changes: [] },
      });
    const yes = (approval: string) => it.deliver(`yes ${approval}`, { do: 'approve', session: 's1', approval, by: 'U2' });
    const [A, B, C, D] = ['a', 'b', 'c', 'd'].map((digit) => digit.repeat(64)) as [string, string, string, string];

    let loseTheRest = await it.copy();
    await ask(A);
    await loseTheRest();
    await ask(B);
    expect(await yes(approvalId('s1', 1, A))).toEqual({ is: 'unknown' });

    loseTheRest = await it.copy();
    await edit(C);
    await loseTheRest();
    await edit(D);
    expect(await yes(editedApproval(approvalId('s1', 1, B), C))).toEqual({ is: 'unknown' });
    expect(await yes(editedApproval(approvalId('s1', 1, B), D))).toMatchObject({ is: 'stored' });
  });

  test('nobody is woken for a call that is gone, though the log is as long again', async () => {
    const { seen } = await ownerThatLost(1);
    expect(await it.deliver('wake', { do: 'wake', session: 's1', call: 'c1', why: 'job' }, { seen })).toEqual({ is: 'unknown' });
    expect(await types()).toEqual(['opened', 'told']);
  });

  test('a wake that is gone is given again a minute later; one that is there is there once', async () => {
    const owner = it.owner('s1');
    const fence = (await it.log.claim(owner, 5_000))?.fence ?? 0;
    await it.log.commit(owner, fence, await it.log.tip('s1'), [wants, waitsForJob('c1')], { is: '' });
    const loseTheRest = await it.copy();
    let minutes = 0;
    let times = 0;
    const came: unknown[] = [];
    const watch = startJobWatch({
      redis: it.redis,
      keys: it.keys,
      poll: async (runs) => new Map(runs.map(({ runId }) => [runId, { status: 'SUCCEEDED', terminal: true }])),
      deliver: async (key, command) => {
        const delivered = await it.deliver(key, command);
        if (came.length === 0) await loseTheRest();
        came.push(delivered.is);
        return delivered;
      },
      failed: (error) => came.push(error),
      everyMs: 10,
      ticks: () => minutes * 60_000,
    });
    try {
      for (minutes of [0, 1, 3]) await expect.poll(() => came.length, { timeout: 10_000 }).toBe(++times);
    } finally {
      watch.stop();
    }
    expect(came).toEqual(['stored', 'stored', 'duplicate']);
    expect(await types()).toEqual(['opened', 'replied', 'call_parked', 'woken']);
  });
});

test('a record that breaks under its owner is said to be broken', async () => {
  const breaks = turn(async () => {
    const [[, fields]] = (await it.redis.xrange(it.keys.log('s1'), '-', '+')) as [[string, string[]]];
    await it.redis.xadd(it.keys.log('s1'), '2-0', ...fields);
    return [];
  });
  await expect(breaks).rejects.toBeInstanceOf(BrokenChain);
});
