import { performance } from 'node:perf_hooks';
import { ReplyError } from 'ioredis';

/** Longer than any outage of a link takes to be noticed. */
const STUCK_MS = 120_000;

type Options = {
  /** Ms since the pump last finished a round. */
  idleMs: () => number;
  /** The bell that has waited longest, or null. */
  oldestBell: () => Promise<string | null>;
  /** Could this process take a bell now? */
  hasHands: () => boolean;
  /** This process does nothing any more and should be started anew. */
  stuck: (forMs: number) => void;
  everyMs?: number;
  stuckMs?: number;
};

/**
 * Notices a process that has stopped working without ending: a pump whose round never finishes though Redis answers, or a bell that nobody takes though there are
 * hands for it. A pump waits for a Redis that is away, however long that takes: such time does not count. No clock but our own: it is the same bell, look after look.
 */
export function startWatchdog({ idleMs, oldestBell, hasHands, stuck, everyMs = 5_000, stuckMs = STUCK_MS }: Options): { stop(): void } {
  let waiting: { bell: string; since: number } | null = null;
  let awayAt = Number.NEGATIVE_INFINITY;
  const look = async () => {
    const idle = Math.min(idleMs(), performance.now() - awayAt);
    if (idle > stuckMs) return stuck(idle);
    const bell = await oldestBell().catch((error: unknown) => {
      // Who refuses is there.
      if (!(error instanceof ReplyError)) awayAt = performance.now();
      return null;
    });
    if (bell === null || !hasHands()) waiting = null;
    else if (waiting?.bell !== bell) waiting = { bell, since: performance.now() };
    else if (performance.now() - waiting.since > stuckMs) stuck(performance.now() - waiting.since);
  };
  const timer = setInterval(() => void look(), everyMs);
  return { stop: () => clearInterval(timer) };
}
