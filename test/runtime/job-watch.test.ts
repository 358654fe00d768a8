import { afterAll, beforeAll, describe, expect, test } from 'vitest';
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
  async function watchFor(ms: number, states: Record<string, RunState>, deliver: (session: string) => Promise<Delivered>) {
    await it.redis.del(it.keys.watch);
    const seen = { woken: [] as string[], failed: [] as string[], polled: [] as string[] };
    const watching = startJobWatch({
      redis: it.redis,
      keys: it.keys,
      poll: async (runs) => {
        seen.polled.push(...runs.map((r) => r.runId));
        return new Map(runs.map(({ runId }) => [runId, states[runId] ?? RUNNING]));
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

  test('who is woken, finds the run going on and waits again is not woken over and over', async () => {
    let parked = 3;
    await parks('again', ['2'], parked);
    const { woken, polled } = await watchFor(700, { '2': OVER }, async (session) => {
      parked += 2;
      await parks(session, ['2'], parked);
      return stored(session);
    });
    expect(woken).toHaveLength(1);
    expect(polled).toHaveLength(1);
  });

  test('a session that is over is watched no longer', async () => {
    await parks('over', ['3']);
    expect((await watchFor(100, { '3': OVER }, async (session) => ({ is: 'closed', session }))).left).toEqual([]);
  });
});
