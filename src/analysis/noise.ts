import { figure, isUsable, signed } from './numbers.ts';
import { dataOf, gitCommit, isFold, isSeed, parentOf, type Run } from './run.ts';

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
  /** Where one side is a single run: how likely one more of the other's repetitions lies as far off. */
  single_p?: number;
  note: string;
  /** The figures that the note rests on, as a sentence; absent where there are none. */
  figures?: string;
};

/** What the two sides are called in a sentence. */
export type Called = { baseline: string; candidate: string };

/** With fewer repetitions than this their spread says too little to hold a single run against. */
const FEWEST_FOR_ONE = 3;

/**
 * The runs that repeat `run`: its children, where they differ in nothing but seeds and folds (those of a search are trials, not repetitions), else the runs equal in
 * every parameter but a seed, of the same code and data; `run` itself is among the latter.
 */
export function repetitions<R extends Run>(run: R, peers: readonly R[]): R[] {
  const others = peers.filter((p) => p.runId !== run.runId && p.status === 'FINISHED' && !p.deleted && p.experimentId === run.experimentId);
  const children = others.filter((p) => parentOf(p) === run.runId);
  const ofFolds = (r: Run) => arrangement(r, (key) => isSeed(key) || isFold(key));
  if (children.length > 1 && new Set(children.map(ofFolds)).size === 1) return children;
  const key = arrangement(run, isSeed);
  return [run, ...others.filter((p) => parentOf(p) === parentOf(run) && arrangement(p, isSeed) === key)];
}

/** One of the runs compared has no figure: what its repetitions have says nothing of it. */
export function nothingToTest(metric: string, who: string): Noise {
  const none = { baseline: null, candidate: null };
  return { n_baseline: 0, n_candidate: 0, mean: none, std: none, note: `There is no figure of ${metric} for ${who}, so nothing to test.` };
}

/**
 * How much of a difference may be chance: mean and deviation over repetitions, and Welch's t-test where both sides have at least two. Where the runs compared are
 * repetitions of each other, each stands first on its side, as `repetitions` puts it.
 */
export function noise(
  metric: string,
  baseline: readonly Run[],
  candidate: readonly Run[],
  called: Called = { baseline: 'the baseline', candidate: 'the candidate' },
): Noise {
  const values = (runs: readonly Run[]) =>
    withoutCopies(runs)
      .map((r) => r.metrics[metric]?.value ?? Number.NaN)
      .filter(isUsable);
  const shared = baseline.some((b) => candidate.some((c) => c.runId === b.runId));
  const [before, after] = [values(baseline), values(candidate)];
  const b = spread(before);
  const c = spread(after);
  const facts = {
    n_baseline: b?.n ?? 0,
    n_candidate: c?.n ?? 0,
    mean: { baseline: b?.mean ?? null, candidate: c?.mean ?? null },
    std: { baseline: b?.std ?? null, candidate: c?.std ?? null },
  };
  if (shared) return { ...facts, note: alike(metric, baseline[0], candidate[0]) };
  if (!b || !c || (b.n < 2 && c.n < 2)) return { ...facts, note: 'Single run each: noise unknown.' };
  const groups = [...level(called.candidate, c), ...level(called.baseline, b)].join(', ');
  if (b.n < 2 || c.n < 2) {
    const [one, who, many, whose] = b.n < 2 ? [b.mean, called.baseline, c, called.candidate] : [c.mean, called.candidate, b, called.baseline];
    const test = many.n < FEWEST_FOR_ONE ? null : oneAgainst(one, many);
    const why = many.std === 0 ? ', and its repetitions have no spread at all: nothing to test against' : ': too little to test the difference';
    const note = `Only ${whose} was repeated${test ? '' : why}.`;
    if (!test) return { ...facts, note, figures: `Over repetitions: ${groups}.` };
    const says = test.p < 0.05 ? 'more than its seeds explain' : 'within what its seeds do';
    return {
      ...facts,
      single_p: test.p,
      note: `${note} The single run of ${who} lies ${figure(round3(Math.abs(one - many.mean) / (many.std ?? 1)))} standard deviations from the mean of those ${many.n}: ${says} (${inP(test.p)}).`,
      figures: `Over repetitions: ${groups}; ${who} ${figure(one)}.`,
    };
  }
  const test = welch(b, c);
  if (!test) return { ...facts, note: 'The repetitions have no spread at all: nothing to test against.', figures: `Over repetitions: ${groups}.` };
  const note =
    test.p < 0.05
      ? 'The difference of the means is larger than seed noise explains (p < 0.05).'
      : 'The difference of the means is within seed noise (p >= 0.05).';
  const [low, high] = test.ci95;
  const figures = `Over repetitions: ${groups}; difference of the means ${signed(c.mean - b.mean)}, 95 % interval ${signed(low)} to ${signed(high)}, ${inP(test.p)} (Welch).`;
  return { ...facts, welch_t: test.t, welch_p: test.p, ci95: test.ci95, note, figures };
}

/** What two runs are to each other that differ in nothing but a seed, if in that. */
function alike(metric: string, a: Run | undefined, b: Run | undefined): string {
  if (a?.runId === b?.runId) return 'Both are one run: there is nothing to test.';
  const made = a && b && arrangement(a, () => false) === arrangement(b, () => false);
  const what = made ? 'The two runs are the same experiment made twice' : 'The two runs differ in nothing but a seed';
  const between = a?.metrics[metric]?.value === b?.metrics[metric]?.value ? ', and nothing lies between them' : ': whatever lies between them is noise';
  return `${what}${between}.`;
}

/** `the candidate 0.7417 ± 0.0035 (n = 3)`; nothing for a single run, which has no spread. */
function level(who: string, { n, mean, std }: Spread): string[] {
  return std === null ? [] : [`${who} ${figure(mean)} ± ${figure(Number(std.toPrecision(2)))} (n = ${n})`];
}

/** More digits of a small p say more than the few runs behind it do. */
function inP(p: number): string {
  return p < 0.001 ? 'p < 0.001' : `p = ${figure(round3(p))}`;
}

const round3 = (value: number) => Number(value.toPrecision(3));

/** What chance has to do with a difference, for a list that holds the warnings too: what these say already is not said twice. */
export function noiseInWords({ note, figures = '' }: { note: string; figures?: string | undefined }, warnings: readonly string[] = []): string {
  return [warnings.includes(note) ? '' : note, figures].filter(Boolean).join(' ');
}

/** A spread that is no more than what rounding leaves over is none: three times 0.74 have a mean of 0.7400000000000001. */
const ROUNDING = 1e-12;

export function spread(values: readonly number[]): Spread | null {
  const [first] = values;
  const n = values.length;
  if (first === undefined) return null;
  if (values.every((v) => v === first)) return { n, mean: first, std: n < 2 ? null : 0 };
  const mean = values.reduce((sum, v) => sum + v, 0) / n;
  const std = Math.sqrt(values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / (n - 1));
  return { n, mean, std: std <= ROUNDING * Math.abs(mean) ? 0 : std };
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

/**
 * Whether a single value may be one more of a sample: t = (x - mean) / (s sqrt(1 + 1/n)) with n - 1 degrees of freedom, two-sided (J. R. Crawford, D. C. Howell,
 * The Clinical Neuropsychologist 12, 1998). Null where the sample has no spread.
 */
export function oneAgainst(value: number, sample: Spread): { t: number; df: number; p: number } | null {
  if (sample.std === null || !(sample.std > 0)) return null;
  const t = (value - sample.mean) / (sample.std * Math.sqrt(1 + 1 / sample.n));
  return { t, df: sample.n - 1, p: twoSided(t, sample.n - 1) };
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

function arrangement(run: Run, besides: (param: string) => boolean): string {
  const params = Object.entries(run.params).filter(([key]) => !besides(key));
  return JSON.stringify([gitCommit(run), dataOf(run), params.sort(([a], [b]) => (a < b ? -1 : 1))]);
}

/** A run with the same seed and the same figures to the last digit is the same run made again: counted twice it would make the spread look smaller than it is. */
function withoutCopies<R extends Run>(runs: readonly R[]): R[] {
  const seen = new Set<string>();
  return runs.filter((run) => {
    const inOrder = <T>(of: Record<string, T>) => Object.entries(of).sort(([a], [b]) => (a < b ? -1 : 1));
    const key = JSON.stringify([inOrder(run.params), inOrder(run.metrics).map(([name, { value }]) => [name, String(value)])]);
    return !seen.has(key) && seen.add(key);
  });
}
