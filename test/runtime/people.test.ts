import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, test, vi } from 'vitest';
import { makeDeliver } from '../../src/runtime/deliver.ts';
import { makeForget } from '../../src/runtime/forget-shown.ts';
import { startNarrator } from '../../src/runtime/narrate-worker.ts';
import { makePeople } from '../../src/runtime/people.ts';
import { aLog } from './a-log.ts';

const it = aLog();
afterAll(() => it.close());

/** So many who wait, and how they leave. */
function crowdOf(count: number) {
  const people = makePeople();
  const leave = Array.from({ length: count }, () => people.comes());
  const order: string[] = [];
  return {
    people,
    order,
    leave: () => {
      order.push('left');
      for (const each of leave) each();
    },
  };
}

test('where nobody waits, nothing stands back', async () => {
  const { people, order } = crowdOf(0);
  people.afterCrowd(() => order.push('work'));
  order.push('next');
  await people.gone();
  expect(order).toEqual(['work', 'next']);
});

test('beside a few, what they need not wait for is done at once; what draws threads waits for them all the same', async () => {
  const { people, order, leave } = crowdOf(8);
  people.afterCrowd(() => order.push('bell'));
  const drawn = people.gone().then(() => order.push('thread'));
  await sleep(60);
  leave();
  await drawn;
  expect(order).toEqual(['bell', 'left', 'thread']);
});

test('behind a crowd it waits until the last has left, and whoever leaves twice is one', async () => {
  const { people, order, leave } = crowdOf(9);
  const late = people.comes();
  const done = new Promise<void>((resolve) => people.afterCrowd(() => resolve(void order.push('bell'))));
  leave();
  leave();
  await sleep(60);
  order.push('the last');
  late();
  await done;
  expect(order).toEqual(['left', 'left', 'the last', 'bell']);
});

test('a crowd that does not leave holds nothing up for good', async () => {
  const { people } = crowdOf(9);
  const rung: string[] = [];
  people.afterCrowd(() => rung.push('bell'));
  await people.gone();
  await sleep(0);
  expect(rung).toEqual(['bell']);
});

test('in a crowd a session is stored at once; its bell and its place in the lists follow', async () => {
  const { people, leave } = crowdOf(9);
  const rung: string[] = [];
  const deliver = makeDeliver({
    ...it,
    people,
    ring: async (sid) => void rung.push(sid),
    model: 'claude-sonnet-5-5',
    limits: { perUser: 1_000, perTeam: 1_000 },
  });
  const listed = async () => Object.keys(await it.redis.hgetall(it.keys.about('T1')));
  const open = { do: 'open', session: 'crowd', team: 'T1', channel: 'C0ML', thread: null, by: 'U1', prompt: 'Run it', door: 'command' } as const;
  expect(await deliver('open-crowd', open)).toMatchObject({ is: 'stored' });
  expect({ rung, listed: await listed() }).toEqual({ rung: [], listed: [] });
  // Whoever dies now has lost nothing: the session is due, and the pump rings for what is due.
  expect(await it.redis.zscore(it.keys.due, 'crowd')).not.toBeNull();
  leave();
  await expect.poll(async () => ({ rung, listed: await listed() })).toEqual({ rung: ['crowd'], listed: ['crowd'] });
});

test('what others have written of a session meanwhile is newer than what the crowd has kept waiting', async () => {
  const { people, leave } = crowdOf(9);
  const deliver = makeDeliver({ ...it, people, ring: async () => {}, model: 'claude-sonnet-5-5', limits: { perUser: 1_000, perTeam: 1_000 } });
  await deliver('open-newer', { do: 'open', session: 'newer', team: 'T1', channel: 'C0ML', thread: null, by: 'U1', prompt: 'Run it', door: 'command' });
  const newer = '{"seq":2,"state":"what a worker wrote"}';
  await it.redis.hset(it.keys.about('T1'), 'newer', newer);
  leave();
  await people.gone();
  await sleep(50);
  expect(await it.redis.hget(it.keys.about('T1'), 'newer')).toBe(newer);
});

test('no thread is drawn while somebody waits, and each of them afterwards', async () => {
  const { people, order, leave } = crowdOf(1);
  await it.open('drawn');
  const narrator = startNarrator({
    ...it,
    people,
    everyMs: 10,
    show: async (session) => {
      if (session.id === 'drawn') order.push('thread');
      return null;
    },
    failed: (sid, error) => order.push(`${sid}: ${error}`),
  });
  await sleep(150);
  leave();
  await expect.poll(() => order).toEqual(['left', 'thread']);
  await narrator.stop();
});

test.each([
  // As when this process stood still for longer than its turn.
  ['is at it', (id: string) => it.redis.set(it.keys.show(id), 'another', 'PX', 200)],
  ['has been at it and let go', (id: string) => it.redis.del(it.keys.show(id))],
])('a narrator whose place another has taken, and %s, writes nothing more, says nothing of it, and looks again', async (what, taken) => {
  const id = `slow, ${what}`;
  await it.open(id);
  const wrote: string[] = [];
  let looks = 0;
  const failed: unknown[] = [];
  const narrator = startNarrator({
    ...it,
    people: makePeople(),
    everyMs: 10,
    show: async (session, slots) => {
      if (session.id !== id || ++looks > 1) return null;
      await slots.set('root', { channel: 'C0ML', ts: '1.1', hash: 'ours' });
      wrote.push('root');
      await taken(id);
      await slots.set('plan', { channel: 'C0ML', ts: '1.2', hash: 'ours' });
      wrote.push('plan');
      return null;
    },
    failed: (_sid, error) => failed.push(error),
  });
  await expect.poll(() => looks, { timeout: 5_000 }).toBe(2);
  await narrator.stop();
  expect([wrote, failed]).toEqual([['root'], []]);
  expect(Object.keys(await it.redis.hgetall(it.keys.slots(id)))).toEqual(['root']);
});

test('a narrator that stood still with the answer that the thread is its own does not go on with it', async () => {
  await it.open('stood still');
  const did: string[] = [];
  const narrator = startNarrator({
    ...it,
    people: makePeople(),
    everyMs: 10,
    show: async (session, slots) => {
      if (session.id !== 'stood still' || did.length > 1) return null;
      did.push('look');
      if (did.length > 1) return null;
      vi.useFakeTimers({ toFake: ['Date'], shouldAdvanceTime: true });
      const noted = slots.set('plan', { channel: 'C0ML', ts: null, hash: '', trying: 1 });
      vi.setSystemTime(Date.now() + 31_000);
      await noted.finally(() => vi.useRealTimers());
      did.push('post');
      return null;
    },
    failed: (_sid, error) => did.push(String(error)),
  });
  await expect.poll(() => did.length, { timeout: 5_000 }).toBe(2);
  await narrator.stop();
  expect(did).toEqual(['look', 'look']);
});

test('threads that take long hide no other, and not all are at work at once', async () => {
  for (let i = 0; i < 60; i++) await it.open(`long-${i}`);
  const seen = new Set<string>();
  let open = () => {};
  const held = new Promise<void>((resolve) => (open = resolve));
  const narrator = startNarrator({
    ...it,
    people: makePeople(),
    everyMs: 10,
    show: async (session) => {
      seen.add(session.id);
      if (session.id.startsWith('long-')) await held;
      return null;
    },
    failed: () => {},
  });
  await expect.poll(() => [...seen].filter((id) => id.startsWith('long-')).length).toBe(60);
  await it.open('short');
  await expect.poll(() => seen.has('short')).toBe(true);
  for (let i = 60; i < 600; i++) await it.open(`long-${i}`);
  await expect.poll(() => seen.size, { timeout: 5_000 }).toBeGreaterThan(300);
  await sleep(500);
  expect(seen.size).toBeLessThanOrEqual(402);
  open();
  await expect.poll(() => [...seen].filter((id) => id.startsWith('long-')).length, { timeout: 5_000 }).toBe(600);
  await narrator.stop();
});

test('threads that a process which died had in hand hide no other', async () => {
  for (let i = 0; i < 130; i++) {
    await it.open(`theirs-${i}`);
    await it.redis.set(it.keys.show(`theirs-${i}`), 'who died', 'PX', 30_000);
  }
  await it.open('behind them');
  const seen = new Set<string>();
  const narrator = startNarrator({
    ...it,
    people: makePeople(),
    everyMs: 10,
    show: async (session) => {
      seen.add(session.id);
      return null;
    },
    failed: () => {},
  });
  await expect.poll(() => seen.has('behind them'), { timeout: 5_000 }).toBe(true);
  expect([...seen].some((id) => id.startsWith('theirs'))).toBe(false);
  // Nobody has them any more.
  await it.redis.del(...Array.from({ length: 130 }, (_, i) => it.keys.show(`theirs-${i}`)));
  await expect.poll(() => [...seen].filter((id) => id.startsWith('theirs')).length, { timeout: 5_000 }).toBe(130);
  await narrator.stop();
});

test('a message that is deleted while its thread is drawn is drawn again', async () => {
  await it.open('deleted');
  const forget = makeForget(it.redis, it.keys);
  const shown: string[][] = [];
  const narrator = startNarrator({
    ...it,
    people: makePeople(),
    everyMs: 10,
    show: async (session, slots) => {
      if (session.id !== 'deleted') return null;
      const names = Object.keys(await slots.all());
      shown.push(names);
      if (names.length === 0) await slots.set('plan', { channel: 'C0ML', ts: '1.2', hash: 'ours' });
      if (shown.length === 2) await forget('T1', 'deleted', '1.2');
      return shown.length === 1 ? { againInMs: 0 } : null;
    },
    failed: () => {},
  });
  await expect.poll(() => shown, { timeout: 5_000 }).toEqual([[], ['plan'], []]);
  await narrator.stop();
});

test('what is listed without a record is looked at once', async () => {
  await it.redis.zadd(it.keys.stale, 1, 'taken away');
  const narrator = startNarrator({ ...it, people: makePeople(), everyMs: 10, show: async () => null, failed: () => {} });
  await expect.poll(() => it.redis.zscore(it.keys.stale, 'taken away'), { timeout: 5_000 }).toBeNull();
  await narrator.stop();
});
