import { fork } from 'node:child_process';
import { performance } from 'node:perf_hooks';
import type { Tip } from '../session/chain.ts';
import type { EventLog, Owner } from './event-log.ts';
import { LEASE_MS, type Lease, takeLease } from './lease.ts';

/** Cut off so often without a commit in between, a step is run alone. */
export const SUSPECT = 2;
/** Crashed so often alone, it is for a person. */
const CRASHES = 5;
const ALONE_STARTS_WITHIN_MS = 10_000;
/** A process takes seconds of a core to start: when a whole machine has died, most sessions are suspects, and must not be started all at once. */
const AT_A_TIME = 2;
const NO_ROOM_AGAIN_MS = 1_000;

/** How a step process ends that could not make its step, with Redis or a backend away: that is no crash, and somebody looks again. */
export const NOT_MADE = 75;

/** Runs the next step of a session in a process of its own; at most a few at a time, and one for each session: `enter` says whether there is room. */
export type Alone = { enter(session: string): boolean; run(session: string): Promise<'done' | 'crashed'>; leave(session: string): void };

/**
 * A step that was cut off twice may be what kills the process: it is run in one of its own, so that its neighbours go on. Only what crashes there counts;
 * deaths from outside, however many, do not.
 */
export async function handOver(seen: Tip, owner: Owner, lease: Lease, log: EventLog, alone: Alone): Promise<void> {
  const room = alone.enter(owner.sid);
  try {
    await log.park(owner, lease.fence, seen, log.now() + (room ? ALONE_STARTS_WITHIN_MS : NO_ROOM_AGAIN_MS));
    lease.release();
    if (!room || (await alone.run(owner.sid)) === 'done') return;
  } finally {
    if (room) alone.leave(owner.sid);
  }
  if ((await log.crashed(owner.sid)) < CRASHES) return;
  const again = await waitForLease(log, owner);
  if (!again) return;
  const text = `This step crashed its process ${CRASHES} times, so it is not tried again by itself. The log of the worker says how.`;
  await log.commit(owner, again.fence, await log.tip(owner.sid), [{ type: 'noted', about: 'attention', text }], { is: '' });
  await log.park(owner, again.fence, await log.tip(owner.sid), null);
  again.release();
}

/** The crashed process still holds the lease until it runs out. */
async function waitForLease(log: EventLog, owner: Owner): Promise<Lease | null> {
  for (const until = performance.now() + 2 * LEASE_MS; performance.now() < until; await new Promise((r) => setTimeout(r, 250))) {
    const lease = await takeLease(log, owner);
    if (lease) return lease;
  }
  return null;
}

/** Starts `labmate step SESSION` and says how it ended. It ends with us: its channel to us closes when we die. */
export function runInChild(entry: string): Alone {
  const running = new Set<string>();
  return {
    enter(session) {
      if (running.has(session) || running.size >= AT_A_TIME) return false;
      running.add(session);
      return true;
    },
    leave: (session) => void running.delete(session),
    run: (session) =>
      new Promise((resolve) => {
        const child = fork(entry, ['step', session], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
        child.once('error', () => resolve('crashed'));
        child.once('exit', (code) => resolve(code === 0 || code === NOT_MADE ? 'done' : 'crashed'));
      }),
  };
}
