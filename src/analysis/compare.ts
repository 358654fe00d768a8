import { caveats } from './caveats.ts';
import { type Differences, differences } from './differences.ts';
import { type Direction, type DirectionSource, direction } from './direction.ts';
import { type Noise, noise, nothingToTest, repetitions } from './noise.ts';
import { isUsable, type JsonNumber, jsonNumber, minus, timeOf } from './numbers.ts';
import { bestIn, gitCommit, lastValue, type Run, type Side } from './run.ts';
import { type Readings, type Threshold, type Verdict, verdict } from './verdict.ts';

export type Asked = {
  primary?: string | undefined;
  /** Only these, beside the primary one; else all that are not the system's own. */
  metrics?: readonly string[] | undefined;
  /** What the person said; labmate.json's `metrics` are in `directions`. */
  direction?: Direction | undefined;
  directions?: Readonly<Record<string, Direction>> | undefined;
  /** Without `kind` the default reading holds. */
  threshold?: { value: number; kind?: Threshold['kind'] | undefined } | undefined;
  defaultReading?: 'relative' | 'points' | undefined;
  aggregate?: 'last' | 'best' | undefined;
  expectedChanges?: readonly string[] | undefined;
  /** Other runs of the two experiments, for noise. */
  peers?: readonly Run[] | undefined;
};

export type RunLine = {
  run_id: string;
  name: string;
  url: string;
  status: string;
  git_commit: string | null;
  datasets: { name: string; digest: string; context: string | null }[];
  started: string | null;
  duration_ms: number | null;
};

export type Primary = {
  metric: string;
  direction: Direction | null;
  direction_source: DirectionSource | null;
  aggregate: 'last' | 'best';
  baseline: JsonNumber | null;
  candidate: JsonNumber | null;
  delta: number | null;
  delta_pct: number | null;
  delta_points?: number;
  threshold: Threshold | null;
  /** Who chose how the percentage is read. */
  threshold_source: 'prompt' | 'config' | null;
  readings: Readings;
  readings_disagree: boolean;
  verdict: Verdict;
  verdict_reason: string;
};

export type MetricLine = {
  key: string;
  baseline: JsonNumber;
  candidate: JsonNumber;
  delta: number | null;
  delta_pct: number | null;
  best_baseline?: { value: number; step: number };
  best_candidate?: { value: number; step: number };
  direction: Direction | null;
  flag: 'better' | 'worse' | 'same' | 'unknown' | 'not_finite';
};

export type Comparison = {
  baseline: RunLine;
  candidate: RunLine;
  /** Null where no metric was named and none stands out. */
  primary: Primary | null;
  metrics: MetricLine[];
  only_in_baseline: string[];
  only_in_candidate: string[];
  params: Differences;
  tags_changed: { key: string; baseline: string; candidate: string }[];
  noise?: Noise;
  warnings: string[];
  links: { baseline: string; candidate: string };
};

/** Compares two runs: the figures, what differs beside them, the verdict on the primary metric, and everything a careful reader would object to. */
export function compareRuns(baseline: Side, candidate: Side, asked: Asked): Comparison {
  const [b, c] = [baseline.run, candidate.run];
  const common = Object.keys(b.metrics).filter((key) => Object.hasOwn(c.metrics, key));
  const name = asked.primary ?? standsOut(common, asked.directions ?? {});
  const primary = name === null ? null : primaryOf(name, baseline, candidate, asked);
  const chosen = asked.metrics ? common.filter((key) => asked.metrics?.includes(key) || key === name) : common.filter((key) => !key.startsWith('system/'));
  const only = (these: Run, those: Run) =>
    Object.keys(these.metrics)
      .filter((key) => !Object.hasOwn(those.metrics, key) && !key.startsWith('system/'))
      .sort();
  const chance = name === null || !asked.peers ? null : chanceIn(name, b, c, asked.peers);
  return {
    baseline: runLine(baseline),
    candidate: runLine(candidate),
    primary,
    metrics: chosen.sort((x, y) => Number(y === name) - Number(x === name) || (x < y ? -1 : 1)).map((key) => metricLine(key, baseline, candidate, asked)),
    only_in_baseline: only(b, c),
    only_in_candidate: only(c, b),
    params: differences(b.params, c.params),
    tags_changed: differences(ownTags(b), ownTags(c)).changed,
    ...(chance ? { noise: chance } : {}),
    warnings: caveats(baseline, candidate, asked, primary, chance),
    links: { baseline: baseline.url, candidate: candidate.url },
  };
}

function chanceIn(metric: string, baseline: Run, candidate: Run, peers: readonly Run[]): Noise {
  const without = Object.entries({ baseline, candidate }).flatMap(([role, run]) => (isUsable(lastValue(run, metric) ?? Number.NaN) ? [] : [`the ${role}`]));
  return without.length > 0 ? nothingToTest(metric, without.join(' and ')) : noise(metric, repetitions(baseline, peers), repetitions(candidate, peers));
}

function primaryOf(metric: string, baseline: Side, candidate: Side, asked: Asked): Primary {
  const directed = direction(metric, { prompt: asked.direction, config: asked.directions });
  const aggregate = asked.aggregate ?? 'last';
  const figureOf = (side: Side) => (aggregate === 'best' && directed ? (bestIn(side, metric, directed.direction)?.value ?? null) : lastValue(side.run, metric));
  const [before, after] = [figureOf(baseline), figureOf(candidate)];
  const kind = asked.threshold?.kind ?? asked.defaultReading ?? 'relative';
  const threshold = asked.threshold ? { value: asked.threshold.value, kind } : null;
  const source = asked.threshold ? (asked.threshold.kind ? 'prompt' : 'config') : null;
  const ruling = verdict({
    metric,
    baseline: before,
    candidate: after,
    direction: directed?.direction ?? null,
    threshold,
    ...(source === 'config' ? { readingFrom: 'the reading set in labmate.json' } : {}),
  });
  return {
    metric,
    direction: directed?.direction ?? null,
    direction_source: directed?.source ?? null,
    aggregate,
    baseline: before === null ? null : jsonNumber(before),
    candidate: after === null ? null : jsonNumber(after),
    delta: ruling.delta,
    delta_pct: ruling.delta_pct,
    ...(ruling.delta_points === null ? {} : { delta_points: ruling.delta_points }),
    threshold,
    threshold_source: source,
    readings: ruling.readings,
    readings_disagree: ruling.disagree,
    verdict: ruling.verdict,
    verdict_reason: ruling.reason,
  };
}

function metricLine(key: string, baseline: Side, candidate: Side, asked: Asked): MetricLine {
  const directed = direction(key, { prompt: key === asked.primary ? asked.direction : undefined, config: asked.directions });
  const [before, after] = [lastValue(baseline.run, key) ?? Number.NaN, lastValue(candidate.run, key) ?? Number.NaN];
  const finite = isUsable(before) && isUsable(after);
  const delta = finite ? minus(after, before) : null;
  const bestOf = (side: Side) => (directed ? bestIn(side, key, directed.direction) : null);
  const [bestBefore, bestAfter] = [bestOf(baseline), bestOf(candidate)];
  const flag = delta === null ? 'not_finite' : delta === 0 ? 'same' : !directed ? 'unknown' : delta > 0 === (directed.direction === 'max') ? 'better' : 'worse';
  return {
    key,
    baseline: jsonNumber(before),
    candidate: jsonNumber(after),
    delta,
    delta_pct: delta === null || before <= 0 ? null : (delta / before) * 100,
    ...(bestBefore ? { best_baseline: bestBefore } : {}),
    ...(bestAfter ? { best_candidate: bestAfter } : {}),
    direction: directed?.direction ?? null,
    flag,
  };
}

/** Without a metric named: the only configured one both runs have, else the only one. */
function standsOut(common: readonly string[], configured: Readonly<Record<string, Direction>>): string | null {
  const own = common.filter((key) => !key.startsWith('system/'));
  const known = own.filter((key) => Object.hasOwn(configured, key));
  if (known.length === 1) return known[0] as string;
  return own.length === 1 ? (own[0] as string) : null;
}

function runLine({ run, url }: Side): RunLine {
  return {
    run_id: run.runId,
    name: run.name,
    url,
    status: run.status,
    git_commit: gitCommit(run),
    datasets: run.datasets,
    started: run.startedAt === null ? null : timeOf(run.startedAt),
    duration_ms: run.startedAt === null || run.endedAt === null ? null : run.endedAt - run.startedAt,
  };
}

/** Tags people set; the tracking server's own are told as git commit, parent and the like. */
function ownTags(run: Run): Record<string, string> {
  return Object.fromEntries(Object.entries(run.tags).filter(([key]) => !key.startsWith('mlflow.') && !key.startsWith('labmate.')));
}
