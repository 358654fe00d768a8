import { afterAll, describe, expect, test } from 'vitest';
import { makeDeliver } from '../../src/runtime/deliver.ts';
import { openLog } from '../../src/runtime/event-log.ts';
import { asks, replied } from '../session/logs.ts';
import { aLog } from './a-log.ts';

const it = aLog();
afterAll(() => it.close());
const { redis, keys, log } = it;

/** The same Redis, each of whose answers comes late. A trip is over when nothing is on its way any more; counting them asks no clock. */
function farAway() {
  let trips = 0;
  let onTheWay = 0;
  const late = new Proxy(redis, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== 'function' || name === 'defineCommand') return typeof value === 'function' ? value.bind(target) : value;
      return (...args: unknown[]) => {
        const answer: unknown = value.apply(target, args);
        if (!(answer instanceof Promise)) return answer;
        onTheWay++;
        return answer
          .then((v) => new Promise((r) => setTimeout(r, 100, v)))
          .finally(() => {
            if (--onTheWay === 0) trips++;
          });
      };
    },
  });
  const deliver = makeDeliver({
    redis: late,
    keys,
    log: openLog(late, keys, it.blobs),
    ring: () => new Promise(() => {}),
    model: 'claude-sonnet-5-5',
    limits: { perUser: 1_000, perTeam: 1_000 },
  });
  return async (...given: Parameters<typeof deliver>) => ({ answer: await deliver(...given), trips });
}

describe('storing with a Redis that is far away', () => {
  test('a session is open after two trips, and waits for no bell', async () => {
    const opened = await farAway()(
      'open-far',
      { do: 'open', session: 'far', team: 'T1', channel: 'C0ML', thread: null, by: 'U1', prompt: 'Run it', door: 'command' },
      { withinMs: 10_000 },
    );
    expect(opened).toMatchObject({ answer: { is: 'stored' }, trips: 2 });
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
    const click = await farAway()('click-1', { do: 'approve', session: 'click', approval: 'click/1', by: 'U2' }, { withinMs: 10_000 });
    expect(click).toMatchObject({ answer: { is: 'stored', votes: 1, need: 1 }, trips: 2 });
  });
});
