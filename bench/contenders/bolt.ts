import { App, HTTPReceiver } from '@slack/bolt';
import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { freePort } from '../../src/sandbox/redis.ts';
import { serve } from '../child.ts';

/** What the parts take by themselves: Bolt that acknowledges and does nothing, and a BullMQ job from `add` to its processor. */

const port = await freePort();
const receiver = new HTTPReceiver({ signingSecret: process.env['SIGNING_SECRET'] ?? '', port, endpoints: ['/slack/events'], processBeforeResponse: true });
const app = new App({ receiver, authorize: async () => ({ botToken: 'xoxb-bench', botId: 'B1', botUserId: 'UBOT', teamId: 'T1' }), convoStore: false });
app.command('/experiment', async ({ ack }) => ack());
app.action('approve_call', async ({ ack }) => ack());
await app.start();

const connection = () => new Redis(process.env['REDIS_URL'] ?? '', { maxRetriesPerRequest: null });
const queue = new Queue('pickup', { connection: connection(), prefix: 'bolt' });
const waiting = new Map<string, () => void>();
const worker = new Worker('pickup', async (job) => void waiting.get(job.data.id)?.(), { connection: connection(), prefix: 'bolt', concurrency: 8 });
worker.on('error', () => {});
let counter = 0;

serve(
  {
    /** Ms from `add` to the processor, one after the other, with so long between them. */
    pickups: async ({ count, restMs }: { count: number; restMs: number }) => {
      const all: number[] = [];
      for (let i = 0; i < count; i++) {
        const id = String(++counter);
        const began = performance.now();
        const picked = new Promise<void>((resolve) => waiting.set(id, resolve));
        await queue.add('turn', { id }, { removeOnComplete: true });
        await picked;
        all.push(performance.now() - began);
        waiting.delete(id);
        await new Promise((r) => setTimeout(r, restMs));
      }
      return all;
    },
  },
  { port },
);
