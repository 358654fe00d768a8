import { z } from 'zod';
import { placeJob } from '../policy/environments.ts';
import type { Databricks, Job } from '../services/databricks.ts';
import { UpstreamError } from '../services/http.ts';
import { done, readTool, type ToolContext } from './define-tool.ts';
import { jobTouched } from './job-definition.ts';
import { cell, table } from './markdown.ts';

/** A name that fits no job exactly is looked for inside the names of so many pages. */
const PAGES_SEARCHED = 4;

export const listDatabricksJobs = readTool({
  name: 'list_databricks_jobs',
  title: 'List Databricks jobs',
  description:
    'Jobs with their ids, environments and parameters, 25 a page. Use when a job is named but its id or its parameters are not known. Not for runs (get_job_status). job_id: digits (Databricks).',
  input: z.strictObject({ name: z.string().optional().describe('exact, else a part of it'), cursor: z.string().optional() }),
  output: z.looseObject({
    jobs: z.array(z.looseObject({ job_id: z.string(), name: z.string(), environment: z.string().optional(), parameters: z.record(z.string(), z.string()) })),
    next_cursor: z.string().optional(),
  }),
  needs: ['databricks'],
  async run({ name, cursor }, ctx) {
    const databricks = ctx.services.databricks;
    const found = await search(databricks, name, cursor, ctx.signal);
    const jobs = [];
    for (const job of found.jobs) jobs.push(shown(await inFull(job, databricks, ctx.signal), ctx));
    if (jobs.length === 0) return done(name ? `No job is called "${cell(name)}", nor has it in its name.` : 'No jobs are visible to labmate.', { jobs });
    const rows = jobs.map((job) => [
      job.job_id,
      cell(job.name),
      job.environment ?? '?',
      Object.entries(job.parameters)
        .map(([key, value]) => `${cell(key)}=${cell(value, 40)}`)
        .join(', '),
    ]);
    const more = found.nextCursor ? `\n\nThere are more: cursor ${found.nextCursor}` : '';
    return done(`${table(['job_id', 'name', 'environment', 'parameters'], rows)}${more}`, {
      jobs,
      ...(found.nextCursor ? { next_cursor: found.nextCursor } : {}),
    });
  },
});

async function search(
  databricks: Databricks,
  name: string | undefined,
  cursor: string | undefined,
  signal: AbortSignal,
): Promise<{ jobs: Job[]; nextCursor: string | null }> {
  const page = await databricks.listJobs({ name, cursor }, signal);
  if (name === undefined || page.jobs.length > 0 || cursor !== undefined) return page;
  // Databricks finds exact names only.
  const near: Job[] = [];
  let next: string | undefined;
  for (let n = 0; n < PAGES_SEARCHED && (n === 0 || next); n++) {
    const all = await databricks.listJobs({ cursor: next }, signal);
    near.push(...all.jobs.filter((job) => job.name.toLowerCase().includes(name.toLowerCase())));
    next = all.nextCursor ?? undefined;
  }
  return { jobs: near.slice(0, 25), nextCursor: null };
}

/** The list leaves out who a job runs as and its parameters. A job that may be listed but not read stays as listed. */
async function inFull(job: Job, databricks: Databricks, signal: AbortSignal): Promise<Job> {
  try {
    return await databricks.getJob(job.jobId, signal);
  } catch (error) {
    if (error instanceof UpstreamError && !error.transient) return job;
    throw error;
  }
}

function shown(job: Job, { settings }: ToolContext) {
  const { actIn, environments } = settings;
  return {
    job_id: job.jobId,
    name: job.name,
    ...(actIn ? { environment: placeJob(jobTouched(job, {}), environments, actIn).environment } : {}),
    parameters: Object.fromEntries(job.parameters.map((p) => [p.name, p.default])),
  };
}
