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

/**
 * Thins several curves for one chart, each to at most `samples` points (at least 6): they are thinned at the same steps, or lines over each other would have hardly a
 * step in common. Each keeps its own ends, its lowest and its highest value. Curves that share no steps are thinned each for itself.
 */
export function downsampleTogether<P extends Point>(curves: readonly (readonly P[])[], samples: number): P[][] {
  if (curves.every((points) => points.length <= samples)) return curves.map((points) => [...points]);
  const [first, ...others] = curves.filter((points) => points.length > 0).map((points) => new Set(points.map((p) => p.step)));
  const common = [...(first ?? [])].filter((step) => others.every((steps) => steps.has(step)));
  if (common.length < 2) return curves.map((points) => downsample(points, samples));
  const own = curves.map((points) => new Set(downsample(points, 4)));
  const keeping = (places: number) => {
    const shared = new Set(Array.from({ length: places }, (_, i) => common[Math.round((i * (common.length - 1)) / Math.max(1, places - 1))]));
    return curves.map((points, i) => points.filter((p) => shared.has(p.step) || own[i]?.has(p)));
  };
  for (let places = Math.min(common.length, samples); ; places -= 1) {
    const thin = keeping(places);
    if (places <= 2 || thin.every((points) => points.length <= samples)) return thin;
  }
}

function valueAt(points: readonly Point[], index: number): number {
  return points[index]?.value ?? Number.NaN;
}
