import { hash } from 'node:crypto';
import { afterAll, describe, expect, test } from 'vitest';
import { makeDeliver } from '../../src/runtime/deliver.ts';
import { openLog } from '../../src/runtime/event-log.ts';
import { makeReading } from '../../src/runtime/read-sessions.ts';
import { asks, replied } from '../session/logs.ts';
import { aLog } from './a-log.ts';

const it = aLog();
afterAll(() => it.close());
const { redis, keys, log } = it;

/** The same Redis, each of whose answers comes late. A trip is over when nothing is on its way any more; counting them asks no clock. */
function farAway() {
  let trips = 0;
  let onTheWay = 0;
  const rung: { sid: string; after: number }[] = [];
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
  const far = openLog(late, keys, it.blobs);
  const reading = makeReading(late, keys, far);
  const deliver = makeDeliver({
    redis: late,
    keys,
    log: far,
    ring: (sid) => {
      rung.push({ sid, after: trips });
      return new Promise(() => {});
    },
    model: 'claude-sonnet-5-5',
    limits: { perUser: 1_000, perTeam: 1_000 },
  });
  return { read: reading.session, deliver: async (...given: Parameters<typeof deliver>) => ({ answer: await deliver(...given), trips, rung }) };
}

describe('storing with a Redis that is far away', () => {
  test('a session is open after two trips, and waits for no bell', async () => {
    const opened = await farAway().deliver(
      'open-far',
      { do: 'open', session: 'far', team: 'T1', channel: 'C0ML', thread: null, by: 'U1', prompt: 'Run it', door: 'command' },
      { withinMs: 10_000 },
    );
    // The bell is on its way together with what it rings for.
    expect(opened).toMatchObject({ answer: { is: 'stored' }, trips: 2, rung: [{ sid: 'far', after: 1 }] });
  });

  test('a click is in the log after two, of which the first reads its session', async () => {
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
    const { read, deliver } = farAway();
    const seen = await read('click');
    const yes = { do: 'approve', session: 'click', approval: 'click/1', by: 'U2' } as const;
    const click = await deliver('click-1', yes, { withinMs: 10_000, ...(seen ? { seen } : {}) });
    expect(click).toMatchObject({ answer: { is: 'stored', votes: 1, need: 1 }, trips: 2, rung: [{ sid: 'click', after: 1 }] });
    // Somebody was quicker than what was seen says.
    const again = await deliver('click-2', { ...yes, by: 'U3' }, { withinMs: 10_000, ...(seen ? { seen } : {}) });
    expect(again.answer).toMatchObject({ is: 'decided', state: 'approved', by: 'U2' });
  });
});

describe('what people type', () => {
  test('two sessions whose names begin alike are told apart, and a delivery that comes again changes no name', async () => {
    const [a, b] = namesakes();
    const names = async () => redis.hgetall(keys.alias('T1'));
    const [one, two] = [await it.open(a), await it.open(b)];
    if (one.is !== 'stored' || two.is !== 'stored') throw new Error('not stored');
    expect(two.alias).toMatch(new RegExp(`^${one.alias}[0-9a-z]$`));
    expect(await names()).toMatchObject({ [one.alias]: a, [two.alias]: b });
    expect((await it.reading.session(b))?.opened.alias).toBe(two.alias);
    const before = await names();
    expect(await it.open(b)).toMatchObject({ is: 'duplicate' });
    expect(await names()).toEqual(before);
  });
});

/** Two ids with the same first four letters. */
function namesakes(): [string, string] {
  const seen = new Map<string, string>();
  for (let i = 0; ; i++) {
    const sid = `same${i}`;
    const letters = [...hash('sha256', sid, 'buffer').subarray(0, 4)].map((byte) => byte % 32).join();
    const other = seen.get(letters);
    if (other) return [other, sid];
    seen.set(letters, sid);
  }
}

test('asked about again after its deadline, a delivery is found where it was stored, and is not stored where it was not', async () => {
  await it.open('s-look');
  const say = { do: 'tell', session: 's-look', by: 'U1', text: 'hi', ts: null, kind: 'message', standing: 'requester' } as const;
  expect(await it.deliver('say', say, { withinMs: -1_000 })).toEqual({ is: 'late' });
  expect((await it.deliver('say', say, { withinMs: 10_000 })).is).toBe('stored');
  expect((await it.deliver('say', say, { withinMs: -1_000 })).is).toBe('duplicate');
});
