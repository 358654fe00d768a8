import { z } from 'zod';
import { lookAt } from '../services/poll-runs.ts';
import { done, ToolError, writeTool } from './define-tool.ts';
import { jobTouched, theJob } from './job-definition.ts';
import { cell } from './markdown.ts';
import { databricksId } from './run-id.ts';
import { seconds } from './run-states.ts';

export const cancelJobRun = writeTool({
  name: 'cancel_job_run',
  title: 'Cancel a job run',
  description:
    'Asks Databricks to cancel a run that has not ended. Use when a run is no longer wanted. It takes a moment: wait_for_job tells when it has ended. Not for ending the session. run_id: digits (Databricks).',
  input: z.strictObject({ run_id: databricksId, reason: z.string().max(500).optional() }),
  output: z.looseObject({ status: z.string(), run_id: z.string() }),
  needs: ['databricks'],
  destructive: true,
  idempotent: true,
  recovery: 'same-key',
  timeoutMs: 6_000,
  async plan({ run_id, reason }, ctx) {
    const databricks = ctx.services.databricks;
    const { run } = await lookAt(databricks, run_id, ctx.signal);
    if (!run)
      throw new ToolError('RUN_NOT_FOUND', `Databricks has no run ${run_id}.`, 'check the id; run_databricks_job gave it when it started the run.').about(
        'run_id',
      );
    if (run.terminal)
      throw new ToolError(
        'ALREADY_ENDED',
        `Run ${run_id} has ended already (${run.status}), so there is nothing to cancel.`,
        'read its outcome with get_job_status.',
      ).about('run_id');
    const job = await theJob(run.jobId, databricks, ctx.signal);
    const running = run.startedAt === null ? [] : [{ label: 'Running for', value: seconds(Math.max(0, ctx.now() - run.startedAt) / 1000) }];
    return {
      kind: 'plan',
      arguments: { run_id, ...(reason ? { reason } : {}) },
      touches: { job: jobTouched(job, run.parameters), own: ctx.session?.runs.includes(run_id) ?? false },
      preview: {
        summary: `Cancel run ${run_id} of job ${job.jobId} (${cell(job.name)})`,
        facts: [{ label: 'State', value: run.status }, ...running, ...(reason ? [{ label: 'Reason given', value: reason }] : [])],
        changes: [],
      },
    };
  },
  async run(plan, ctx) {
    const runId = String(plan.arguments['run_id']);
    await ctx.services.databricks.cancelRun(runId, ctx.signal);
    return done(`Databricks was asked to cancel run ${runId}; it ends in a moment.`, { status: 'cancel_requested', run_id: runId });
  },
});
