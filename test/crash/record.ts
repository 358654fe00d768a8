import { createHash } from 'node:crypto';
import { type Blobs, inflate } from '../../src/runtime/payloads.ts';
import { type Entry, eventSchema } from '../../src/session/events.ts';

/**
 * Reads a record with the suite's own eyes, whatever its version: contiguous numbers, every `prev` the SHA-256 of the line before, one session, `opened` first
 * and nothing after `ended`. Throws where that does not hold.
 */
export async function readRecord(rows: [string, string[]][], sid: string, blobs: Blobs): Promise<Entry[]> {
  const entries: Entry[] = [];
  let prev = '0'.repeat(64);
  for (const [id, fields] of rows) {
    const stored = Object.fromEntries(fields.flatMap((f, i) => (i % 2 === 0 ? [[f, fields[i + 1] ?? '']] : [])));
    const line = String(stored['l']);
    const seq = entries.length + 1;
    const raw = JSON.parse(line) as Record<string, unknown>;
    const wrong = (why: string) => new Error(`line ${seq}: ${why}`);
    if (id !== `${seq}-0` || raw['seq'] !== seq) throw wrong('it is not in its place');
    if (raw['prev'] !== prev) throw wrong('its prev is not the SHA-256 of the line before');
    if (raw['session'] !== sid) throw wrong('it belongs to another session');
    if (raw['v'] !== 1 && raw['v'] !== 2) throw wrong('it has no version');
    if (entries.at(-1)?.event.type === 'ended') throw wrong('it stands after the end');
    prev = createHash('sha256').update(line).digest('hex');
    const event = eventSchema.parse(await inflate(raw, blobs));
    if ((event.type === 'opened') !== (seq === 1)) throw wrong('a record is opened once, on its first line');
    entries.push({ seq, line, hash: prev, at: String(raw['at']), event, m: Number(stored['m']), fence: Number(stored['f']) });
  }
  return entries;
}
