import { mayReadExperiment } from './allowed.ts';
import type { Services, Tool, ToolSettings } from './define-tool.ts';

/** A way to begin, offered by clients as a command. Words only: what it leads to meets the gate like anything else. */
export type Prompt = {
  name: string;
  title: string;
  description: string;
  arguments: Record<string, { description: string; required: boolean; complete?: (begun: string) => Promise<string[]> | string[] }>;
  text(args: Record<string, string | undefined>): string;
};

/** Of each that there is, the tools without which it is not offered. */
const NEEDS = {
  ablation: ['run_databricks_job', 'wait_for_job', 'find_best_run', 'compare_runs'],
  compare_to_best: ['find_best_run', 'compare_runs', 'fetch_mlflow_run'],
  investigate_failed_run: ['get_job_status', 'get_job_output'],
} satisfies Record<string, string[]>;

/** All that there are, whichever are offered. */
export const PROMPTS = Object.keys(NEEDS) as (keyof typeof NEEDS)[];

const MOST_OFFERED = 20;
/** Who types does not wait. */
const COMPLETE_MS = 2_000;

/** The prompts whose tools are there. */
export function prompts(tools: readonly Tool[], { services, settings }: { services: Services; settings: ToolSettings }): Prompt[] {
  const has = (...names: string[]) => names.every((name) => tools.some((tool) => tool.name === name));
  const experiment = { description: 'MLflow experiment', complete: (begun: string) => experiments(begun, services, settings) };
  const metric = { description: 'metric, such as val_f1', complete: (begun: string) => known(Object.keys(settings.metrics), begun) };
  const { defaults } = settings;
  const all: Record<keyof typeof NEEDS, Omit<Prompt, 'name'>> = {
    ablation: {
      title: 'Run an ablation',
      description: 'Train once with something changed, and compare with the best run there is.',
      arguments: {
        change: { description: 'what is different, such as feature_set=v2', required: true },
        config: { description: 'config file in the repository', required: false },
        experiment: { ...experiment, required: defaults.experiment === undefined },
        metric: { ...metric, required: true },
        threshold: { description: 'by how much it must improve, such as 1%', required: false },
      },
      text: ({ change, config, experiment: where = defaults.experiment, metric: by, threshold }) =>
        [
          `Run a training job${config ? ` using config ${config}` : ''} with ${change}. Wait for it to complete.`,
          `Find the best finished run in experiment "${where}" by ${by}, leaving the new run out, and compare the two with compare_runs${threshold ? `; the threshold is ${threshold}` : ''}, naming ${change} as the expected change.`,
          'Report the verdict with both figures, its warnings and both links. If the verdict is inconclusive, say why and stop.',
        ].join('\n'),
    },
    compare_to_best: {
      title: 'Compare a run to the best',
      description: 'How far is a run from the best one of its experiment, and what differs?',
      arguments: {
        run_id: { description: 'MLflow run, 32 hex digits', required: true },
        experiment: { ...experiment, required: false },
        metric: { ...metric, required: true },
      },
      text: ({ run_id, experiment: where, metric: by }) =>
        [
          `Compare MLflow run ${run_id} to the best other run ${where ? `in experiment "${where}"` : 'of its experiment (fetch_mlflow_run says which)'} by ${by}.`,
          'Find the baseline with find_best_run, with this run in exclude_run_ids; compare with compare_runs.',
          'Give the verdict, the figures with their baseline, the parameters that differ, and every warning.',
        ].join('\n'),
    },
    investigate_failed_run: {
      title: 'Investigate a failed run',
      description: 'Why did a training run fail, and what would one try next?',
      arguments: { run_id: { description: 'Databricks run, digits', required: true } },
      text: ({ run_id }) =>
        [
          `Find out why Databricks run ${run_id} failed. Look at get_job_status, then at get_job_output of the failed task${has('diagnose_run') ? '; if it logged metrics to MLflow before it failed, at diagnose_run too' : ''}.`,
          'Quote the lines that show the cause, say how sure you are, and name the smallest next step. Start nothing.',
        ].join('\n'),
    },
  };
  return PROMPTS.filter((name) => has(...NEEDS[name])).map((name) => ({ name, ...all[name] }));
}

function known(names: readonly string[], begun: string): string[] {
  return names.filter((name) => name.startsWith(begun)).slice(0, MOST_OFFERED);
}

async function experiments(begun: string, { mlflow }: Services, settings: ToolSettings): Promise<string[]> {
  // A completion is a courtesy: a server that is away offers none.
  const page = await mlflow?.listExperiments({ name: begun }, AbortSignal.timeout(COMPLETE_MS)).catch(() => null);
  return (page?.experiments ?? [])
    .filter((experiment) => mayReadExperiment(experiment, settings))
    .map((experiment) => experiment.name)
    .slice(0, MOST_OFFERED);
}
