import { clocks, since } from './elapsed.ts';
import type { EventLog, Owner } from './event-log.ts';

/** How long a session is ours without a sign of life. */
export const LEASE_MS = 5_000;

/** The right to write a session, kept alive while it is held. `signal` fires when it is lost or the session is stopped. */
export type Lease = {
  fence: number;
  /** How often an owner was cut off since the last commit. */
  interrupted: number;
  /** The log's last line when it was taken. */
  seq: number;
  signal: AbortSignal;
  /** Fires only when it is lost. */
  held: AbortSignal;
  lost(): boolean;
  /** Sure enough to put something on the wire now: renewed within 0.6 of its length. */
  fresh(): boolean;
  /** Reserved for the one who holds it: renews at once, so that a call that follows finds it fresh. */
  renew(): Promise<boolean>;
  release(): void;
};

/** Takes the lease, or null where somebody else holds it or the session is closed. */
export async function takeLease(log: EventLog, owner: Owner, ttlMs = LEASE_MS): Promise<Lease | null> {
  const sentAt = clocks();
  const claimed = await log.claim(owner, ttlMs);
  if (!claimed) return null;
  const { fence, interrupted, seq } = claimed;
  const aborter = new AbortController();
  const held = new AbortController();
  let lost = false;
  // Counted from before the request: the server's clock started no earlier than that.
  let renewedAt = sentAt;

  const lose = () => {
    lost = true;
    for (const each of [aborter, held]) each.abort(new Error('the lease is lost'));
  };
  const renew = async () => {
    const at = clocks();
    const answer = await log.renew(owner, fence, ttlMs).catch(() => undefined);
    if (answer === null) lose();
    else if (answer) {
      renewedAt = at;
      if (answer.stopped) aborter.abort(new Error('stopped'));
    } else if (since(renewedAt) > ttlMs) lose();
    return !lost;
  };
  // A renewal is also how a stop is heard of, and a stop acts within two seconds.
  const timer = setInterval(() => void renew(), ttlMs / 8);
  return {
    fence,
    interrupted,
    seq,
    signal: aborter.signal,
    held: held.signal,
    lost: () => lost,
    fresh: () => !lost && since(renewedAt) < ttlMs * 0.6,
    renew,
    release() {
      clearInterval(timer);
      lost = true;
    },
  };
}
