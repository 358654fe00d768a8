import type { Point } from './run.ts';

/**
 * Thins a curve to at most `samples` points (at least 4) without hiding what it did: the first, the last, and of each stretch between them the lowest and the highest
 * stay, so the overall minimum and maximum do too. A stretch of nothing but NaN keeps one of them.
 */
export function downsample<P extends Point>(points: readonly P[], samples: number): P[] {
  const room = Math.max(4, Math.floor(samples));
  if (points.length <= room) return [...points];
  const stretches = Math.floor((room - 2) / 2);
  const inner = points.length - 2;
  const kept = new Set<number>([0, points.length - 1]);
  for (let s = 0; s < stretches; s++) {
    const from = 1 + Math.floor((s * inner) / stretches);
    const to = 1 + Math.floor(((s + 1) * inner) / stretches);
    let low = from;
    let high = from;
    for (let i = from; i < to; i++) {
      // Written so that any number replaces a NaN it was begun with.
      if (!(valueAt(points, i) >= valueAt(points, low)) && !Number.isNaN(valueAt(points, i))) low = i;
      if (!(valueAt(points, i) <= valueAt(points, high)) && !Number.isNaN(valueAt(points, i))) high = i;
    }
    kept.add(low).add(high);
  }
  return [...kept].sort((a, b) => a - b).map((i) => points[i] as P);
}

function valueAt(points: readonly Point[], index: number): number {
  return points[index]?.value ?? Number.NaN;
}
