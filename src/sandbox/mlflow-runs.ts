import { createHash } from 'node:crypto';
import type { Training } from './launches.ts';
import { mlflowRunIdOf, pastLaunches, type SeedJob, seedJobs } from './seed-jobs.ts';
import { type Epoch, type Launch, learningCurve, trainingAt } from './training.ts';

export type Point = { value: number; step: number; timestamp: number };
export type StoredRun = {
  runId: string;
  name: string;
  experimentId: string;
  status: 'RUNNING' | 'SCHEDULED' | 'FINISHED' | 'FAILED' | 'KILLED';
  start: number;
  end: number | null;
  deleted: boolean;
  params: Record<string, string>;
  tags: Record<string, string>;
  history: Record<string, Point[]>;
};
export type StoredExperiment = { id: string; name: string; deleted?: boolean };

export const seedExperiments: readonly StoredExperiment[] = [
  { id: '0', name: 'Default' },
  { id: '1', name: 'ads-rank-v3' },
  { id: '2', name: 'ads-rank-v2' },
  { id: '3', name: '/Shared/ads/ctr-baseline' },
  { id: '4', name: 'ads-rank-dev' },
  { id: '5', name: 'ads-rank-v1', deleted: true },
];

const commonTags = {
  'mlflow.user': 'sp-ads-dev',
  'mlflow.source.name': 'train.py',
  'mlflow.source.type': 'JOB',
  'mlflow.source.git.commit': '5f0c1de9a1f24b7f9f0b7b4a2a1c9d0e8e3b6c55',
  'mlflow.source.git.branch': 'main',
};
const logged = ['feature_set', 'learning_rate', 'dropout', 'epochs', 'batch_size', 'seed'];
const defaults = { feature_set: 'v1', learning_rate: '0.01', dropout: '0.2', epochs: '20', batch_size: '256', seed: '42' };

/** Runs made by launched jobs, as far as they have come. */
export function launchedRuns(training: Training, experiment: string | undefined): StoredRun[] {
  const jobs = new Map(seedJobs(experiment).map((job) => [job.id, job]));
  const now = training.now();
  return [...pastLaunches(training), ...training.launches()].flatMap((launch) => {
    const job = jobs.get(launch.jobId) ?? [...jobs.values()][0];
    return job?.experiment ? (runOfLaunch(launch, job, now, job.experiment) ?? []) : [];
  });
}

function runOfLaunch(launch: Launch, job: SeedJob, now: number, experiment: string): StoredRun | null {
  const { phase, result, epochs, epochsInAll, endedAt, failure } = trainingAt(launch, now);
  // A run is made when the training code begins, not when the job is queued.
  if (phase === 'PENDING' || result === 'SKIPPED' || failure?.type === 'CLOUD_FAILURE') return null;
  const setup = launch.durationMs * 0.05;
  const at = (epoch: number) => Math.round(launch.startedAt + setup + ((launch.durationMs - setup) * (epoch + 1)) / epochsInAll);
  return {
    runId: mlflowRunIdOf(launch),
    name: `${job.name}-${launch.parameters['feature_set'] || 'v1'}-${launch.runId.slice(-4)}`,
    experimentId: seedExperiments.find((e) => e.name === experiment)?.id ?? '0',
    status: result === 'SUCCESS' ? 'FINISHED' : result === 'CANCELED' ? 'KILLED' : result === null ? 'RUNNING' : 'FAILED',
    start: Math.round(launch.startedAt + setup),
    end: endedAt === null ? null : Math.round(endedAt),
    deleted: false,
    params: Object.fromEntries(logged.flatMap((name) => (launch.parameters[name] === undefined ? [] : [[name, launch.parameters[name]]]))),
    tags: {
      ...commonTags,
      'mlflow.databricks.jobID': launch.jobId,
      'mlflow.databricks.jobRunID': launch.runId,
      'mlflow.source.name': `jobs/${launch.jobId}/run/${launch.runId}`,
      ...(launch.parameters['config'] ? { config: launch.parameters['config'] } : {}),
    },
    history: historyOf(epochs, at),
  };
}

/**
 * The history of ads-rank-v3: a sweep whose best is the defaults (val_f1 0.7126), and runs that would beat it if a reader were careless: a nested child, one
 * still running, one that failed, one whose last value is NaN, a deleted one, and one whose peak at epoch 9 was higher than where it ended.
 */
export function seededRuns(bornAt: number): StoredRun[] {
  const sweep: Record<string, string>[] = [
    ...['0.0003', '0.001', '0.003', '0.005', '0.015', '0.03', '0.05', '0.1', '0.3'].map((learning_rate) => ({ learning_rate })),
    ...['0', '0.05', '0.15', '0.3', '0.4', '0.5'].map((dropout) => ({ dropout })),
    ...['1', '2', '3'].map((seed) => ({ seed })),
    ...['0.003', '0.005', '0.02', '0.03'].flatMap((learning_rate) => ['0.05', '0.1', '0.3'].map((dropout) => ({ learning_rate, dropout }))),
    ...['5', '10', '15'].map((epochs) => ({ epochs })),
    { feature_set: 'tiny' },
    { feature_set: 'tiny', learning_rate: '0.02' },
  ];
  const plain = sweep.map((change, n) => seeded(bornAt, n, change));
  const parent = seeded(bornAt, 40, { learning_rate: '0.008' });
  const careless = [
    lifted(seeded(bornAt, 41, { dropout: '0.18' }), 0.791, { tags: { 'mlflow.parentRunId': parent.runId } }),
    lifted(seeded(bornAt, 42, { dropout: '0.22' }), 0.802, { status: 'RUNNING', end: null }),
    lifted(seeded(bornAt, 43, { learning_rate: '0.04' }), 0.811, { status: 'FAILED' }),
    lifted(seeded(bornAt, 44, { learning_rate: '5' }), Number.NaN, {}),
    lifted(seeded(bornAt, 45, { seed: '99' }), 0.9, { deleted: true }),
  ];
  const peaked = seeded(bornAt, 46, { dropout: '0.01' });
  peaked.history['val_f1'] = (peaked.history['val_f1'] ?? []).map((p) => ({ ...p, value: p.step === 9 ? 0.744 : Math.min(p.value, 0.69) }));
  const older = [0, 1, 2].map((n) => ({ ...seeded(bornAt, 60 + n, { seed: String(n), batch_size: '512' }), experimentId: '2' }));
  return [...plain, parent, peaked, ...careless, ...older];
}

function seeded(bornAt: number, n: number, change: Record<string, string>): StoredRun {
  const params = { ...defaults, ...change };
  const start = bornAt - (400 - n * 4) * 3_600_000;
  const minute = 60_000;
  const epochs = learningCurve(params);
  return {
    runId: createHash('sha256').update(`seeded run ${n}`).digest('hex').slice(0, 32),
    name: `sweep-${String(n).padStart(2, '0')}`,
    experimentId: '1',
    status: 'FINISHED',
    start,
    end: start + epochs.length * minute,
    deleted: false,
    params,
    tags: commonTags,
    history: historyOf(epochs, (epoch) => start + (epoch + 1) * minute),
  };
}

/** The run with another last val_f1. */
function lifted(run: StoredRun, last: number, change: Partial<StoredRun>): StoredRun {
  const points = run.history['val_f1'] ?? [];
  const history = { ...run.history, val_f1: points.map((p, n) => (n === points.length - 1 ? { ...p, value: last } : p)) };
  return { ...run, ...change, history, tags: { ...run.tags, ...change.tags } };
}

function historyOf(epochs: readonly Epoch[], at: (epoch: number) => number): Record<string, Point[]> {
  const history: Record<string, Point[]> = {};
  for (const { epoch, metrics } of epochs) {
    for (const [key, value] of Object.entries(metrics)) {
      history[key] ??= [];
      history[key].push({ value, step: epoch, timestamp: at(epoch) });
    }
  }
  return history;
}

/** The last value: greatest step, then timestamp. */
export function lastPoint(points: readonly Point[] | undefined): Point | undefined {
  return points?.reduce((last, p) => (p.step > last.step || (p.step === last.step && p.timestamp >= last.timestamp) ? p : last));
}
