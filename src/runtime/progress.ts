import { z } from 'zod';
import type { Logged } from '../session/tripwire.ts';

/** The status of a run that can't be looked at, for a reason that does not pass by itself. */
export const UNREADABLE = 'UNREADABLE';

/** What the backends say of a run that somebody waits for. */
export type RunState = {
  status: string;
  terminal: boolean;
  /** Epoch ms. */
  startedAt?: number | null;
  endedAt?: number | null;
  parameters?: Readonly<Record<string, string>>;
  /** How long the job's past successes took: their median, and of how many. */
  usual?: { ms: number; of: number } | null;
  /** The metric whose curve is shown. */
  metric?: string | null;
  /** How many epochs it was told to train, where its parameters say so. */
  epochs?: number | null;
  /** Of each metric asked for, everything logged so far. */
  histories?: Readonly<Record<string, readonly Logged[]>>;
};

/**
 * How far a run has come, as the thread shows it. Kept in Redis beside the log and not in it: it is a look at somebody else's system, worth nothing a minute later.
 * Times are rounded to what a reader sees, so that equal progress is equal text.
 */
export const progressSchema = z.object({
  run_id: z.string(),
  name: z.string(),
  status: z.string(),
  ended: z.boolean().default(false),
  elapsed_s: z.number().nullable(),
  usual: z.object({ s: z.number(), of: z.number() }).nullable(),
  metric: z.string().nullable(),
  /** `epoch 8 of 20` or `step 1200`. */
  at: z.string().nullable(),
  /** Thinned: [step, value]; null is a value that is not finite. */
  curve: z.array(z.tuple([z.number(), z.number().nullable()])),
});
export type RunProgress = z.infer<typeof progressSchema>;

/** As many as Slack's own chart takes. */
const POINTS = 20;

export function progressOf(runId: string, name: string, state: RunState, now: number): RunProgress {
  const history = (state.metric ? state.histories?.[state.metric] : undefined) ?? [];
  const elapsed = state.startedAt ? Math.max(0, (state.endedAt || now) - state.startedAt) / 1000 : null;
  return {
    run_id: runId,
    name,
    status: state.status,
    ended: state.terminal,
    elapsed_s: elapsed === null ? null : coarse(elapsed),
    usual: state.usual ? { s: state.usual.ms / 1000, of: state.usual.of } : null,
    metric: state.metric ?? null,
    at: placeOf(history, state.epochs ?? null),
    curve: thinned(history).map((p) => [p.step, Number.isFinite(p.value) ? p.value : null]),
  };
}

/** Seconds, rounded down to what is worth an edit of a message. */
function coarse(seconds: number): number {
  const unit = seconds < 60 ? 2 : seconds < 600 ? 15 : seconds < 7200 ? 60 : 600;
  return Math.floor(seconds / unit) * unit;
}

function placeOf(history: readonly Logged[], epochs: number | null): string | null {
  const last = history.at(-1);
  if (!last) return null;
  // Epochs count from 0 or from 1; either way as many are done as were logged. Other steps are batches.
  const perEpoch = epochs !== null && history.length <= epochs && (last.step === history.length - 1 || last.step === history.length);
  return perEpoch ? `epoch ${history.length} of ${epochs}` : `step ${last.step}`;
}

/** Every 2nd, 4th, 8th … value and the last: curves of runs that are not equally far then still share most of their steps, and so fit onto one chart. */
function thinned(history: readonly Logged[]): Logged[] {
  let stride = 1;
  while (Math.ceil(history.length / stride) > POINTS - 1) stride *= 2;
  if (history.length <= POINTS) return [...history];
  return history.filter((_, i) => i % stride === 0 || i === history.length - 1);
}
