import { isUsable } from './numbers.ts';
import { gitCommit, isSeed, parentOf, type Run } from './run.ts';

export type Spread = { n: number; mean: number /** Sample standard deviation (n - 1); null for a single value. */; std: number | null };

export type Noise = {
  n_baseline: number;
  n_candidate: number;
  mean: { baseline: number | null; candidate: number | null };
  std: { baseline: number | null; candidate: number | null };
  welch_t?: number;
  welch_p?: number;
  /** Of candidate mean - baseline mean. */
  ci95?: [number, number];
  note: string;
};

/** The runs that repeat `run`: children of it, else those equal in every parameter but a seed and of the same code; `run` itself is among the latter. */
export function repetitions<R extends Run>(run: R, peers: readonly R[]): R[] {
  const others = peers.filter((p) => p.runId !== run.runId && p.status === 'FINISHED' && !p.deleted && p.experimentId === run.experimentId);
  const children = others.filter((p) => parentOf(p) === run.runId);
  if (children.length > 1) return children;
  const key = arrangement(run);
  return [run, ...others.filter((p) => parentOf(p) === parentOf(run) && arrangement(p) === key)];
}

/** How much of a difference may be chance: mean and deviation over repetitions, and Welch's t-test where both sides have at least two. */
export function noise(metric: string, baseline: readonly Run[], candidate: readonly Run[]): Noise {
  const values = (runs: readonly Run[]) => runs.map((r) => r.metrics[metric]?.value ?? Number.NaN).filter(isUsable);
  const shared = baseline.some((b) => candidate.some((c) => c.runId === b.runId));
  const b = spread(values(baseline));
  const c = spread(values(candidate));
  const facts = {
    n_baseline: b?.n ?? 0,
    n_candidate: c?.n ?? 0,
    mean: { baseline: b?.mean ?? null, candidate: c?.mean ?? null },
    std: { baseline: b?.std ?? null, candidate: c?.std ?? null },
  };
  if (shared) return { ...facts, note: 'The two runs differ in nothing but a seed: whatever lies between them is noise.' };
  if (!b || !c || (b.n < 2 && c.n < 2)) return { ...facts, note: 'Single run each: noise unknown.' };
  if (b.n < 2 || c.n < 2) return { ...facts, note: `Only the ${b.n < 2 ? 'candidate' : 'baseline'} was repeated: too little to test the difference.` };
  const test = welch(b, c);
  if (!test) return { ...facts, note: 'The repetitions have no spread at all: nothing to test against.' };
  const note =
    test.p < 0.05
      ? 'The difference of the means is larger than seed noise explains (p < 0.05).'
      : 'The difference of the means is within seed noise (p >= 0.05).';
  return { ...facts, welch_t: test.t, welch_p: test.p, ci95: test.ci95, note };
}

export function spread(values: readonly number[]): Spread | null {
  const n = values.length;
  if (n === 0) return null;
  const mean = values.reduce((sum, v) => sum + v, 0) / n;
  const std = n < 2 ? null : Math.sqrt(values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / (n - 1));
  return { n, mean, std };
}

/**
 * Welch's unequal-variances t-test of candidate mean - baseline mean, two-sided, with its 95 % interval; degrees of freedom by Welch and Satterthwaite
 * (B. L. Welch, Biometrika 34, 1947). Null where neither side has any spread.
 */
export function welch(baseline: Spread, candidate: Spread): { t: number; df: number; p: number; ci95: [number, number] } | null {
  const [vb, vc] = [(baseline.std ?? 0) ** 2 / baseline.n, (candidate.std ?? 0) ** 2 / candidate.n];
  if (!(vb + vc > 0)) return null;
  const se = Math.sqrt(vb + vc);
  const difference = candidate.mean - baseline.mean;
  const t = difference / se;
  const df = (vb + vc) ** 2 / (vb ** 2 / (baseline.n - 1) + vc ** 2 / (candidate.n - 1));
  const half = studentQuantile(df) * se;
  return { t, df, p: twoSided(t, df), ci95: [difference - half, difference + half] };
}

/** P(|T| >= |t|) of Student's t: I_x(df/2, 1/2) at x = df / (df + t^2). */
function twoSided(t: number, df: number): number {
  return incompleteBeta(df / (df + t * t), df / 2, 0.5);
}

/** The t beyond which 5 % lie, both sides together; by bisection, since the tail falls steadily. */
function studentQuantile(df: number): number {
  let [low, high] = [0, 1];
  while (twoSided(high, df) > 0.05) high *= 2;
  for (let i = 0; i < 200 && low < high; i++) {
    const middle = (low + high) / 2;
    if (middle === low || middle === high) break;
    if (twoSided(middle, df) > 0.05) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** Regularised incomplete beta function I_x(a, b): continued fraction by Lentz's method (DLMF 8.17.22). */
function incompleteBeta(x: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  // The fraction converges fast only on this side; the other is its mirror.
  if (x > (a + 1) / (a + b + 2)) return 1 - incompleteBeta(1 - x, b, a);
  const front = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x)) / a;
  const tiny = 1e-300;
  let c = 1;
  let d = 1 / (1 - ((a + b) * x) / (a + 1) || tiny);
  let fraction = d;
  for (let m = 1; m < 1000; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    for (const term of [even, odd]) {
      d = 1 / (1 + term * d || tiny);
      c = 1 + term / c || tiny;
      fraction *= c * d;
    }
    if (Math.abs(c * d - 1) < 1e-16) break;
  }
  return front * fraction;
}

/** ln Γ(x) for x > 0 by Stirling's series, shifted up to where it is exact to double precision (DLMF 5.11.1). */
function logGamma(x: number): number {
  let shift = 0;
  let z = x;
  for (; z < 15; z++) shift += Math.log(z);
  const series = [1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360].reduce((sum, k, i) => sum + k / z ** (2 * i + 1), 0);
  return (z - 0.5) * Math.log(z) - z + Math.log(2 * Math.PI) / 2 + series - shift;
}

function arrangement(run: Run): string {
  const params = Object.entries(run.params).filter(([key]) => !isSeed(key));
  return JSON.stringify([gitCommit(run), params.sort(([a], [b]) => (a < b ? -1 : 1))]);
}
