import { z } from 'zod';
import { VERDICTS } from '../analysis/verdict.ts';
import type { Call, Session } from './state.ts';

/**
 * What comparisons and rankings found, as their tools stored it: everything that people are shown of them is read here. A record may be years old, so what can be
 * done without is not asked for.
 */

const value = z.union([z.number(), z.string()]);
const figure = value.nullable().catch(null);
const change = z.number().nullable().catch(null);
const points = z.array(z.tuple([z.number(), value]));
const side = z.object({ run_id: z.string(), name: z.string().catch(''), url: z.string().catch('') });
const noise = z.object({ note: z.string(), figures: z.string().optional() }).optional().catch(undefined);

const comparisonSchema = z.object({
  baseline: side,
  candidate: side,
  primary: z
    .object({
      metric: z.string(),
      baseline: figure,
      candidate: figure,
      delta: change,
      delta_pct: change,
      delta_points: z.number().optional().catch(undefined),
      threshold: z
        .object({ value: z.number(), kind: z.enum(['relative', 'points', 'absolute']) })
        .nullable()
        .catch(null),
      verdict: z.enum(VERDICTS),
      verdict_reason: z.string().catch(''),
      readings_disagree: z.boolean().catch(false),
      readings: z
        .object({
          relative: z.object({ delta_pct: z.number(), verdict: z.enum(VERDICTS) }).nullable(),
          points: z.object({ delta_points: z.number(), verdict: z.enum(VERDICTS) }).nullable(),
          used: z.string().nullable(),
        })
        .optional()
        .catch(undefined),
    })
    .nullable()
    .default(null),
  metrics: z.array(z.object({ key: z.string(), baseline: figure, candidate: figure, delta: change, delta_pct: change, flag: z.string().catch('') })).catch([]),
  params: z
    .object({
      changed: z.array(z.object({ key: z.string(), baseline: z.string(), candidate: z.string() })),
      added: z.array(z.object({ key: z.string(), candidate: z.string().catch('') })).catch([]),
      removed: z.array(z.object({ key: z.string(), baseline: z.string().catch('') })).catch([]),
      same_count: z.number().catch(0),
    })
    .optional()
    .catch(undefined),
  noise,
  warnings: z.array(z.string()).catch([]),
  /** What is to be known of the runs themselves. */
  notes: z.array(z.string()).catch([]),
  /** The primary metric over the steps, thinned: [step, value]. */
  curve: z.object({ metric: z.string(), baseline: points, candidate: points }).optional().catch(undefined),
});
export type Compared = z.infer<typeof comparisonSchema>;

const ranked = z.object({ run_id: z.string(), name: z.string(), value: z.number() });
const rankingSchema = z.object({
  metric: z.string(),
  direction: z.enum(['max', 'min']).nullable(),
  best: ranked.nullable(),
  runner_up: ranked.optional(),
  considered: z.number(),
  of: z.number(),
  noise,
  curves: z.array(z.object({ run_id: z.string(), name: z.string(), points })),
});
export type Ranked = z.infer<typeof rankingSchema>;

/** What a comparison's answer says, or null where it says something else. */
export function comparisonIn(data: unknown): Compared | null {
  return comparisonSchema.safeParse(data).data ?? null;
}

/** What one call found by comparing two runs. */
export function comparisonOf(call: Call): Compared | null {
  return comparisonIn(foundBy(call, 'compare_runs'));
}

/** How several runs that one call waited for stand beside each other. */
export function rankingOf(call: Call): Ranked | null {
  return rankingSchema.safeParse(foundBy(call, 'wait_for_job')?.['ranking']).data ?? null;
}

/** What all comparisons of a session found, oldest first. */
export function comparisons(s: Session): Compared[] {
  return [...s.calls.values()].flatMap((call) => comparisonOf(call) ?? []);
}

export function rankings(s: Session): Ranked[] {
  return [...s.calls.values()].flatMap((call) => rankingOf(call) ?? []);
}

/** The values that a tool stored, where the call was one of it and went well. */
export function foundBy({ tool, status }: Call, of: string): Record<string, unknown> | undefined {
  return tool === of && status.is === 'finished' && status.outcome.status === 'ok' ? status.outcome.data : undefined;
}
