import type { Direction } from './direction.ts';
import { nearMisses } from './near-miss.ts';
import { isUsable } from './numbers.ts';
import { parentOf, type Run } from './run.ts';

export type BestRunRules = { metric: string; direction: Direction; exclude?: readonly string[]; onlyFinished?: boolean; includeChildren?: boolean };

export type LeftOut = { deleted: number; excluded: number; not_finished: number; nested: number; without_metric: number; not_finite: number };

export type BestRun<R extends Run> = {
  best: { run: R; value: number } | null;
  runnerUp: { run: R; value: number } | null;
  /** How many runs competed. */
  considered: number;
  /** Runs with exactly the best value, the chosen one not among them. */
  ties: R[];
  leftOut: LeftOut;
  /** Where nobody competed: metrics of these runs that may have been meant. */
  nearMetrics: string[];
  /** The rules, in words. */
  rule: string;
};

/**
 * Picks the best run by its last value. A tracking server asked to sort does not protect from a mistyped metric (it answers with the newest run), from nested and
 * unfinished runs or from NaN, so every rule is applied here, to whatever it sent. Among equals the run that started first wins: the later ones only repeated it.
 */
export function bestRun<R extends Run>(runs: readonly R[], rules: BestRunRules): BestRun<R> {
  const { metric, direction, exclude = [], onlyFinished = true, includeChildren = false } = rules;
  const leftOut: LeftOut = { deleted: 0, excluded: 0, not_finished: 0, nested: 0, without_metric: 0, not_finite: 0 };
  const competing: { run: R; value: number }[] = [];
  for (const run of runs) {
    const value = Object.hasOwn(run.metrics, metric) ? run.metrics[metric]?.value : undefined;
    if (run.deleted) leftOut.deleted += 1;
    else if (exclude.includes(run.runId)) leftOut.excluded += 1;
    else if (onlyFinished && run.status !== 'FINISHED') leftOut.not_finished += 1;
    else if (!includeChildren && parentOf(run) !== null) leftOut.nested += 1;
    else if (value === undefined) leftOut.without_metric += 1;
    else if (!isUsable(value)) leftOut.not_finite += 1;
    else competing.push({ run, value });
  }
  const sign = direction === 'max' ? -1 : 1;
  competing.sort((a, b) => sign * (a.value - b.value) || (a.run.startedAt ?? Infinity) - (b.run.startedAt ?? Infinity) || (a.run.runId < b.run.runId ? -1 : 1));
  const best = competing[0] ?? null;
  return {
    best,
    runnerUp: competing[1] ?? null,
    considered: competing.length,
    ties: best
      ? competing
          .slice(1)
          .filter((c) => c.value === best.value)
          .map((c) => c.run)
      : [],
    leftOut,
    nearMetrics: best
      ? []
      : nearMisses(
          metric,
          runs.flatMap((r) => Object.keys(r.metrics)),
        ),
    rule: inWords(rules),
  };
}

function inWords({ metric, direction, exclude = [], onlyFinished = true, includeChildren = false }: BestRunRules): string {
  const who = `${onlyFinished ? 'finished' : 'all'} runs${includeChildren ? ', nested ones too' : ' that are not nested'}`;
  const without = exclude.length > 0 ? `, without ${exclude.length} excluded` : '';
  return `${direction === 'max' ? 'highest' : 'lowest'} last finite ${metric} of ${who}${without}; among equals the first started`;
}
