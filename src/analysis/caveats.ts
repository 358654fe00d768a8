import type { Asked, Primary } from './compare.ts';
import { confounders, oddities } from './differences.ts';
import { contradictsConfig } from './direction.ts';
import { nearMisses } from './near-miss.ts';
import type { Noise } from './noise.ts';
import { figure, isUsable } from './numbers.ts';
import { bestIn, lastValue, type Side } from './run.ts';
import { thresholdInWords, verdict, verdictInWords } from './verdict.ts';

/** Everything a careful reader would object to in a comparison. */
export function caveats(baseline: Side, candidate: Side, asked: Asked, primary: Primary | null, chance: Noise | null): string[] {
  const [b, c] = [baseline.run, candidate.run];
  const found: string[] = [];
  if (b.runId === c.runId) found.push('Baseline and candidate are the same run.');
  found.push(...oddities(b, 'baseline'), ...oddities(c, 'candidate'), ...confounders(b, c, asked.expectedChanges, primary?.metric ?? null));
  if (b.experimentId !== c.experimentId) found.push(`The runs are of different experiments: ${b.experimentId} and ${c.experimentId}.`);
  for (const [role, { run }] of [
    ['baseline', baseline],
    ['candidate', candidate],
  ] as const) {
    const bad = Object.keys(run.metrics).filter((key) => !isUsable(lastValue(run, key) ?? 0));
    if (bad.length > 0) found.push(`Not finite in the ${role}: ${bad.sort().slice(0, 6).join(', ')}.`);
  }
  // That there is no verdict then is said in its place.
  if (!primary) return found;
  const { metric } = primary;
  if (primary.baseline === null || primary.candidate === null) {
    const near = nearMisses(
      metric,
      [...Object.keys(b.metrics), ...Object.keys(c.metrics)].filter((key) => key !== metric),
    );
    if (near.length > 0) found.push(`Metrics with a name near ${metric}: ${near.join(', ')}.`);
  }
  if (primary.direction_source === 'name-guess')
    found.push(`That ${primary.direction === 'max' ? 'higher' : 'lower'} is better for ${metric} is a guess from its name.`);
  if (contradictsConfig(metric, asked.direction, asked.directions ?? {}))
    found.push(`The direction asked for ${metric} contradicts the configured one (${asked.directions?.[metric]}).`);
  const { relative, points, used } = primary.readings;
  // Where a person said how the percentage is meant, nobody needs to be warned of the other reading.
  if (primary.readings_disagree && primary.threshold_source === 'config' && relative && points)
    found.push(
      `"${figure(primary.threshold?.value ?? null)} %" can be read in two ways, and they disagree: as a relative change it is ${verdictInWords(relative.verdict)}, in percentage points ${verdictInWords(points.verdict)}. Nobody said which was meant; labmate.json settles it (${used === 'points' ? 'percentage points' : 'relative'}).`,
    );
  for (const [role, side] of [
    ['baseline', baseline],
    ['candidate', candidate],
  ] as const) {
    const peak = primary.direction && bestIn(side, metric, primary.direction);
    const last = lastValue(side.run, metric);
    if (!peak || last === null || !isUsable(last) || !primary.threshold) continue;
    const lost = verdict({ metric, baseline: peak.value, candidate: last, direction: primary.direction, threshold: primary.threshold }).verdict === 'regressed';
    if (lost)
      found.push(
        `The ${role} ended worse than its best: ${metric} ${figure(last)} at the end, ${figure(peak.value)} at step ${peak.step}, more than ${thresholdInWords(primary.threshold)} apart.`,
      );
  }
  if (chance) found.push(...chanceObjects(chance, primary));
  return found;
}

/** What repetitions say against a verdict that was found on two single runs. */
function chanceObjects({ welch_p, single_p, mean, note }: Noise, { metric, direction, threshold, verdict: found, aggregate }: Primary): string[] {
  const p = welch_p ?? single_p;
  const objections = p !== undefined && p >= 0.05 ? [note] : [];
  if (welch_p === undefined || aggregate !== 'last') return objections;
  const byMeans = verdict({ metric, baseline: mean.baseline, candidate: mean.candidate, direction, threshold }).verdict;
  if (byMeans !== found && found !== 'inconclusive')
    objections.push(
      `The runs compared are single ones of their groups: by the means over repetitions (${figure(mean.candidate)} against ${figure(mean.baseline)}) the verdict would be "${verdictInWords(byMeans)}".`,
    );
  return objections;
}
