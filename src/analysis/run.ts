import { isUsable } from './numbers.ts';

/** A tracked run, as far as arithmetic needs it. The tracking server's own type fits it without a cast. */
export type Run = {
  runId: string;
  name: string;
  experimentId: string;
  status: string;
  deleted: boolean;
  /** Epoch ms. */
  startedAt: number | null;
  endedAt: number | null;
  /** The last value of each, which is not the best. */
  metrics: Record<string, { value: number; step: number }>;
  params: Record<string, string>;
  tags: Record<string, string>;
  datasets: { name: string; digest: string; context: string | null }[];
};

/** One value of a metric's history. */
export type Point = { step: number; value: number; timestamp?: number };

const PARENT_TAG = 'mlflow.parentRunId';
const COMMIT_TAG = 'mlflow.source.git.commit';

/** The run this one is nested in, if any. */
export function parentOf(run: Run): string | null {
  return run.tags[PARENT_TAG] ?? null;
}

export function gitCommit(run: Run): string | null {
  return run.tags[COMMIT_TAG] ?? null;
}

/** A parameter that only rolls the dice: runs that differ in nothing else are repetitions of one experiment. */
export function isSeed(param: string): boolean {
  return /(^|[._-])(seed|random_state)$/i.test(param);
}

/** A parameter that says which part of the data was held out: the folds of one cross-validation repeat each other. */
export function isFold(param: string): boolean {
  return /(^|[._-])(fold|fold_?(id|index|idx|no|number)|split)$/i.test(param);
}

/** Which data it used, as one line each, in order. */
export function dataOf(run: Run): string[] {
  return run.datasets.map((d) => `${d.context ?? 'data'} ${d.name} ${d.digest}`).sort();
}

/** A run to compare: where people find it, and the histories of metrics where they were fetched. */
export type Side = { run: Run; url: string; histories?: Readonly<Record<string, readonly Point[]>> };

/** The best finite value of a fetched history; null without one. */
export function bestIn(side: Side, metric: string, towards: 'max' | 'min'): { value: number; step: number } | null {
  const points = side.histories && Object.hasOwn(side.histories, metric) ? (side.histories[metric] ?? []) : [];
  let found: { value: number; step: number } | null = null;
  for (const { value, step } of points) {
    if (isUsable(value) && (found === null || (towards === 'max' ? value > found.value : value < found.value))) found = { value, step };
  }
  return found;
}

/** Null: the run does not have this metric. NaN and infinities are values. */
export function lastValue(run: Run, metric: string): number | null {
  return Object.hasOwn(run.metrics, metric) ? (run.metrics[metric]?.value ?? null) : null;
}
