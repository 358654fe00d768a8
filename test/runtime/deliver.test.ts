import { afterAll, describe, expect, test } from 'vitest';
import { makeDeliver } from '../../src/runtime/deliver.ts';
import { openLog } from '../../src/runtime/event-log.ts';
import { asks, replied } from '../session/logs.ts';
import { aLog } from './a-log.ts';

const it = aLog();
afterAll(() => it.close());
const { redis, keys, log } = it;

/** The same Redis, each of whose answers comes `ms` late. */
function slow(ms: number) {
  const late = new Proxy(redis, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== 'function' || name === 'defineCommand') return typeof value === 'function' ? value.bind(target) : value;
      return (...args: unknown[]) => {
        const answer: unknown = value.apply(target, args);
        return answer instanceof Promise ? answer.then((v) => new Promise((r) => setTimeout(r, ms, v))) : answer;
      };
    },
  });
  return makeDeliver({
    redis: late,
    keys,
    log: openLog(late, keys, it.blobs),
    ring: () => new Promise(() => {}),
    model: 'claude-sonnet-5-5',
    limits: { perUser: 1_000, perTeam: 1_000 },
  });
}

describe('storing with a Redis that is 300 ms away', () => {
  const timed = async <T>(work: Promise<T>) => {
    const from = performance.now();
    return { answer: await work, trips: Math.floor((performance.now() - from) / 300) };
  };

  test('a session is open after two trips, and waits for no bell', async () => {
    const open = slow(300)(
      'open-far',
      { do: 'open', session: 'far', team: 'T1', channel: 'C0ML', thread: null, by: 'U1', prompt: 'Run it', door: 'command' },
      { withinMs: 2_000 },
    );
    expect(await timed(open)).toMatchObject({ answer: { is: 'stored' }, trips: 2 });
  });

  test('a click is in the log after two', async () => {
    await it.open('click');
    const lease = await log.claim(it.owner('click'), 5_000);
    const far = new Date((await log.time()) + 60_000).toISOString();
    await log.commit(
      it.owner('click'),
      lease?.fence ?? 0,
      await log.tip('click'),
      [replied(1, [{ id: 'c1', tool: 'run_databricks_job' }]), asks('c1', 'click/1', far)],
      { is: '' },
    );
    const click = slow(300)('click-1', { do: 'approve', session: 'click', approval: 'click/1', by: 'U2' }, { withinMs: 2_000 });
    expect(await timed(click)).toMatchObject({ answer: { is: 'stored', votes: 1, need: 1 }, trips: 2 });
  });
});
