import { fork } from 'node:child_process';
import { performance } from 'node:perf_hooks';
import type { EventLog, Owner } from './event-log.ts';
import { LEASE_MS, type Lease, takeLease } from './lease.ts';

/** Cut off so often without a commit in between, a step is run alone. */
export const SUSPECT = 2;
/** Crashed so often alone, it is for a person. */
const CRASHES = 5;
const ALONE_STARTS_WITHIN_MS = 10_000;

/**
 * A step that was cut off twice may be what kills the process: it is run in one of its own, so that its neighbours go on. Only what crashes there counts;
 * deaths from outside, however many, do not.
 */
export async function handOver(
  seen: number,
  owner: Owner,
  lease: Lease,
  log: EventLog,
  alone: (session: string) => Promise<'done' | 'crashed'>,
): Promise<void> {
  await log.park(owner, lease.fence, seen, log.now() + ALONE_STARTS_WITHIN_MS);
  lease.release();
  if ((await alone(owner.sid)) === 'done' || (await log.crashed(owner.sid)) < CRASHES) return;
  const again = await waitForLease(log, owner);
  if (!again) return;
  const text = `This step crashed its process ${CRASHES} times, so it is not tried again by itself. The log of the worker says how.`;
  await log.commit(owner, again.fence, await log.tip(owner.sid), [{ type: 'noted', about: 'attention', text }], { is: '' });
  await log.park(owner, again.fence, (await log.tip(owner.sid)).seq, null);
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
export function runInChild(entry: string): (session: string) => Promise<'done' | 'crashed'> {
  return (session) =>
    new Promise((resolve) => {
      const child = fork(entry, ['step', session], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
      child.once('error', () => resolve('crashed'));
      child.once('exit', (code) => resolve(code === 0 ? 'done' : 'crashed'));
    });
}
