import { createHash } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { openLog } from '../runtime/event-log.ts';
import { makeKeys } from '../runtime/keys.ts';
import { type Blobs, openBlobs } from '../runtime/payloads.ts';
import { unlessBroken } from '../runtime/read-line.ts';
import { type Ended, endedSessions, retire } from '../runtime/retire.ts';
import { verify } from '../session/chain.ts';
import { fold } from '../session/fold.ts';
import { report } from '../session/report.ts';
import { makeFolder, writableFolder } from '../writable-folder.ts';
import { reachRedis } from './reach-redis.ts';

export type Kept = { exported: number; there: number; expired: number; broken: string[] };

/**
 * Writes the record of every session that has ended into a folder (a disk, or a bucket that is mounted): `2026-11/<session>.jsonl`, a readable `.md` beside it, and
 * large payloads under `payloads/` by their SHA-256. Throws a sentence where the folder cannot be written into. What stands there already and holds is left alone, so it can run as often as one likes. With `expire`, sessions
 * that ended longer ago than `retentionMs` leave Redis, each only once its record has been read back from the folder and holds.
 */
export async function keepRecords(redis: { url: string; prefix: string }, folder: string, options: { expire: boolean; retentionMs: number }): Promise<Kept> {
  // At once, and not first in the night in which there is something to write.
  await writableFolder('labmate records', folder);
  const connection = await reachRedis(redis.url);
  const keys = makeKeys(redis.prefix);
  const blobs = openBlobs(connection, keys);
  const log = openLog(connection, keys, blobs);
  const store = { redis: connection, keys, log };
  const kept: Kept = { exported: 0, there: 0, expired: 0, broken: [] };
  const over: Ended[] = [];
  try {
    const oldest = (await log.time()) - options.retentionMs;
    for await (const { lines, ...ended } of endedSessions(store)) {
      const place = placeOf(folder, ended);
      const text = `${lines.join('\n')}\n`;
      const checked = verify(lines);
      if (checked.ok && (await isWhole(folder, place, text, ended))) kept.there += 1;
      else {
        // One that does not hold, or a payload of which is gone, keeps no other from being written.
        const session = checked.ok ? await unlessBroken(log.read(ended.session).then((entries) => fold(ended.session, entries))) : null;
        if (session) {
          // The record last: where it stands, all that belongs to it does.
          await put(`${place}.md`, report(session));
          await write(folder, place, text, ended, blobs);
          kept.exported += 1;
        } else kept.broken.push(ended.session);
      }
      if (options.expire && checked.ok && Date.parse(ended.endedAt) < oldest && (await isWhole(folder, place, text, ended))) over.push(ended);
    }
    if (options.expire) await retire(store, over);
    kept.expired = over.length;
    return kept;
  } finally {
    connection.disconnect();
  }
}

function placeOf(folder: string, { session, endedAt }: Ended): string {
  return join(folder, endedAt.slice(0, 7), session);
}

async function write(folder: string, place: string, text: string, { payloads }: Ended, blobs: Blobs): Promise<void> {
  // The payloads first: a record that stands there has all that it names beside it.
  for (const sha256 of payloads) {
    const data = await blobs.get(sha256);
    if (data && !(await hasPayload(folder, sha256))) await put(join(folder, 'payloads', sha256), data);
  }
  await put(`${place}.jsonl`, text);
}

/** Read back, not believed: this is the last copy but one. */
async function isWhole(folder: string, place: string, text: string, { payloads }: Ended): Promise<boolean> {
  if ((await readFile(`${place}.jsonl`, 'utf8').catch(() => null)) !== text) return false;
  for (const sha256 of payloads) if (!(await hasPayload(folder, sha256))) return false;
  return true;
}

async function hasPayload(folder: string, sha256: string): Promise<boolean> {
  const data = await readFile(join(folder, 'payloads', sha256)).catch(() => null);
  return data !== null && createHash('sha256').update(data).digest('hex') === sha256;
}

/** Whole or not at all, however it ends. */
async function put(file: string, data: string | Uint8Array): Promise<void> {
  await makeFolder(dirname(file));
  await writeFile(`${file}.part`, data);
  await rename(`${file}.part`, file);
}
