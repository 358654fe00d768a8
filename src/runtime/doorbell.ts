import { Queue, Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import { within } from '../within.ts';
import type { Keys } from './keys.ts';

/** The bell: a BullMQ job that says only "look at this session". At most one waits and one runs for each session. */
export type Doorbell = {
  ring(session: string): Promise<void>;
  /** The id of the bell that has waited longest; null where none waits. */
  oldest(): Promise<string | null>;
  close(): Promise<void>;
  /** For whoever wants to look at it. */
  queue: unknown;
};

const QUEUE = 'turns';

export function makeDoorbell(connection: Redis, keys: Keys): Doorbell {
  // BullMQ asks for the version once, and where that fails the queue never works again; examineRedis looks at it.
  const queue = new Queue(QUEUE, { connection, prefix: keys.queue, streams: { events: { maxLen: 100 } }, skipVersionCheck: true } as never);
  queue.on('error', () => {});
  return {
    async ring(session) {
      await queue.add(
        'turn',
        { sid: session },
        { deduplication: { id: session, keepLastIfActive: true }, removeOnComplete: true, removeOnFail: { count: 1_000 } },
      );
    },
    oldest: async () => (await queue.getJobs(['waiting'], 0, 0, true))[0]?.id ?? null,
    close: () => queue.close(),
    queue,
  };
}

/**
 * Answers the bells. A bell is disposable and the lease fences the work, so the locks are short: a dead worker's bell is free again in a few seconds.
 * `maxStalledCount` is out of reach because BullMQ never resets it: with the default, the second death of a worker would lose the bell.
 */
export function answerDoorbell(
  connection: Redis,
  keys: Keys,
  concurrency: number,
  look: (session: string) => Promise<void>,
  failed: (session: string, error: Error) => void,
): { close(): Promise<void> /** Could one more bell be taken now? */; hasHands(): boolean } {
  let busy = 0;
  const worker = new Worker(
    QUEUE,
    async (job: { data: { sid: string } }) => {
      busy++;
      try {
        await look(job.data.sid);
      } finally {
        busy--;
      }
    },
    { connection, prefix: keys.queue, concurrency, lockDuration: 2_500, stalledInterval: 1_000, maxStalledCount: 1_000_000_000 },
  );
  worker.on('failed', (job, error) => failed(job?.data.sid ?? 'unknown', error));
  worker.on('error', () => {});
  return {
    hasHands: () => busy < concurrency,
    // BullMQ's close waits without a limit, and for ever where Redis is away.
    close: () => within(10_000, worker.close(), () => {}),
  };
}
