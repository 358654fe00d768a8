import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import { keepRecords } from '../../src/ops/keep-records.ts';
import { makeForget } from '../../src/runtime/forget-shown.ts';
import { startNarrator } from '../../src/runtime/narrate-worker.ts';
import { makePeople } from '../../src/runtime/people.ts';
import { type Ended, endedSessions, retire } from '../../src/runtime/retire.ts';
import { setAside } from '../../src/runtime/set-aside.ts';
import { recordLines, verify } from '../../src/session/chain.ts';
import { aLog } from '../runtime/a-log.ts';

let store: ReturnType<typeof aLog>;
let folder: string;
beforeEach(async () => {
  store = aLog();
  folder = await mkdtemp(join(tmpdir(), 'labmate-records-'));
});
afterEach(async () => {
  await store.close();
  await rm(folder, { recursive: true, force: true });
});

const LONG = 'x'.repeat(40_000);
const keep = (expire: boolean, retentionMs = 0) =>
  keepRecords({ url: inject('redisUrl'), prefix: store.keys.due.slice(1, store.keys.due.indexOf('}')) }, folder, { expire, retentionMs });

/** A session that was asked with `prompt`; it has ended where `end` says so. */
async function session(id: string, prompt: string, end: boolean): Promise<void> {
  const { log, owner, open } = store;
  await open(id, prompt);
  await store.redis.hset(store.keys.slots(id), 'root', JSON.stringify({ channel: 'C0ML', ts: `1.${id.length}`, hash: 'h' }));
  await store.redis.hset(store.keys.about('T1'), id, '{}');
  if (!end) return;
  const lease = await log.claim(owner(id), 5_000);
  await log.commit(owner(id), lease!.fence, await log.tip(id), [{ type: 'ended', outcome: 'done', text: 'That is done.' }], { is: '' });
}

const left = async () => (await store.redis.keys(`${store.keys.due.replace(/due$/, '')}*`)).map((key) => key.slice(key.indexOf('}') + 2)).sort();

test('ended sessions are written once, whole, with what they name beside them; open ones are not', async () => {
  await session('s-short', 'Run it', true);
  await session('s-long', LONG, true);
  await session('s-open', 'Wait', false);
  expect(await keep(false)).toEqual({ exported: 2, there: 0, expired: 0, broken: [] });
  const [month] = (await readdir(folder)).filter((name) => name !== 'payloads');
  expect((await readdir(join(folder, month!))).sort()).toEqual(['s-long.jsonl', 's-long.md', 's-short.jsonl', 's-short.md']);
  for (const name of ['s-short', 's-long'])
    expect(verify(recordLines(await readFile(join(folder, month!, `${name}.jsonl`))))).toMatchObject({
      ok: true,
      ended: true,
      head: (await store.log.tip(name)).head,
    });
  const [payload] = await readdir(join(folder, 'payloads'));
  expect(JSON.parse(await readFile(join(folder, 'payloads', payload!), 'utf8'))).toBe(LONG);
  expect(await keep(false)).toEqual({ exported: 0, there: 2, expired: 0, broken: [] });
});

test('with --expire those past retention leave nothing behind in Redis; a payload that a kept record names stays', async () => {
  await session('s-long', LONG, true);
  await session('s-twin', LONG, false);
  await session('s-only', `${LONG}y`, true);
  const before = await left();
  expect(await keep(true, 3_600_000)).toMatchObject({ exported: 2, expired: 0 });
  expect(await left()).toEqual(before);

  expect(await keep(true)).toEqual({ exported: 0, there: 2, expired: 2, broken: [] });
  expect((await left()).filter((key) => /s-long|s-only/.test(key))).toEqual([expect.stringMatching(/^seen:/), expect.stringMatching(/^seen:/)]);
  expect(await store.redis.hkeys(store.keys.about('T1'))).toEqual(['s-twin']);
  expect(await store.reading.session('s-twin')).not.toBeNull();
  const blobs = (await left()).filter((key) => key.startsWith('blob:')).map((key) => `${store.keys.blob('')}${key.slice(5)}`);
  const ttls = await Promise.all(blobs.map((key) => store.redis.ttl(key)));
  // The one that only an expired record named goes in a month, unless somebody names it again.
  expect(ttls.sort((a, b) => a - b)).toEqual([-1, expect.any(Number)]);
  expect(Math.max(...ttls)).toBeGreaterThan(29 * 86_400);
  await store.blobs.put(new TextEncoder().encode(JSON.stringify(`${LONG}y`)));
  expect(await Promise.all(blobs.map((key) => store.redis.ttl(key)))).toEqual([-1, -1]);
});

test('the threads of an expired session go with it, wherever its cards stood; the place of a client’s principal stays', async () => {
  const { log, owner, redis, keys, deliver } = store;
  const at = { do: 'open', team: 'T1', thread: null, by: 'U1', prompt: 'Run it' } as const;
  await deliver('o1', { ...at, session: 's-direct', channel: 'D1', door: 'direct' });
  await deliver('o2', { ...at, session: 's-client', channel: 'C0ML', door: 'mcp', place: 'principal' });
  const narrator = startNarrator({
    ...store,
    people: makePeople(),
    failed: () => {},
    show: async ({ id, opened }, slots) => {
      await slots.set('root', { channel: opened.channel, ts: `${id}-root`, hash: 'h' });
      await slots.set('card:2', { channel: 'C0ML', ts: `${id}-card`, hash: 'h' });
      return null;
    },
  });
  const threads = async () => (await left()).filter((key) => key.startsWith('thread:'));
  await expect.poll(() => redis.zcard(keys.stale)).toBe(0);
  await narrator.stop();
  expect((await threads()).length).toBeGreaterThan(4);
  for (const id of ['s-direct', 's-client']) {
    const lease = await log.claim(owner(id), 5_000);
    await log.commit(owner(id), lease!.fence, await log.tip(id), [{ type: 'ended', outcome: 'done', text: '' }], { is: '' });
  }
  // Somebody went on in the thread under the card: it is the younger session's now.
  await redis.set(keys.thread('T1', 'C0ML', 's-client-card'), 's-younger');
  expect(await keep(true)).toMatchObject({ expired: 2 });
  expect(await threads()).toEqual(['thread:T1-C0ML-s-client-card', 'thread:T1-door-principal']);
});

test('the thread of a card goes with its slot, unless somebody went on in it', async () => {
  const { redis, keys, deliver } = store;
  await deliver('o1', { do: 'open', team: 'T1', thread: null, by: 'U1', prompt: 'Run it', session: 's-direct', channel: 'D1', door: 'direct' });
  const narrator = startNarrator({
    ...store,
    people: makePeople(),
    failed: () => {},
    show: async (_session, slots) => {
      for (const n of [2, 3, 4, 5]) await slots.set(`card:${n}`, { channel: 'C0ML', ts: `card-${n}`, hash: 'h' });
      await redis.mset(keys.thread('T1', 'C0ML', 'card-3'), 's-younger', keys.thread('T1', 'C0ML', 'card-5'), 's-younger');
      for (const n of [2, 3]) await slots.drop(`card:${n}`);
      return null;
    },
  });
  await expect.poll(() => redis.zcard(keys.stale)).toBe(0);
  await narrator.stop();
  const threads = async () => (await left()).filter((key) => key.startsWith('thread:'));
  expect(await threads()).toEqual(['card-3', 'card-4', 'card-5'].map((ts) => `thread:T1-C0ML-${ts}`));
  for (const n of [4, 5]) await makeForget(redis, keys)('T1', 's-direct', `card-${n}`);
  expect(await redis.hkeys(keys.slots('s-direct'))).toEqual([]);
  expect(await threads()).toEqual(['card-3', 'card-5'].map((ts) => `thread:T1-C0ML-${ts}`));
});

test('a payload that a new session names while records are retired stays', async () => {
  await session('s-long', LONG, true);
  const over: Ended[] = [];
  for await (const ended of endedSessions(store)) over.push(ended);
  await session('s-again', LONG, false);
  await retire(store, over);
  expect(await store.redis.ttl(store.keys.blob(over[0]?.payloads[0] ?? ''))).toBe(-1);
});

test('a record that cannot be read keeps no other from being written, and is named', async () => {
  await session('s-aside', 'Run it', false);
  await store.redis.xadd(store.keys.log('s-aside'), '2-0', 't', 'noted', 'l', '{"v":1,"seq":2,', 'f', '0', 'm', '1');
  await setAside(store.redis, store.keys, 's-aside', await store.log.lines('s-aside'));
  await session('s-lost', LONG, true);
  await store.redis.del(...(await store.redis.keys(store.keys.blob('*'))));
  await session('s-whole', 'Run it', true);
  expect(await keep(true)).toEqual({ exported: 1, there: 0, expired: 1, broken: ['s-lost'] });
});

test('a record that stands there has its report beside it: of the two it is written last', async () => {
  await session('s-half', 'Run it', true);
  await keep(false);
  const [month] = await readdir(folder);
  const at = (file: string) => stat(join(folder, month!, file));
  const [report, record] = await Promise.all([at('s-half.md'), at('s-half.jsonl')]);
  expect(report.mtimeMs).toBeLessThanOrEqual(record.mtimeMs);
  expect(report.ino).not.toBe(record.ino);
});

test('what was damaged in the folder is written again, and only then taken out of Redis', async () => {
  await session('s-long', LONG, true);
  await keep(false);
  const [payload] = await readdir(join(folder, 'payloads'));
  const file = join(folder, 'payloads', payload!);
  await writeFile(file, 'a disk that lied');
  expect(await keep(true)).toMatchObject({ exported: 1, expired: 1 });
  expect(JSON.parse(await readFile(file, 'utf8'))).toBe(LONG);
});
