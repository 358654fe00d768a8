import { createHash } from 'node:crypto';
import type { Limiter, ShownSlot, Slots } from '../runtime/reading.ts';
import type { Session } from '../session/state.ts';
import type { Slot } from './narrate.ts';

/** One look at one thread: what it shows, and how to write down a change of that. */
export type Look = {
  session: Session;
  channel: string;
  limiter: Limiter;
  now: number;
  shown: Record<string, ShownSlot>;
  /** Slots that Slack did not let stand where they should. */
  missing: readonly string[];
  /** Before what stands there is changed: who stood still for long would put back what was shown before. */
  still(): Promise<void>;
  set(slot: string, is: Omit<ShownSlot, 'channel'> & { channel?: string }): Promise<void>;
  drop(slot: string): Promise<void>;
};

/** Ms until it must be looked at again; null when it stands as it should. */
export type Again = number | null;

/** A request to Slack is over after this long; only then can a look-up tell whether it arrived. */
export const IN_FLIGHT_MS = 6_000;
export const EDIT_EVERY_MS = 1_000;
const POST_EVERY_MS = 1_000;
/** Slack takes short bursts: a thread begins with its root, its plan and its card at once. */
const POSTS_AT_ONCE = 4;

/** So many stand in line. The rate is shared by all processes, the line is not: nobody trusts a longer one. */
const LONGEST = 30;
/** Whoever has not come back so long after their time needs no place any more, or was drawn by another process. */
const GONE_MS = 5_000;

/** In place of a hash: it could not be posted where it belongs. */
export const MISSING = 'missing';

export async function lookAt(session: Session, slots: Slots, limiter: Limiter, now: number): Promise<Look> {
  const { channel } = session.opened;
  const shown = { ...(await slots.all()) };
  return {
    session,
    channel,
    limiter,
    now,
    shown,
    missing: Object.keys(shown).filter((name) => shown[name]?.hash === MISSING),
    still: slots.still,
    async set(slot, is) {
      await slots.set(slot, { channel, ...is });
      shown[slot] = { channel, ...is };
    },
    async drop(slot) {
      await slots.drop(slot);
      delete shown[slot];
    },
  };
}

/** Ms until this channel takes a message of this thread; 0 has taken the place. */
export type PlaceIn = (channel: string, look: Look) => Promise<number>;

/**
 * Who finds no place comes back when those before them in line have had one: if all came for the next one, a hundred threads would be read and drawn for each message
 * that goes out. Nobody is turned away for the line's sake: whoever comes and finds a place takes it. Where the line is full, an older session takes the place of the
 * youngest in it, so that those behind it are not overtaken for good. `clock` in ms.
 */
export function makePlaces(clock: () => number = () => performance.now()): PlaceIn {
  const lines = new Map<string, Map<string, { at: number; opened: number }>>();
  return async (channel, { limiter, session }) => {
    const wait = await limiter(`post:${channel}`, POST_EVERY_MS, POSTS_AT_ONCE);
    const now = clock();
    // In the order in which they came, and when each comes back.
    const line = lines.get(channel) ?? new Map<string, { at: number; opened: number }>();
    if (wait === 0) {
      line.delete(session.id);
      if (line.size === 0) lines.delete(channel);
      return 0;
    }
    for (const [other, { at }] of line) if (at + GONE_MS < now && other !== session.id) line.delete(other);
    const mine = { at: now, opened: session.opened.m };
    if (!line.has(session.id) && line.size >= LONGEST) {
      const [youngest, { opened }] = [...line].reduce((a, b) => (b[1].opened > a[1].opened ? b : a));
      if (opened <= mine.opened) return LONGEST * POST_EVERY_MS;
      line.delete(youngest);
    }
    lines.set(channel, line.set(session.id, mine));
    const inMs = wait + [...line.keys()].indexOf(session.id) * POST_EVERY_MS;
    mine.at = now + inMs;
    return inMs;
  };
}

export function threadOf({ session, shown }: Look): string | undefined {
  return session.opened.thread ?? shown['root']?.ts ?? undefined;
}

export function mark(session: Session, slot: Pick<Slot, 'name'>) {
  return { session: session.id, slot: slot.name };
}

export function hashOf(slot: Slot): string {
  const content = 'file' in slot ? slot.file : 'status' in slot ? { status: slot.status, title: slot.title } : { text: slot.text, blocks: slot.blocks };
  return shortHash(content);
}

export function shortHash(content: unknown): string {
  return createHash('sha256').update(JSON.stringify(content)).digest('hex').slice(0, 32);
}
