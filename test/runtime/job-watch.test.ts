import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Delivered } from '../../src/runtime/commands.ts';
import { startJobWatch } from '../../src/runtime/job-watch.ts';
import type { RunState } from '../../src/runtime/progress.ts';
import { aLog } from './a-log.ts';

const RUNNING: RunState = { status: 'RUNNING', terminal: false };
const OVER: RunState = { status: 'SUCCEEDED', terminal: true };
const stored = (session: string): Delivered => ({ is: 'stored', session, seq: 4, alias: 'e-test' });

describe('the watch over training runs', () => {
  let it: ReturnType<typeof aLog>;
  beforeAll(() => {
    it = aLog();
  });
  afterAll(() => it.close());

  const parks = (session: string, run_ids: string[], seq = 3) =>
    it.redis.hset(it.keys.waits, `${session} c1`, `${seq} ${JSON.stringify({ run_ids, until: 'all', conditions: [] })}`);

  /** Watches for so long. What is delivered is told to `deliver`. */
  async function watchFor(
    ms: number,
    states: Record<string, RunState | null | undefined>,
    deliver: (session: string) => Promise<Delivered>,
    before: () => unknown = () => {},
  ) {
    await it.redis.del(it.keys.watch);
    const seen = { woken: [] as string[], failed: [] as string[], polled: [] as string[] };
    const watching = startJobWatch({
      redis: it.redis,
      keys: it.keys,
      poll: async (runs) => {
        before();
        seen.polled.push(...runs.map((r) => r.runId));
        return new Map(runs.flatMap(({ runId }) => (states[runId] === undefined ? [] : [[runId, states[runId]]])));
      },
      deliver: async (_key, { session }) => {
        seen.woken.push(session);
        return deliver(session);
      },
      failed: (error) => seen.failed.push(String(error)),
      everyMs: 10,
    });
    await new Promise((r) => setTimeout(r, ms));
    watching.stop();
    await new Promise((r) => setTimeout(r, 30));
    const left = await it.redis.hkeys(it.keys.waits);
    await it.redis.del(it.keys.waits);
    return { ...seen, left };
  }

  test('a session that cannot be woken keeps no other one asleep', async () => {
    for (const session of ['a', 'b', 'c']) await parks(session, ['1']);
    const { woken, failed } = await watchFor(200, { '1': OVER }, async (session) => {
      if (session === 'a') throw new Error('a cannot be read');
      return stored(session);
    });
    expect([...woken].sort()).toEqual(['a', 'b', 'c']);
    expect(failed).toEqual(['Error: a cannot be read']);
  });

  test('a wait that nobody can read keeps no other one asleep', async () => {
    await it.redis.hset(it.keys.waits, 'a c1', '3 no JSON', 'b c1', '');
    await parks('c', ['1']);
    const { woken, failed } = await watchFor(200, { '1': OVER }, async (session) => stored(session));
    expect([woken, failed]).toEqual([['c'], []]);
  });

  test.each([
    ['has ended', OVER],
    ['can not be seen', { status: 'UNREADABLE', terminal: false }],
  ])('who is woken as a run %s, finds it going on and waits again is not woken over and over', async (_, state) => {
    let parked = 3;
    await parks('again', ['2'], parked);
    const { woken, polled } = await watchFor(700, { '2': state }, async (session) => {
      parked += 2;
      await parks(session, ['2'], parked);
      return stored(session);
    });
    expect(woken).toHaveLength(1);
    expect(polled).toHaveLength(1);
  });

  test('a run that was asked about in vain has to wait; those that were not come to are asked first, and at once', async () => {
    await parks('one', ['4']);
    await parks('two', ['5']);
    const { woken, polled } = await watchFor(300, { '4': null }, async (session) => stored(session));
    expect(woken).toEqual([]);
    expect(polled.filter((run) => run === '4')).toHaveLength(1);
    expect(polled.filter((run) => run === '5').length).toBeGreaterThan(1);
  });

  test('a look that failed is not made again at once', async () => {
    await parks('one', ['6']);
    const { failed } = await watchFor(
      500,
      { '6': undefined },
      async (session) => stored(session),
      () => {
        throw new Error('nobody answers');
      },
    );
    expect(failed).toEqual(['Error: nobody answers']);
  });

  test('a clock that is set back an hour leaves no training unwatched', async () => {
    await parks('late', ['7']);
    const states: Record<string, RunState> = { '7': RUNNING };
    let looks = 0;
    vi.useFakeTimers({ toFake: ['Date'], shouldAdvanceTime: true });
    const watched = watchFor(
      2_500,
      states,
      async (session) => stored(session),
      () => looks++,
    );
    await vi.waitFor(() => expect(looks).toBe(1));
    vi.setSystemTime(Date.now() - 3_600_000);
    states['7'] = OVER;
    const { woken } = await watched.finally(() => vi.useRealTimers());
    expect(woken).toEqual(['late']);
  });

  test('whoever still waits after being woken is looked at again ever more seldom: after a minute, two, four, and every half hour at last', async () => {
    await it.redis.del(it.keys.watch);
    await parks('waits', ['8']);
    let minute = 0;
    const woken: number[] = [];
    const others: string[] = [];
    const watching = startJobWatch({
      redis: it.redis,
      keys: it.keys,
      poll: async (runs) => new Map(runs.map(({ runId }) => [runId, OVER])),
      deliver: async (_key, { session }) => {
        if (session === 'waits') woken.push(minute);
        else others.push(session);
        return session === 'waits' ? stored(session) : { is: 'closed', session };
      },
      failed: (error) => others.push(String(error)),
      everyMs: 1,
      ticks: () => minute * 60_000,
    });
    try {
      // Who comes second is woken in another round than who came first: that of the first is over by then.
      for (; minute <= 95; minute++)
        for (const other of [`first-${minute}`, `second-${minute}`]) {
          await parks(other, [other]);
          await vi.waitFor(() => expect(others.at(-1)).toBe(other), { interval: 2 });
        }
    } finally {
      watching.stop();
      await it.redis.del(it.keys.waits);
    }
    expect(woken).toEqual([0, 1, 3, 7, 15, 31, 61, 91]);
  });

  test('a session that is over is watched no longer', async () => {
    await parks('over', ['3']);
    expect((await watchFor(100, { '3': OVER }, async (session) => ({ is: 'closed', session }))).left).toEqual([]);
  });
});
