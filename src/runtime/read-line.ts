import { entryOf, lineHash, type Tip } from '../session/chain.ts';
import type { Entry } from '../session/events.ts';
import { checkVersion, NewerRecord, placeOf } from '../session/record-version.ts';
import { type Blobs, inflate, PayloadsAway } from './payloads.ts';

/** The chain of a session does not hold: nobody may act on it. */
export class BrokenChain extends Error {
  readonly session: string;
  readonly line: number;
  constructor(why: string, at: { session: string; line: number; cause?: unknown }) {
    super(`the record of ${at.session} is broken at line ${at.line}: ${why}`, { cause: at.cause });
    this.name = 'BrokenChain';
    this.session = at.session;
    this.line = at.line;
  }
}

/** What was read of a session; null where its record does not hold, or a payload of it is gone. */
export async function unlessBroken<T>(reading: Promise<T>): Promise<T | null> {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof BrokenChain) return null;
    throw error;
  }
}

/**
 * Reads one stored line at its place: the chain must hold, the event must be known, its payloads must be there. Throws BrokenChain; PayloadsAway where
 * Redis could not be asked for a payload; NewerRecord where a later labmate wrote it.
 */
export async function readLine(sid: string, line: string, tip: Tip, blobs: Blobs): Promise<Pick<Entry, 'seq' | 'line' | 'hash' | 'at' | 'event'>> {
  const place = { session: sid, line: tip.seq + 1 };
  if (!placeOf(line, tip.seq + 1, tip.head)) throw new BrokenChain('it does not follow the line before it', place);
  try {
    const raw = JSON.parse(line) as Record<string, unknown>;
    if (raw['session'] !== sid) throw new Error('it belongs to another session');
    checkVersion(raw);
    const { seq, at, event } = entryOf(await inflate(raw, blobs));
    return { seq, line, hash: lineHash(line), at, event };
  } catch (cause) {
    // Neither a Redis that is away nor a newer labmate breaks a record: taken for broken, the session would never be gone on with.
    if (cause instanceof PayloadsAway || cause instanceof NewerRecord) throw cause;
    throw new BrokenChain(cause instanceof Error ? cause.message : 'it is no event we know', { ...place, cause });
  }
}
