import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { direction } from '../analysis/direction.ts';
import { UpstreamError } from '../services/http.ts';
import type { Tripwire } from '../session/events.ts';
import { tripped, trippedFacts } from '../session/tripwire.ts';
import { advised, type ContextWith, done, readTool, type ToolAnswer, type ToolContext, ToolError } from './define-tool.ts';
import { runReport } from './get-job-status.ts';
import { isoTime } from './iso-time.ts';
import { type Ranking, rankingInWords, rankRuns } from './rank-runs.ts';
import { databricksId } from './run-id.ts';
import { inWords, type RunReport, readRuns } from './run-states.ts';

/** Without a session the call is held open, but never longer than the hosts that cut calls at 60 s allow. */
const LONG_POLL_MS = 45_000;
const POLL_EVERY_MS = 2_000;
const POLL_AGAIN_S = 60;

const conditionSchema = z.strictObject({
  metric: z.string().min(1),
  kind: z.enum(['below', 'above', 'nan', 'stalled']),
  value: z.number().optional().describe('for below, above'),
  after_step: z.int().optional().describe('only greater steps count; without it a value counts once it was on the other side, or at the end'),
  steps: z.int().min(1).optional().describe('for stalled: no improvement for so many'),
  direction: z.enum(['max', 'min']).optional().describe('for stalled, only where the person said it'),
});

export const waitForJob = readTool({
  name: 'wait_for_job',
  title: 'Wait for job runs',
  description:
    'Waits until Databricks runs have ended, for hours if need be, and tells how each ended and its MLflow runs; of several it names the best. Use when the next step needs the outcome. `conditions` on a logged metric wake it early ("if F1 drops below 0.6", "if it diverges": nan). A condition (woken_by: tripwire), a message or the deadline ends the wait, never the run (still_running: true): act, or call again. Not for one look (get_job_status). run_ids: digits (Databricks).',
  input: z.strictObject({
    run_ids: z.array(databricksId).min(1).max(20),
    until: z.enum(['all', 'any']).default('all'),
    deadline: z.string().optional().describe('ISO time (UTC), or a duration such as 4h'),
    conditions: z.array(conditionSchema).max(10).optional(),
    metric: z.string().optional().describe('shown while it trains; several runs are ranked by it'),
  }),
  output: z.looseObject({
    runs: z.array(runReport),
    still_running: z.boolean(),
    woken_by: z.string(),
    tripped: z.array(z.looseObject({ run_id: z.string(), metric: z.string(), condition_in_words: z.string() })).optional(),
    interrupted: z.looseObject({ by: z.string(), text: z.string() }).optional(),
    ranking: z.looseObject({ metric: z.string() }).optional(),
    poll_after_s: z.number().optional(),
  }),
  needs: ['databricks'],
  async run({ run_ids, until, deadline, conditions = [], metric }, ctx) {
    const ids = [...new Set(run_ids)];
    const wires = conditions.map((condition) => wireOf(condition, ctx));
    // A duration counts from the first wait: what woke it in between must not begin it anew.
    const at = deadline === undefined ? null : (ctx.session?.deadline ?? deadlineOf(deadline, ctx.now()));
    if (!ctx.session) return await longPoll(ids, until, wires, ctx);
    const runs = await readRuns(ids, ctx);
    const metrics = [...(metric ? [metric] : []), ...wires.map((wire) => wire.metric)];
    if (isOver(runs, until)) return answer(runs, 'job', await atTheEnd(runs, wires, metrics, ctx));
    const { interrupted, woken } = ctx.session;
    if (interrupted) return answer(runs, 'message', { interrupted });
    const early = woken.findLast((w) => w.why === 'tripwire' || w.why === 'deadline');
    if (early) return answer(runs, early.why, early.data ? { why: early.data, ...(early.why === 'tripwire' ? { tripped: [early.data] } : {}) } : {});
    const waiting = { for: 'job' as const, run_ids: ids, until, conditions: wires, deadline: at, ...(metric ? { metric } : {}) };
    return { kind: 'wait', waiting, text: inSentences(runs), data: dataOf(runs, 'nothing yet') };
  },
});

/** A condition that can be decided without asking anybody. */
function wireOf({ metric, kind, value, after_step, steps, direction: said }: z.output<typeof conditionSchema>, ctx: ToolContext): Tripwire {
  const refuse = (what: string, next: string) => new ToolError('BAD_CONDITION', `The condition on ${metric.slice(0, 80)} ${what}.`, next);
  const after = after_step === undefined ? {} : { after_step };
  if (kind === 'nan') return { metric, kind, ...after };
  if (kind !== 'stalled') {
    if (value === undefined) throw refuse(`does not say ${kind} what`, 'give value.');
    return { metric, kind, value, ...after };
  }
  if (steps === undefined) throw refuse('does not say for how many steps nothing may improve', 'give steps.');
  const directed = direction(metric, { prompt: said, config: ctx.settings.metrics });
  if (!directed) throw refuse('needs to know whether higher or lower is better', 'ask the person (ask_person), then give direction.');
  return { metric, kind, steps, direction: directed.direction, ...after };
}

function isOver(runs: readonly RunReport[], until: 'all' | 'any'): boolean {
  return until === 'all' ? runs.every((run) => run.terminal) : runs.some((run) => run.terminal);
}

/** What is worth knowing once they have ended: which conditions came true, and of several which is the best. */
async function atTheEnd(
  runs: readonly RunReport[],
  wires: readonly Tripwire[],
  metrics: readonly string[],
  ctx: ToolContext,
): Promise<Record<string, unknown>> {
  try {
    const found = wires.length > 0 ? await trippedIn(runs, wires, ctx) : [];
    const ranking = await rankRuns(runs, metrics, ctx);
    return { ...(found.length > 0 ? { tripped: found } : {}), ...(ranking ? { ranking } : {}) };
  } catch (error) {
    // How they ended stands without it.
    if (!(error instanceof UpstreamError)) throw error;
    return { note: `What they logged could not be read: ${error.message}` };
  }
}

async function trippedIn(runs: readonly RunReport[], wires: readonly Tripwire[], { services, signal }: ToolContext) {
  const found: Record<string, unknown>[] = [];
  for (const run of runs) {
    for (const mlflowRun of run.mlflow_run_ids ?? []) {
      for (const wire of wires) {
        const history = (await services.mlflow?.getMetricHistory(mlflowRun, wire.metric, signal)) ?? [];
        const at = tripped(wire, history, run.terminal);
        if (at) found.push(trippedFacts(wire, run.run_id, at));
      }
    }
  }
  return found;
}

type Facts = { interrupted?: { by: string }; tripped?: Record<string, unknown>[]; ranking?: Ranking; note?: string };

function answer(runs: readonly RunReport[], wokenBy: string, more: Record<string, unknown> = {}): ToolAnswer {
  const { interrupted, tripped: wires = [], ranking, note } = more as Facts;
  const on = runs.some((run) => !run.terminal) ? '; what still runs goes on' : '';
  const trips = wires.map((t) => {
    const where = `${String(t['condition_in_words'])} came true on run ${String(t['run_id'])}: ${String(t['value'])} at step ${String(t['step'])}`;
    return t['all_along'] === true ? `${where}, its last: it was never otherwise` : where;
  });
  const why = {
    message: `The wait was interrupted by a message${interrupted ? ` of ${interrupted.by}` : ''}; the run goes on.`,
    deadline: 'The wait ended by its deadline; the run goes on.',
    tripwire: `${trips.join('; ') || 'A condition came true'}${on}.`,
    job: trips.length > 0 ? `${trips.join('; ')}.` : '',
  }[wokenBy];
  const text = [why, inSentences(runs), ranking ? rankingInWords(ranking) : '', note].filter(Boolean).join('\n\n');
  const data = { ...dataOf(runs, wokenBy), ...more };
  return wokenBy === 'tripwire' ? advised(text, 'To wait on, call again without this condition or with a greater after_step.', data) : done(text, data);
}

function dataOf(runs: readonly RunReport[], wokenBy: string) {
  return { runs: [...runs], still_running: runs.some((run) => !run.terminal), woken_by: wokenBy };
}

const inSentences = (runs: readonly RunReport[]) => runs.map(inWords).join('\n\n');

async function longPoll(ids: readonly string[], until: 'all' | 'any', wires: readonly Tripwire[], ctx: ContextWith<'databricks'>): Promise<ToolAnswer> {
  const end = ctx.now() + LONG_POLL_MS;
  for (;;) {
    const runs = await readRuns(ids, ctx);
    if (isOver(runs, until)) return answer(runs, 'job', await atTheEnd(runs, wires, [], ctx));
    const found = wires.length > 0 ? await trippedIn(runs, wires, ctx) : [];
    if (found.length > 0) return answer(runs, 'tripwire', { tripped: found });
    if (ctx.now() + POLL_EVERY_MS > end) {
      const text = `Still running. Call again in ${POLL_AGAIN_S} s.\n\n${inSentences(runs)}`;
      return done(text, { ...dataOf(runs, 'poll'), poll_after_s: POLL_AGAIN_S });
    }
    await sleep(POLL_EVERY_MS, undefined, { signal: ctx.signal });
  }
}

const UNITS: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** An ISO time, or a number and s, m, h or d from now on; never the past. */
function deadlineOf(text: string, now: number): string {
  const duration = /^(\d+(?:\.\d+)?)\s*([smhd])$/.exec(text.trim());
  const at = duration ? now + Number(duration[1]) * (UNITS[duration[2] ?? ''] ?? Number.NaN) : (isoTime(text) ?? Number.NaN);
  const next = 'give an ISO time to come such as 2026-11-22T18:00:00Z, or a duration such as 4h.';
  if (!Number.isFinite(at) || Math.abs(at) > 8.64e15) throw new ToolError('BAD_DEADLINE', `"${text.slice(0, 60)}" is neither a time nor a duration.`, next);
  if (at <= now) throw new ToolError('BAD_DEADLINE', `"${text.slice(0, 60)}" is not to come: it is ${new Date(now).toISOString()}.`, next);
  return new Date(at).toISOString();
}
