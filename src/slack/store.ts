import type { Command, Delivered } from '../runtime/commands.ts';
import { NewerRecord } from '../session/record-version.ts';
import type { Session } from '../session/state.ts';
import { within } from '../within.ts';
import type { Desk } from './desk.ts';

/** Slack waits 3 s for an answer; storing gets this much of it. */
export const STORE_MS = 2_000;
/** A reply that has not come so long after is lost for this request, though it may still have been stored. */
const GRACE_MS = 300;

/** What became of a delivery of which nobody knew in time whether it was stored. */
export type Settled = Promise<'stored' | 'lost'>;
export type Stored = Delivered | { is: 'unsure'; settled: Settled };

export const UNKNOWN = "I don't know this any more. It may belong to another installation.";
export const LATE = 'I could not store this within 2 seconds, so nothing was done. Please repeat it.';
export const UNSURE = 'I could not confirm within 2 seconds that this was stored. I am checking and will tell you here.';
export const TOO_LONG = 'It is too long to be shown whole, so nobody can approve it. Deny it and ask for less at once.';
export const AFTER_ALL = 'It was stored after all; there is nothing to repeat.';
export const REPEAT = 'It was not stored, and nothing was done. Please repeat it.';

/**
 * Stores a delivery before Slack is told about it. `seen`: the session as it was read for this delivery, so that it is not read twice. Throws only where a newer
 * labmate wrote the log: what is not known is `unsure`, and settles later.
 */
export async function store(desk: Desk, key: string, command: Command, withinMs = STORE_MS, seen?: Session): Promise<Stored> {
  const asked = desk.deliver(key, command, { withinMs, ...(seen ? { seen } : {}) });
  try {
    const first = await within(withinMs + GRACE_MS, asked, () => null);
    if (first) return first;
  } catch (error) {
    // Nothing was sent to the store: who reads this log is told what that means.
    if (error instanceof NewerRecord) throw error;
    desk.log.error({ key, session: command.session, why: String(error) }, 'a delivery could not be stored');
  }
  return { is: 'unsure', settled: settle(desk, key, command, asked) };
}

/** A deadline this long ago, whatever clocks differ by: what is there is told, and nothing is stored. */
const ONLY_LOOK_MS = -1_000;

/** Asks again by the delivery's key: a yes means that the first attempt got through. */
async function settle(desk: Desk, key: string, command: Command, asked: Promise<Delivered>): Settled {
  const known = await asked.catch(() => null);
  if (known) return isIn(known) ? 'stored' : 'lost';
  for (const ms of [500, 2_000, 8_000]) {
    await new Promise((resolve) => setTimeout(resolve, ms).unref());
    const again = await desk.deliver(key, command, { withinMs: ONLY_LOOK_MS }).catch(() => null);
    if (again) return isIn(again) ? 'stored' : 'lost';
  }
  return 'lost';
}

function isIn(delivered: Delivered): boolean {
  return delivered.is === 'stored' || delivered.is === 'duplicate';
}

/** What a person is told of a delivery that was not simply stored; null where it was. */
export function whyNot(stored: Stored): string | null {
  switch (stored.is) {
    case 'stored':
    case 'duplicate':
      return null;
    case 'late':
      return LATE;
    case 'unsure':
      return UNSURE;
    case 'closed':
      return 'This experiment has ended already, so there is nothing to change. Reply in its thread to open the next one.';
    case 'unknown':
      return UNKNOWN;
    case 'decided':
      return decidedInWords(stored);
    case 'too long':
      return TOO_LONG;
    case 'limit':
      return stored.which === 'user'
        ? `You have ${stored.limit} experiments open, which is the limit for one person. /experiment status lists them, /experiment stop ID ends one.`
        : `This workspace has ${stored.limit} experiments open, which is its limit. /experiment status lists them; one of them has to end first.`;
    default:
      return stored satisfies never;
  }
}

/** The same for a form: where nobody knows yet, `settled` tells later. */
export function notStored(stored: Stored): { why: string; settled?: Settled } | null {
  const why = whyNot(stored);
  return why === null ? null : { why, ...(stored.is === 'unsure' ? { settled: stored.settled } : {}) };
}

/** Who decided, and when. */
export function decidedInWords({ state, by, at }: { state: string; by: string | null; at: string | null }): string {
  const word = state === 'used' ? 'approved' : state;
  return `This was ${word} already${by ? ` by <@${by}>` : ''}${at ? ` at ${at.slice(0, 10)} ${at.slice(11, 16)} UTC` : ''}.`;
}
