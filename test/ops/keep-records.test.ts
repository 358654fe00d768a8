import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import { keepRecords } from '../../src/ops/keep-records.ts';
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

test('what was damaged in the folder is written again, and only then taken out of Redis', async () => {
  await session('s-long', LONG, true);
  await keep(false);
  const [payload] = await readdir(join(folder, 'payloads'));
  const file = join(folder, 'payloads', payload!);
  await writeFile(file, 'a disk that lied');
  expect(await keep(true)).toMatchObject({ exported: 1, expired: 1 });
  expect(JSON.parse(await readFile(file, 'utf8'))).toBe(LONG);
});
