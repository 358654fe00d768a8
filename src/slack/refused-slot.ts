import { UpstreamError } from '../services/http.ts';
import { FINAL, SHUT } from '../services/slack-errors.ts';
import type { Log } from './log.ts';
import { type Again, type Look, MISSING } from './look.ts';
import type { Slot } from './narrate.ts';

const AGAIN_MS = 2_000;
const SHUT_LEAST_MS = 20_000;
const SHUT_MOST_MS = 3_600_000;
const MISSING_AGAIN_MS = 300_000;

/** What is refused for the message's own sake is not tried again until its content changes; anything else is, ever more rarely where it need not pass. */
export async function afterRefusal(error: unknown, slot: Slot, hash: string, look: Look, log: Log): Promise<Again> {
  if (!(error instanceof UpstreamError)) throw error;
  const { now, session } = look;
  const code = error.code ?? '';
  const facts = { session: session.id, slot: slot.name, code: error.code, status: error.status };
  const known = look.shown[slot.name];
  const ts = known?.ts ?? null;
  // Somebody deleted it; what still matters is shown again, but not the root, which a thread hangs on.
  if (code === 'message_not_found' && ts && !session.ended && slot.name !== 'root') {
    await look.drop(slot.name);
    return AGAIN_MS;
  }
  // An answer of Slack's own to what was sent just now: the message is surely not there. Where a look-up is refused, the post before it may be.
  const absent = !ts && known?.trying === now && (error.status === 200 || error.status === 429);
  // An archived channel may stay so for years.
  const rarely = Math.min(SHUT_MOST_MS, Math.max(SHUT_LEAST_MS, (now - session.lastM) / 4));
  if (SHUT.has(code) && slot.channel === undefined) {
    log.error(facts, `a thread cannot be brought up to date: ${error.message}`);
    if (absent) await look.drop(slot.name);
    return rarely;
  }
  if (error.transient) {
    log.warn(facts, error.message);
    if (absent) await look.drop(slot.name);
    return error.retryAfterMs ?? AGAIN_MS;
  }
  log.error(facts, `a message cannot be shown as it should: ${error.message}`);
  const stands = { ...(slot.channel ? { channel: slot.channel } : {}), ts };
  if (FINAL.has(code) && (ts || slot.channel === undefined)) {
    await look.set(slot.name, { ...stands, hash });
    return null;
  }
  // What was begun is still to be found again: a post, a stream, a message to take away.
  const { trying, refused: _, ...begun } = known ?? {};
  const still = { ...begun, ...stands, ...(trying === undefined || absent ? {} : { trying }) };
  // Somebody may yet let us in where approvers are asked.
  if (slot.channel !== undefined && !ts) {
    await look.set(slot.name, { ...still, hash: MISSING });
    return look.missing.includes(slot.name) ? MISSING_AGAIN_MS : AGAIN_MS;
  }
  await look.set(slot.name, { ...still, hash: '', refused: { hash, until: now + rarely } });
  return rarely;
}
