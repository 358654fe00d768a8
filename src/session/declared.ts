import type { Outcome } from './events.ts';
import { RUN_TOOL } from './runs.ts';
import type { Session } from './state.ts';

/** The job's own parameters as they were when it was looked at. */
export type Declared = { job: string; parameters: string[] };

/** What the jobs that a session asked to run declare, as far as its own steps have shown it; null where that is not known of each of them. Pure. */
export function declaredBy(s: Session): Declared[] | null {
  const known = new Map<string, string[]>();
  const ran = new Set<string>();
  for (const call of s.calls.values()) {
    const outcome = call.status.is === 'finished' ? call.status.outcome : null;
    if (call.tool === 'list_databricks_jobs' && outcome) for (const { job, parameters } of listed(outcome)) known.set(job, parameters);
    if (call.tool !== RUN_TOOL) continue;
    const job = (call.input as { job_id?: unknown } | null)?.job_id;
    if (typeof job !== 'string') return null;
    ran.add(job);
    const told = outcome?.data?.['declared'];
    if (Array.isArray(told))
      known.set(
        job,
        told.filter((name) => typeof name === 'string'),
      );
  }
  const declared = [...ran].flatMap((job) => {
    const parameters = known.get(job);
    // A job that could be listed and not read shows none.
    return parameters && parameters.length > 0 ? [{ job, parameters }] : [];
  });
  return declared.length > 0 && declared.length === ran.size ? declared : null;
}

function listed({ data }: Outcome): Declared[] {
  const jobs: unknown[] = Array.isArray(data?.['jobs']) ? data['jobs'] : [];
  return jobs.flatMap((each) => {
    const { job_id: job, parameters } = (each ?? {}) as { job_id?: unknown; parameters?: unknown };
    return typeof job === 'string' && parameters && typeof parameters === 'object' ? [{ job, parameters: Object.keys(parameters) }] : [];
  });
}
