import type { Got } from '../../src/sandbox/claude/conversation.ts';

/** What lies at a path of a result. */
export const field = (value: unknown, ...path: (string | number)[]): unknown =>
  path.reduce<unknown>((v, key) => (v as Record<string | number, unknown> | undefined)?.[key], value);
/** The runs that were started. */
export const startedBy = (results: Got[]) => results.map((r) => String(field(r.data, 'run_id')));
/** A call that trains. */
export const train = (parameters: Record<string, string>) => ({ tool: 'run_databricks_job', input: { job_id: '101', parameters } });
