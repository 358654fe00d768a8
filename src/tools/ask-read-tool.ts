import { UpstreamError } from '../services/http.ts';
import { compareRuns } from './compare-runs.ts';
import { type ToolContext, ToolError } from './define-tool.ts';
import { findBestRun } from './find-best-run.ts';
import { listDatabricksJobs } from './list-databricks-jobs.ts';

/** The answer of a read tool for a person: its exact values, or a sentence why there are none. */
export type Asked = { is: 'answer'; text: string; data: Record<string, unknown> } | { is: 'problem'; code: string | null; why: string };

const TOOLS = { compare_runs: compareRuns, find_best_run: findBestRun, list_databricks_jobs: listDatabricksJobs };

/** Asks a read tool without a model and without a session: the same code that models call, so that a person and a model never get different figures. */
export function askReadTool(deps: Pick<ToolContext, 'services' | 'settings' | 'now'>) {
  return async (name: keyof typeof TOOLS, input: Record<string, unknown>, signal: AbortSignal): Promise<Asked> => {
    const tool = TOOLS[name];
    try {
      const { text, data } = await tool.run(tool.input.parse(input) as never, { ...deps, session: null, signal });
      return { is: 'answer', text, data };
    } catch (error) {
      if (error instanceof ToolError) return { is: 'problem', code: error.code, why: error.what };
      if (error instanceof UpstreamError) return { is: 'problem', code: error.code, why: error.message };
      if (signal.aborted) return { is: 'problem', code: null, why: `${name === 'list_databricks_jobs' ? 'Databricks' : 'MLflow'} did not answer in time.` };
      throw error;
    }
  };
}
