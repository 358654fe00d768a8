import { figure } from './numbers.ts';
import { dataOf, gitCommit, isSeed, parentOf, type Run } from './run.ts';

export type Changed = { key: string; baseline: string; candidate: string };
export type Differences = { changed: Changed[]; added: { key: string; candidate: string }[]; removed: { key: string; baseline: string }[]; same_count: number };

/** Compares two sets of parameters or tags, by name, in alphabetical order. Values are compared as the text they were logged as. */
export function differences(baseline: Readonly<Record<string, string>>, candidate: Readonly<Record<string, string>>): Differences {
  const found: Differences = { changed: [], added: [], removed: [], same_count: 0 };
  for (const key of [...new Set([...Object.keys(baseline), ...Object.keys(candidate)])].sort()) {
    const before = Object.hasOwn(baseline, key) ? baseline[key] : undefined;
    const after = Object.hasOwn(candidate, key) ? candidate[key] : undefined;
    if (before !== undefined && after !== undefined) {
      if (before === after) found.same_count += 1;
      else found.changed.push({ key, baseline: before, candidate: after });
    } else if (after !== undefined) found.added.push({ key, candidate: after });
    else if (before !== undefined) found.removed.push({ key, baseline: before });
  }
  return found;
}

/**
 * Says what else differs between two runs than what was meant to: an ablation that changed two things shows nothing about either. Without `expected` (the parameters
 * that were to change) two or more differing parameters are named; which of them was meant is not known here. Seeds don't count: they are noise.
 */
export function confounders(baseline: Run, candidate: Run, expected: readonly string[] | undefined, primary: string | null): string[] {
  const params = differences(baseline.params, candidate.params);
  const differing = [...params.changed.map((c) => ({ key: c.key, how: `${quote(c.baseline)} -> ${quote(c.candidate)}` })), ...lonely(params)].filter(
    (d) => !isSeed(d.key),
  );
  const found: string[] = [];
  if (expected) {
    const others = differing.filter((d) => !expected.includes(d.key));
    if (others.length > 0) found.push(`More changed than was meant to: ${named(others)} also ${others.length === 1 ? 'differs' : 'differ'}.`);
    const unmoved = expected.filter((key) => !isSeed(key) && !differing.some((d) => d.key === key));
    const how = (key: string) => (Object.hasOwn(baseline.params, key) ? `${quote(baseline.params[key] ?? '')} in both runs` : 'logged in neither run');
    if (unmoved.length > 0) found.push(`Meant to change, and did not: ${named(unmoved.map((key) => ({ key, how: how(key) })))}.`);
  } else if (differing.length > 1) {
    found.push(`${differing.length} parameters differ, so the change can't be put down to one of them: ${named(differing)}.`);
  }
  const [before, after] = [gitCommit(baseline), gitCommit(candidate)];
  if (before && after && before !== after) found.push(`The runs used different code: commit ${before.slice(0, 12)} and ${after.slice(0, 12)}.`);
  else if (before !== after)
    found.push(`Only the ${before ? 'baseline' : 'candidate'} says which commit it ran, so it is not known whether the code is the same.`);
  const data = differentData(baseline, candidate);
  if (data) found.push(data);
  const [steps, stepsAfter] = [primary && baseline.metrics[primary]?.step, primary && candidate.metrics[primary]?.step];
  if (typeof steps === 'number' && typeof stepsAfter === 'number' && steps !== stepsAfter) {
    found.push(
      `The runs trained for a different number of steps: ${primary} was last logged at step ${figure(steps)} in the baseline and ${figure(stepsAfter)} in the candidate.`,
    );
  }
  return found;
}

/** Says what is odd about a run that takes part, whatever it is compared with. */
export function oddities(run: Run, role: 'baseline' | 'candidate'): string[] {
  const found: string[] = [];
  if (run.status !== 'FINISHED') found.push(`The ${role} is ${run.status}, not FINISHED: its figures may still change or be partial.`);
  if (run.deleted) found.push(`The ${role} is deleted.`);
  if (role === 'baseline' && parentOf(run) !== null)
    found.push(`The baseline is a nested run of ${quote(String(parentOf(run)))}: it may be one fold or trial of a larger one.`);
  return found;
}

function differentData(baseline: Run, candidate: Run): string | null {
  const [before, after] = [dataOf(baseline), dataOf(candidate)];
  if (before.join('\n') === after.join('\n')) return null;
  if (before.length === 0 || after.length === 0)
    return `Only the ${before.length === 0 ? 'candidate' : 'baseline'} logged which data it used, so it is not known whether the data is the same.`;
  return `The runs used different data: ${before.filter((d) => !after.includes(d)).join(', ') || 'nothing more'} in the baseline, ${after.filter((d) => !before.includes(d)).join(', ') || 'nothing more'} in the candidate.`;
}

function lonely(params: Differences): { key: string; how: string }[] {
  return [
    ...params.added.map((a) => ({ key: a.key, how: `only in the candidate, ${quote(a.candidate)}` })),
    ...params.removed.map((r) => ({ key: r.key, how: `only in the baseline, ${quote(r.baseline)}` })),
  ];
}

function named(all: { key: string; how: string }[]): string {
  const shown = all.slice(0, 6).map((d) => `${quote(d.key)} (${d.how})`);
  return shown.join(', ') + (all.length > 6 ? ` and ${all.length - 6} more` : '');
}

/** Names and values come from outside: bounded, on one line. */
function quote(text: string): string {
  const line = text.replace(/\s+/g, ' ');
  return line.length > 60 ? `${line.slice(0, 59)}…` : line;
}
