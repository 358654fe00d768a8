import { z } from 'zod';
import { visible } from '../policy/outside-text.ts';
import type { Databricks, JobRun, TaskOutput } from '../services/databricks.ts';
import { UpstreamError, unlessMissing } from '../services/http.ts';
import { done, readTool, ToolError } from './define-tool.ts';
import { cell, fenced } from './markdown.ts';
import { databricksId } from './run-id.ts';

const MOST_TASKS = 20;
/** What an answer may hold of all tasks together. */
const MOST_CHARACTERS = 7_000;

type Task = { task_key: string; run_id: string; status: string; error?: string; error_trace?: string; logs?: string; result?: string; note?: string };

export const getJobOutput = readTool({
  name: 'get_job_output',
  title: 'Read what a job run printed',
  description:
    'Error, stack trace, last log lines and result of each task of a Databricks run, failed tasks first. Use when a failure needs more than its one-line cause. Not for the state (get_job_status) or metrics (get_metric_history). run_id: digits (Databricks).',
  input: z.strictObject({ run_id: databricksId, tail_lines: z.int().min(1).max(200).default(50).describe('of each log and trace') }),
  output: z.looseObject({
    run_id: z.string(),
    tasks: z.array(z.looseObject({ task_key: z.string(), run_id: z.string() })),
    truncated: z.boolean(),
  }),
  needs: ['databricks'],
  async run({ run_id, tail_lines }, ctx) {
    const databricks = ctx.services.databricks;
    const run = await unlessMissing(databricks.getRun(run_id, ctx.signal));
    if (!run) throw new ToolError('RUN_NOT_FOUND', `Databricks has no run ${run_id}; runs are deleted after 60 days.`, 'check the id with the person.');
    // A run without tasks is a task run itself.
    const all = run.tasks.length > 0 ? run.tasks : [{ taskKey: run.name, runId: run.runId, status: run.status, message: run.message }];
    const chosen = [...all].sort((a, b) => Number(b.status === 'FAILED') - Number(a.status === 'FAILED')).slice(0, MOST_TASKS);
    const room = Math.floor(MOST_CHARACTERS / chosen.length);
    const tasks: Task[] = [];
    let truncated = false;
    for (const task of chosen) {
      const read = await outputOf(task, databricks, ctx.signal);
      const cut = typeof read === 'string' ? { note: read } : shortened(read, tail_lines, room);
      truncated ||= 'cut' in cut && cut.cut;
      const { cut: _, ...shown } = { cut: false, ...cut };
      tasks.push({ task_key: task.taskKey, run_id: task.runId, status: task.status, ...shown });
    }
    const omitted = all.length - tasks.length;
    const head = `Run ${run.runId} (${cell(run.name)}): ${run.status}, ${all.length} ${all.length === 1 ? 'task' : 'tasks'}.`;
    const more = [...(truncated ? ['Logs are cut to their ends.'] : []), ...(omitted > 0 ? [`${omitted} more tasks are left out.`] : [])];
    return done([head, ...tasks.map(inWords), ...more].join('\n\n'), {
      run_id: run.runId,
      status: run.status,
      tasks,
      truncated: truncated || omitted > 0,
      omitted,
    });
  },
});

/** A task's output, or why it can't be read: a task that never began has none, and that is no failure of the whole answer. */
async function outputOf(task: JobRun['tasks'][number], databricks: Databricks, signal: AbortSignal): Promise<TaskOutput | string> {
  try {
    return await databricks.getTaskOutput(task.runId, signal);
  } catch (error) {
    if (!(error instanceof UpstreamError) || error.transient) throw error;
    return `Its output can't be read: ${error.message}`;
  }
}

function shortened(output: TaskOutput, lines: number, room: number): Partial<Task> & { cut: boolean } {
  let cut = output.logsTruncated;
  const end = (text: string | null, most: number) => {
    if (text === null || text.trim() === '') return undefined;
    const whole = text.trimEnd();
    const last = whole.split('\n').slice(-lines).join('\n');
    const kept = last.length > most ? last.slice(-most).toWellFormed() : last;
    cut ||= kept.length < whole.length;
    return kept;
  };
  const error = end(output.error, Math.min(1_000, room));
  const trace = end(output.errorTrace, Math.floor(room * 0.4));
  const logs = end(output.logs, Math.floor(room * 0.4));
  const result = end(output.result, Math.min(1_000, room));
  return { ...(error ? { error } : {}), ...(trace ? { error_trace: trace } : {}), ...(logs ? { logs } : {}), ...(result ? { result } : {}), cut };
}

function inWords({ task_key, run_id, status, error, error_trace, logs, result, note }: Task): string {
  const parts = [
    `Task ${cell(task_key)} (run ${run_id}): ${status}.`,
    ...(note ? [cell(note, 400)] : []),
    ...(error ? [`Error: ${visible(error)}`] : []),
    ...(error_trace ? [`Trace, its end:\n${fenced(error_trace)}`] : []),
    ...(result ? [`Result: ${visible(result)}`] : []),
    ...(logs ? [`Log, its end:\n${fenced(logs)}`] : []),
  ];
  return parts.length === 1 ? `${parts[0]} It left no output.` : parts.join('\n');
}
