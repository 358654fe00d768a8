import Anthropic from '@anthropic-ai/sdk';
import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { metered, pool, serve } from '../child.ts';
import { answerOf, MAX_TOKENS, MODEL, promptOf, type Script, TOOLS } from '../workload.ts';

/**
 * The durable loop one would write first: a BullMQ job for each session (or for the rest of it after a person's yes), and the whole transcript SET after each step.
 * No record, no gate, no protection from doing things twice.
 */

const url = process.env['REDIS_URL'] ?? '';
const client = new Anthropic({ apiKey: 'sk-bench', baseURL: process.env['MODEL_URL'] ?? null });
const system = process.env['SYSTEM'] ?? '';
const redis = new Redis(url, { maxRetriesPerRequest: null });
const queue = new Queue('naive', { connection: new Redis(url, { maxRetriesPerRequest: null }), prefix: 'naive' });
const place = (session: string) => `naive:transcript:${session}`;

type Kept = { script: Script; approved: boolean; messages: Anthropic.MessageParam[] };
const finished = new Map<string, () => void>();

async function session(id: string): Promise<void> {
  const kept = JSON.parse((await redis.get(place(id))) ?? 'null') as Kept;
  const { messages } = kept;
  const keep = () => redis.set(place(id), JSON.stringify(kept));
  for (;;) {
    let last = messages.at(-1) as Anthropic.MessageParam;
    if (last.role === 'user') {
      const answer = await client.messages.create({
        model: MODEL,
        max_tokens: MAX_TOKENS,
        cache_control: { type: 'ephemeral' },
        system,
        tools: TOOLS,
        messages,
      });
      last = { role: 'assistant', content: answer.content };
      messages.push(last);
    }
    const uses = (last.content as Anthropic.ContentBlock[]).filter((b) => b.type === 'tool_use');
    if (uses.some((use) => use.name === 'promote_run') && !kept.approved) {
      await keep();
      return;
    }
    if (uses.length === 0) break;
    messages.push({
      role: 'user',
      content: uses.map((use) => ({
        type: 'tool_result',
        tool_use_id: use.id,
        content: JSON.stringify(answerOf(use.name, use.input as Record<string, unknown>)),
      })),
    });
    await keep();
  }
  await keep();
}

const worker = new Worker(
  'naive',
  async (job: { data: { id: string } }) => {
    await session(job.data.id);
    finished.get(job.data.id)?.();
  },
  { connection: new Redis(url, { maxRetriesPerRequest: null }), prefix: 'naive', concurrency: 64 },
);
worker.on('error', () => {});

async function open(id: string, script: Omit<Script, 'session'>): Promise<void> {
  const whole = { ...script, session: id };
  await redis.set(place(id), JSON.stringify({ script: whole, approved: false, messages: [{ role: 'user', content: promptOf(whole) }] } satisfies Kept));
  await job(id);
}

/** Resolves when the job is through. */
async function job(id: string): Promise<void> {
  const done = new Promise<void>((resolve) => finished.set(id, resolve));
  await queue.add('turn', { id }, { removeOnComplete: true });
  await done;
  finished.delete(id);
}

type Run = Omit<Script, 'session'> & { name: string; sessions: number; atOnce: number };

serve({
  run: ({ name, sessions, atOnce, ...script }: Run) => metered(() => pool(sessions, atOnce, (i) => open(`${name}-${i}`, script))),
  /** All that wait get their yes in the same moment. */
  approve: ({ name, sessions }: Run) =>
    metered(async () => {
      await Promise.all(
        Array.from({ length: sessions }, async (_, i) => {
          const id = `${name}-${i}`;
          const kept = JSON.parse((await redis.get(place(id))) ?? 'null') as Kept;
          await redis.set(place(id), JSON.stringify({ ...kept, approved: true }));
          await job(id);
        }),
      );
    }),
  transcriptBytes: async ({ id }: { id: string }) => (await redis.strlen(place(id))) ?? 0,
});
