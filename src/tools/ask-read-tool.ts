import { UpstreamError } from '../services/http.ts';
import { compareRuns } from './compare-runs.ts';
import { ToolError } from './define-tool.ts';
import { findBestRun } from './find-best-run.ts';
import { type GateDeps, gate } from './gate.ts';
import { listDatabricksJobs } from './list-databricks-jobs.ts';

/** The answer of a read tool for a person: its exact values, or a sentence why there are none. */
export type Asked = { is: 'answer'; text: string; data: Record<string, unknown> } | { is: 'problem'; code: string | null; why: string };

const TOOLS = { compare_runs: compareRuns, find_best_run: findBestRun, list_databricks_jobs: listDatabricksJobs };

/**
 * Asks a read tool without a model and without a session: the same code behind the same gate that models call, so that a person and a model never get different figures
 * and what a rule denies is denied to both.
 */
export function askReadTool(deps: Pick<GateDeps, 'services' | 'settings' | 'permissions' | 'now'>) {
  return async (name: keyof typeof TOOLS, input: Record<string, unknown>, signal: AbortSignal): Promise<Asked> => {
    const tool = TOOLS[name];
    const problem = (why: string, code: string | null = null): Asked => ({ is: 'problem', code, why });
    try {
      const answer = await gate(tool, input, null, { ...deps, signal });
      if (answer.is === 'answer') return { is: 'answer', text: answer.answer.text, data: answer.answer.data };
      return problem('why' in answer ? answer.why : `${tool.title} cannot be done here.`);
    } catch (error) {
      if (error instanceof ToolError) return problem(error.what, error.code);
      if (error instanceof UpstreamError) return problem(error.message, error.code);
      if (signal.aborted) return problem(`${name === 'list_databricks_jobs' ? 'Databricks' : 'MLflow'} did not answer in time.`);
      throw error;
    }
  };
}
