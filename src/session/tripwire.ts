import type { Tripwire } from './events.ts';

/** One value of a metric. */
export type Logged = { step: number; value: number };
/** `allAlong`: the metric never was on the other side, so this is only where the run ended. */
export type Tripped = Logged & { allAlong?: true };

/**
 * Where a condition of a wait first came true on a metric's history, or null. Steps up to and including `after_step` never count. A training's first values say little:
 * an F1 begins below every limit and a loss above. So without `after_step` a value counts once the metric has been on the other side, or where it stands once the run
 * has `ended`. A value that is not finite is nothing to compare, so only `nan` sees it.
 */
export function tripped(condition: Tripwire, history: readonly Logged[], ended = false): Tripped | null {
  const points = history.filter((p) => p.step > (condition.after_step ?? -1)).sort((a, b) => a.step - b.step);
  const limit = condition.value ?? Number.NaN;
  const settled = condition.after_step !== undefined;
  switch (condition.kind) {
    case 'below':
      return crossed(points, (value) => value < limit, settled, ended);
    case 'above':
      return crossed(points, (value) => value > limit, settled, ended);
    case 'nan':
      // SQL stores clip infinities to the greatest double.
      return points.find((p) => !Number.isFinite(p.value) || Math.abs(p.value) >= Number.MAX_VALUE) ?? null;
    case 'stalled':
      return stalled(points, condition.steps ?? Number.POSITIVE_INFINITY, condition.direction ?? 'max');
    default:
      return condition.kind satisfies never;
  }
}

function crossed(points: readonly Logged[], beyond: (value: number) => boolean, settled: boolean, ended: boolean): Tripped | null {
  const finite = points.filter((p) => Number.isFinite(p.value));
  const from = settled ? 0 : finite.findIndex((p) => !beyond(p.value));
  const found = from < 0 ? undefined : finite.slice(from).find((p) => beyond(p.value));
  const last = finite.at(-1);
  return found ?? (ended && last && beyond(last.value) ? { ...last, ...(from < 0 ? { allAlong: true as const } : {}) } : null);
}

/** The first point at which the best value was `steps` steps old. Values that are not finite improve nothing. */
function stalled(points: readonly Logged[], steps: number, direction: 'max' | 'min'): Logged | null {
  let best: Logged | null = null;
  for (const point of points) {
    const better = best === null || (direction === 'max' ? point.value > best.value : point.value < best.value);
    if (better && Number.isFinite(point.value)) best = point;
    else if (best !== null && point.step - best.step >= steps) return point;
  }
  return null;
}

/** `val_f1 below 0.6 after step 5`. */
export function conditionInWords({ metric, kind, value, after_step, steps }: Tripwire): string {
  const what = kind === 'nan' ? 'not a number' : kind === 'stalled' ? `without improvement for ${steps} steps` : `${kind} ${value}`;
  return `${metric} ${what}${after_step === undefined ? '' : ` after step ${after_step}`}`;
}

/** What is told of a condition that came true, to the record and the model alike. */
export function trippedFacts(condition: Tripwire, runId: string, { step, value, allAlong }: Tripped): Record<string, unknown> {
  const said = conditionInWords(condition);
  const facts = { run_id: runId, metric: condition.metric, step, value: Number.isFinite(value) ? value : String(value), condition, condition_in_words: said };
  return allAlong ? { ...facts, all_along: true } : facts;
}
