import type { Redis } from 'ioredis';
import { NewerRecord } from '../session/record-version.ts';
import type { Session } from '../session/state.ts';
import { type AdvanceDeps, advance } from './advance.ts';
import { answerDoorbell, type Doorbell } from './doorbell.ts';
import { keepDue } from './keep-due.ts';
import { shownAt } from './kept.ts';
import type { Keys } from './keys.ts';
import { startPump } from './pump.ts';
import { BrokenChain } from './read-line.ts';
import { setAside } from './set-aside.ts';
import { startWatchdog } from './watchdog.ts';
import { writeAbout } from './write-about.ts';

/** Takes the bells, brings sessions forward, and rings again for those that are due. */
export function startSessionWorker(deps: {
  redis: Redis;
  /** Its own: BullMQ blocks on it. */
  queueConnection: Redis;
  keys: Keys;
  doorbell: Doorbell;
  advance: Omit<AdvanceDeps, 'rested'>;
  concurrency: number;
  failed: (session: string, error: unknown) => void;
  /** A record does not hold: its thread is told. Throws where that is to be tried again. */
  broken: (session: string, lines: readonly string[], at: number) => Promise<void>;
  /** This process does nothing any more and should be started anew. */
  stuck: (idleMs: number) => void;
}): { stop(): Promise<void> } {
  const { redis, keys, doorbell } = deps;
  const rested = async (s: Session) => {
    await writeAbout(redis, keys, s, (await shownAt(redis, keys, s.id, 'root'))?.ts ?? null);
  };
  const newer = new Set<string>();
  const look = async (sid: string) => {
    try {
      await advance(sid, { ...deps.advance, rested });
    } catch (error) {
      // It is rung for again and again, until it falls to a process that understands it; said once is enough.
      if (error instanceof NewerRecord && newer.has(sid)) return;
      if (error instanceof NewerRecord) newer.add(sid);
      deps.failed(sid, error);
      if (!(error instanceof BrokenChain) || error.session !== sid) return;
      const lines = await deps.advance.log.lines(sid);
      // Said first: nobody looks at it again once it is set aside. What cannot be said now is said when it is rung for again.
      await deps.broken(sid, lines, error.line);
      await setAside(redis, keys, sid, lines);
    }
  };
  const answering = answerDoorbell(deps.queueConnection, keys, deps.concurrency, look, deps.failed);
  const pump = startPump({ due: deps.advance.log.ring, ring: doorbell.ring, failed: (error) => deps.failed('all', error) });
  const due = keepDue({ redis, keys, log: deps.advance.log, failed: (error) => deps.failed('all', error) });
  const watchdog = startWatchdog({ idleMs: pump.idleMs, oldestBell: doorbell.oldest, hasHands: answering.hasHands, stuck: deps.stuck });
  return {
    async stop() {
      watchdog.stop();
      pump.stop();
      due.stop();
      await answering.close();
    },
  };
}
