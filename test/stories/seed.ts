import type { Script } from '../../src/sandbox/claude/scripted.ts';

/** The job that the product exists for, in the words of its users. */
export const SEED =
  'Run a training job using config base_config.json but with feature_set=v2. Wait for it to complete. Compare its val_f1 to the best run in experiment "ads-rank-v3". If val_f1 improved by more than 1%, open a GitHub PR titled "feat: feature-set-v2 ablation" with the metric comparison in the description. Otherwise, post the diff to Slack channel #ml-experiments.';

type Facts = { run_id: string; mlflow: string; best: string };

/** A model that works the seed's job off, taking every id from a real result, never from the script. */
export function seedScript(options: { when?: string; prompt?: string } = {}): { script: Script; facts: Facts } {
  const facts: Facts = { run_id: '', mlflow: '', best: '' };
  const wait = { run_ids: [] as string[], until: 'all' };
  const best = { experiment: 'ads-rank-v3', metric: 'val_f1', exclude_run_ids: [] as string[] };
  const compare = {
    baseline_run_id: '',
    candidate_run_id: '',
    primary_metric: 'val_f1',
    threshold: { value: 1, kind: 'relative' },
    expected_changes: ['feature_set'],
  };
  const pull = { title: 'feat: feature-set-v2 ablation', body: '' };
  const field = (value: unknown, ...path: (string | number)[]): unknown =>
    path.reduce<unknown>((v, key) => (v as Record<string | number, unknown> | undefined)?.[key], value);
  const script: Script = {
    ...(options.when ? { when: options.when } : {}),
    steps: [
      {
        say: 'I will run the training job, wait, compare val_f1 with the best run, and then open a pull request or post the diff.',
        calls: [{ tool: 'run_databricks_job', input: { job_id: '101', config: 'base_config.json', parameters: { feature_set: 'v2' } } }],
      },
      {
        calls: [{ tool: 'wait_for_job', input: wait }],
        expect: ([started]) => {
          facts.run_id = String(field(started?.data, 'run_id'));
          wait.run_ids = [facts.run_id];
        },
      },
      {
        calls: [{ tool: 'find_best_run', input: best }],
        expect: ([waited]) => {
          facts.mlflow = String(field(waited?.data, 'runs', 0, 'mlflow_run_ids', 0));
          best.exclude_run_ids = [facts.mlflow];
        },
      },
      {
        calls: [{ tool: 'compare_runs', input: compare }],
        expect: ([found]) => {
          facts.best = String(field(found?.data, 'run_id'));
          compare.baseline_run_id = facts.best;
          compare.candidate_run_id = facts.mlflow;
        },
      },
      {
        say: 'It improved by more than 1 %.',
        calls: [{ tool: 'create_github_pr', input: pull }],
        expect: ([compared]) => {
          const verdict = field(compared?.data, 'primary', 'verdict');
          if (verdict !== 'improved') throw new Error(`the verdict is ${String(verdict)}`);
          pull.body = `val_f1 ${String(field(compared?.data, 'primary', 'baseline'))} -> ${String(field(compared?.data, 'primary', 'candidate'))}`;
        },
      },
      { say: 'val_f1 improved; the pull request is open.' },
    ],
  };
  return { script, facts };
}
