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

/** Ms until this channel takes another message; 0 has taken the place. */
export function placeIn(channel: string, { limiter }: Look): Promise<number> {
  return limiter(`post:${channel}`, POST_EVERY_MS, POSTS_AT_ONCE);
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
