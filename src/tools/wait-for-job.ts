import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { done, readTool, type ToolAnswer, type ToolContext, ToolError } from './define-tool.ts';
import { runReport } from './get-job-status.ts';
import { databricksId } from './run-id.ts';
import { inWords, type RunReport, readRuns } from './run-states.ts';

/** Without a session the call is held open, but never longer than the hosts that cut calls at 60 s allow. */
const LONG_POLL_MS = 45_000;
const POLL_EVERY_MS = 2_000;
const POLL_AGAIN_S = 60;

export const waitForJob = readTool({
  name: 'wait_for_job',
  title: 'Wait for job runs',
  description:
    'Waits until Databricks runs have ended, for hours if need be, and tells how each ended and its MLflow runs. Use when the next step needs the outcome. A message in the thread or the deadline ends the wait early (still_running: true); call again to go on waiting. Not for one look (get_job_status). run_ids: digits (Databricks).',
  input: z.strictObject({
    run_ids: z.array(databricksId).min(1).max(20),
    until: z.enum(['all', 'any']).default('all'),
    deadline: z.string().optional().describe('ISO time, or a duration such as 4h'),
  }),
  output: z.looseObject({
    runs: z.array(runReport),
    still_running: z.boolean(),
    woken_by: z.string(),
    interrupted: z.looseObject({ by: z.string(), text: z.string() }).optional(),
    poll_after_s: z.number().optional(),
  }),
  needs: ['databricks'],
  async run({ run_ids, until, deadline }, ctx) {
    const ids = [...new Set(run_ids)];
    const at = deadline === undefined ? null : deadlineOf(deadline, ctx.now());
    if (!ctx.session) return await longPoll(ids, until, ctx);
    const runs = await readRuns(ids, ctx);
    if (isOver(runs, until)) return answer(runs, 'job');
    const { interrupted, woken } = ctx.session;
    if (interrupted) return answer(runs, 'message', { interrupted });
    const early = woken.findLast((w) => w.why === 'tripwire' || w.why === 'deadline');
    if (early) return answer(runs, early.why, early.data ? { why: early.data } : {});
    const waiting = { for: 'job' as const, run_ids: ids, until, conditions: [], deadline: at };
    return { kind: 'wait', waiting, text: inSentences(runs), data: dataOf(runs, 'nothing yet') };
  },
});

function isOver(runs: readonly RunReport[], until: 'all' | 'any'): boolean {
  return until === 'all' ? runs.every((run) => run.terminal) : runs.some((run) => run.terminal);
}

function answer(runs: readonly RunReport[], wokenBy: string, more: Record<string, unknown> = {}): ToolAnswer {
  const { interrupted } = more as { interrupted?: { by: string; text: string } };
  const why =
    wokenBy === 'message'
      ? `The wait was interrupted by a message${interrupted ? ` of ${interrupted.by}` : ''}; the run goes on.`
      : wokenBy === 'job'
        ? ''
        : `The wait ended by its ${wokenBy}; the run goes on.`;
  return done([why, inSentences(runs)].filter(Boolean).join('\n\n'), { ...dataOf(runs, wokenBy), ...more });
}

function dataOf(runs: readonly RunReport[], wokenBy: string) {
  return { runs: [...runs], still_running: runs.some((run) => !run.terminal), woken_by: wokenBy };
}

const inSentences = (runs: readonly RunReport[]) => runs.map(inWords).join('\n\n');

async function longPoll(ids: readonly string[], until: 'all' | 'any', ctx: ToolContext): Promise<ToolAnswer> {
  const end = ctx.now() + LONG_POLL_MS;
  for (;;) {
    const runs = await readRuns(ids, ctx);
    if (isOver(runs, until)) return answer(runs, 'job');
    if (ctx.now() + POLL_EVERY_MS > end) {
      const text = `Still running. Call again in ${POLL_AGAIN_S} s.\n\n${inSentences(runs)}`;
      return done(text, { ...dataOf(runs, 'poll'), poll_after_s: POLL_AGAIN_S });
    }
    await sleep(POLL_EVERY_MS, undefined, { signal: ctx.signal });
  }
}

const UNITS: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** An ISO time, or a number and s, m, h or d from now on. */
function deadlineOf(text: string, now: number): string {
  const duration = /^(\d+(?:\.\d+)?)\s*([smhd])$/.exec(text.trim());
  const at = duration ? now + Number(duration[1]) * (UNITS[duration[2] ?? ''] ?? Number.NaN) : Date.parse(text);
  if (!Number.isFinite(at) || Math.abs(at) > 8.64e15)
    throw new ToolError(
      'BAD_DEADLINE',
      `"${text.slice(0, 60)}" is neither a time nor a duration.`,
      'give an ISO time such as 2026-11-22T18:00:00Z, or a duration such as 4h.',
    );
  return new Date(at).toISOString();
}
