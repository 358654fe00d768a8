import { createHash } from 'node:crypto';
import type { Training } from './launches.ts';
import type { Launch } from './training.ts';

export type SeedJob = {
  id: string;
  name: string;
  tags: Record<string, string>;
  runAs: string;
  parameters: { name: string; default: string }[];
  maxConcurrentRuns: number;
  /** The MLflow experiment its runs log to; null: they log nothing. */
  experiment: string | null;
  /** The bot has no right to it: 403. */
  forbidden?: boolean;
  /** Jobs that a task of it starts, with what each is given. */
  starts?: { job: string; parameters: Record<string, string> }[];
};

const trainingParameters = [
  { name: 'config', default: 'base_config.json' },
  { name: 'feature_set', default: 'v1' },
  { name: 'learning_rate', default: '0.01' },
  { name: 'dropout', default: '0.2' },
  { name: 'epochs', default: '20' },
  { name: 'batch_size', default: '256' },
  { name: 'seed', default: '42' },
  { name: 'fail', default: '' },
];

/** The jobs of the pretended workspace. `experiment` is where the training jobs log. */
export function seedJobs(experiment = 'ads-rank-v3'): SeedJob[] {
  const common = { maxConcurrentRuns: 10, experiment };
  return [
    { id: '101', name: 'ads-train', tags: { env: 'dev', team: 'ads' }, runAs: 'sp-ads-dev', parameters: trainingParameters, ...common },
    {
      id: '102',
      name: 'ads-features',
      tags: { env: 'dev', team: 'ads' },
      runAs: 'sp-ads-dev',
      parameters: [
        { name: 'feature_set', default: 'v1' },
        { name: 'days', default: '30' },
      ],
      maxConcurrentRuns: 1,
      experiment: null,
    },
    {
      id: '900',
      name: 'ads-train-prod',
      tags: { env: 'prod', team: 'ads' },
      runAs: 'sp-prod-ads',
      parameters: [...trainingParameters, { name: 'catalog', default: 'prod_ads' }],
      maxConcurrentRuns: 1,
      experiment: '/Shared/ads/ctr-baseline',
    },
    { id: '903', name: 'finance-close', tags: { env: 'prod' }, runAs: 'sp-finance', parameters: [], maxConcurrentRuns: 1, experiment: null, forbidden: true },
    {
      // More digits than a JavaScript number can hold.
      id: '9007199254740993123',
      name: 'ads-eval-nightly',
      tags: { env: 'dev', team: 'ads' },
      runAs: 'sp-ads-dev',
      parameters: trainingParameters,
      ...common,
    },
  ];
}

/** Runs from before this world began, so that a typical duration exists. Their MLflow runs belong to the seeded experiment, the best of it among them. */
export function pastLaunches({ bornAt, durationMs }: Pick<Training, 'bornAt' | 'durationMs'>): Launch[] {
  const hour = 3_600_000;
  const past = (n: number, jobId: string, hoursAgo: number, longer: number, parameters: Record<string, string>): Launch => ({
    runId: String(411_000_000_000_001n + BigInt(n) * 2n),
    taskRunId: String(411_000_000_000_002n + BigInt(n) * 2n),
    jobId,
    parameters: { ...Object.fromEntries(trainingParameters.map((p) => [p.name, p.default])), ...parameters },
    startedAt: bornAt - hoursAgo * hour,
    durationMs: Math.round(durationMs * longer),
  });
  return [
    past(0, '101', 170, 1, {}),
    past(1, '101', 121, 0.95, { learning_rate: '0.02' }),
    past(2, '101', 98, 1.1, { dropout: '0.1' }),
    past(3, '101', 75, 1, { fail: 'oom' }),
    past(4, '101', 50, 1.05, { seed: '7' }),
    past(5, '900', 200, 1, { catalog: 'prod_ads' }),
    past(6, '900', 32, 1, { catalog: 'prod_ads' }),
  ];
}

/** The MLflow run a launch logs to. */
export function mlflowRunIdOf(launch: Pick<Launch, 'runId'>): string {
  return createHash('sha256').update(`mlflow run of ${launch.runId}`).digest('hex').slice(0, 32);
}
