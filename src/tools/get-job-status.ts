import { z } from 'zod';
import { done, readTool } from './define-tool.ts';
import { databricksId } from './run-id.ts';
import { inWords, readRun } from './run-states.ts';

/** A run as get_job_status and wait_for_job give it. Loose: a state we don't know yet must not make a read fail. */
export const runReport = z.looseObject({
  run_id: z.string(),
  status: z.string().describe('QUEUED PENDING RUNNING TERMINATING SUCCEEDED FAILED CANCELED SKIPPED TIMED_OUT VANISHED'),
  raw_state: z.string(),
  message: z.string().optional(),
  mlflow_run_ids: z.array(z.string()).optional(),
});

export const getJobStatus = readTool({
  name: 'get_job_status',
  title: 'Get the state of a job run',
  description:
    "State of one Databricks run now: status, times, why it failed (the failed task's error), its MLflow runs. Use when asked how a run is doing. Not for waiting (wait_for_job), nor for metrics (fetch_mlflow_run). run_id: digits (Databricks).",
  input: z.strictObject({ run_id: databricksId }),
  output: runReport,
  needs: ['databricks'],
  async run({ run_id }, ctx) {
    const report = await readRun(run_id, ctx);
    return done(inWords(report), report);
  },
});
