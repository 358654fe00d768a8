import { z } from 'zod';
import { done, readTool, type Tool, writeTool } from '../../src/tools/define-tool.ts';
import { TOOLS, trainingOf } from '../workload.ts';

const text = (name: string) => TOOLS.find((t) => t.name === name)?.description ?? name;

/** The bench's own tools, behind the product's gate: they answer from memory, as those of the floors do. Where somebody listens on `wire`, a promotion asks there. */
export const benchTools = (wire: string | null): Tool[] => [
  readTool({
    name: 'read_training',
    title: 'Read a training run',
    description: text('read_training'),
    input: z.strictObject({ run_id: z.string().describe('The run.'), bytes: z.number().int().describe('About how long the answer may be.') }),
    output: z.object({ run_id: z.string(), status: z.string(), history: z.array(z.object({ step: z.number(), val_f1: z.number(), val_loss: z.number() })) }),
    needs: [],
    run: async ({ run_id, bytes }) => {
      const training = trainingOf(run_id, bytes);
      return done(`${training.status} after ${training.history.length} steps.`, training);
    },
  }),
  writeTool({
    name: 'note_in_thread',
    title: 'Write into the thread',
    description: text('note_in_thread'),
    input: z.strictObject({ text: z.string() }),
    output: z.object({ posted: z.boolean() }),
    needs: [],
    destructive: false,
    idempotent: true,
    recovery: 'same-key',
    timeoutMs: 6_000,
    plan: async (input) => ({
      kind: 'plan',
      arguments: input,
      touches: { place: 'own-thread' },
      preview: { summary: 'Write into the thread', facts: [], changes: [] },
    }),
    run: async () => done('Posted.', { posted: true }),
  }),
  writeTool({
    name: 'promote_run',
    title: 'Make a run the baseline',
    description: text('promote_run'),
    input: z.strictObject({ run_id: z.string() }),
    output: z.object({ run_id: z.string(), promoted: z.boolean() }),
    needs: [],
    destructive: false,
    idempotent: true,
    recovery: 'same-key',
    timeoutMs: 6_000,
    plan: async ({ run_id }) => ({
      kind: 'plan',
      arguments: { run_id },
      touches: {},
      preview: { summary: `Make ${run_id} the baseline`, environment: 'dev', facts: [{ label: 'experiment', value: 'ads-rank-v3' }], changes: [] },
    }),
    run: async (plan) => {
      const runId = String(plan.arguments['run_id']);
      if (wire) await fetch(`${wire}/wire/${encodeURIComponent(runId)}`, { method: 'POST' });
      return done('It is the baseline now.', { run_id: runId, promoted: true });
    },
  }),
  readTool({
    name: 'wait_for_training',
    title: 'Wait for a training run',
    description: text('wait_for_training'),
    input: z.strictObject({ run_id: z.string() }),
    output: z.object({ run_id: z.string(), status: z.string() }),
    needs: [],
    run: async ({ run_id }, ctx) => {
      if ((ctx.session?.woken.length ?? 0) > 0) return done('It has ended.', { run_id, status: 'SUCCEEDED' });
      const waiting = { for: 'job' as const, run_ids: [run_id], until: 'all' as const, conditions: [], deadline: null };
      return { kind: 'wait', waiting, text: 'It is running.', data: { run_id, status: 'RUNNING' } };
    },
  }),
];
