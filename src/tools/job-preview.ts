import type { Job, JobRun } from '../services/databricks.ts';
import { dollars } from '../session/budget.ts';
import type { Preview } from '../session/events.ts';
import type { ToolSettings } from './define-tool.ts';

/** What this run would probably cost, where somebody has said what the job costs an hour. */
export function costOf(jobId: string, typicalMs: number | null, { jobCostPerHour }: ToolSettings): { label: string; value: string }[] {
  const perHour = jobCostPerHour && Object.hasOwn(jobCostPerHour, jobId) ? jobCostPerHour[jobId] : undefined;
  if (perHour === undefined) return [];
  const rate = `$${perHour} an hour`;
  return [{ label: 'Usually costs', value: typicalMs === null ? `unknown, at ${rate}` : `about ${dollars((perHour * typicalMs) / 3_600_000)} (at ${rate})` }];
}

/** How the parameters that would take effect differ from those of the job's last run, whoever started it. */
export function sinceLast(job: Job, parameters: Record<string, string>, last: JobRun | null): Pick<Preview, 'last'> {
  if (!last || (job.parameters.length > 0 && Object.keys(last.parameters).length === 0)) return {};
  const now = { ...Object.fromEntries(job.parameters.map((p) => [p.name, p.default])), ...parameters };
  const changes = Object.entries(now).flatMap(([name, to]) => {
    const from = Object.hasOwn(last.parameters, name) ? (last.parameters[name] ?? null) : null;
    return from === to ? [] : [{ name, from, to }];
  });
  const day = last.startedAt ? `, ${new Date(last.startedAt).toISOString().slice(0, 16).replace('T', ' ')} UTC` : '';
  return { last: { what: `run ${last.runId} (${last.status.toLowerCase().replaceAll('_', ' ')}${day})`, changes } };
}
