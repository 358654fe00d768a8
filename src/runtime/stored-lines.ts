import type { Redis } from 'ioredis';
import { type Tip, ZERO_HEAD } from '../session/chain.ts';
import type { Entry } from '../session/events.ts';
import { placeOf } from '../session/record-version.ts';
import type { Keys } from './keys.ts';
import type { Blobs } from './payloads.ts';
import { readLine } from './read-line.ts';

/** The lines of a log as they lie in Redis. */
export function storedLines(redis: Redis, keys: Keys, blobs: Blobs) {
  return {
    /** Reads the lines after `after` and checks that they continue it. Throws BrokenChain. */
    async read(sid: string, after: Tip = { seq: 0, head: ZERO_HEAD }): Promise<Entry[]> {
      const rows = await redis.xrange(keys.log(sid), after.seq === 0 ? '-' : `(${after.seq}-0`, '+');
      const entries: Entry[] = [];
      let tip = after;
      for (const [, fields] of rows) {
        const stored = pairs(fields);
        const line = stored['l'] ?? '';
        const entry = await readLine(sid, line, tip, blobs);
        entries.push({ ...entry, m: Number(stored['m']), fence: Number(stored['f']) });
        tip = { seq: entry.seq, head: entry.hash };
      }
      return entries;
    },

    /** The exact lines, unread; the first `count` of them where only those are asked for. */
    async lines(sid: string, count = Number.MAX_SAFE_INTEGER): Promise<string[]> {
      const rows = await redis.xrange(keys.log(sid), '-', '+', 'COUNT', count);
      return rows.map(([, fields]) => pairs(fields)['l'] ?? '');
    },

    /**
     * Has the log grown from this tip, by lines from outside? The first names the line before it. An owner's is another one's who has our fence, as a claim can be lost
     * with a master, too, and be made anew: of two such only one may go on.
     */
    async isPassed(sid: string, tip: Tip): Promise<boolean> {
      const rows = (await redis.xrange(keys.log(sid), `${tip.seq + 1}-0`, '+')).map(([, fields]) => pairs(fields));
      return placeOf(rows[0]?.['l'] ?? '', tip.seq + 1, tip.head) && rows.every((row) => row['f'] === '0');
    },
  };
}

function pairs(fields: readonly string[]): Record<string, string> {
  const map: Record<string, string> = {};
  for (let i = 0; i + 1 < fields.length; i += 2) map[fields[i] ?? ''] = fields[i + 1] ?? '';
  return map;
}
