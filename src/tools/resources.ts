import type { Tool } from './define-tool.ts';

/** Something that can be read by an address. Reading it is a call of a tool, so it meets the same gate and stands in the same log. */
export type Resource = {
  name: string;
  uriTemplate: string;
  title: string;
  description: string;
  tool: Tool;
  input(id: string): Record<string, unknown>;
};

const ADDRESSES: readonly (Omit<Resource, 'tool'> & { tool: string })[] = [
  {
    name: 'mlflow-run',
    uriTemplate: 'mlflow://runs/{id}',
    title: 'An MLflow run',
    description: 'Metrics, parameters and tags of a run. id: 32 hex digits.',
    tool: 'fetch_mlflow_run',
    input: (id) => ({ run_id: id }),
  },
  {
    name: 'databricks-run',
    uriTemplate: 'databricks://runs/{id}',
    title: 'A Databricks job run',
    description: 'State of a job run, its times and its MLflow runs. id: digits.',
    tool: 'get_job_status',
    input: (id) => ({ run_id: id }),
  },
  {
    name: 'session-record',
    uriTemplate: 'record://sessions/{id}',
    title: "An experiment's record",
    description: 'What was asked, decided and done in an experiment, with the head of its log. id: such as e-7k2f.',
    tool: 'get_experiment_record',
    input: (id) => ({ session_id: id }),
  },
];

/** The addresses whose tools are offered. */
export function resources(tools: readonly Tool[]): Resource[] {
  return ADDRESSES.flatMap(({ tool: name, ...address }) => {
    const tool = tools.find((one) => one.name === name);
    return tool ? [{ ...address, tool }] : [];
  });
}
