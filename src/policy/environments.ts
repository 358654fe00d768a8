import type { JobTouched } from './touches.ts';

/** Which jobs belong to which environment. */
export type Environment = {
  jobs: string[];
  tags?: Record<string, string> | undefined;
  runAs?: string[] | undefined;
  parameters?: Record<string, string[]> | undefined;
};
export type Environments = Record<string, Environment>;

/** Where a job belongs, and why: the sentence is shown on cards and in refusals. `parameter`: the job's own that decided it. */
export type Placement = { environment: string; why: string; listed: boolean; parameter?: string };

/**
 * Places a job by its own fetched definition. A job belongs where its id stands, or where a name glob *and* a fetched tag match; a glob alone puts it nowhere.
 * One match by id, name, tag, run_as or effective parameter with an environment outside `actIn` decides against it. A job in none counts as prod.
 * A job that starts others belongs where the first of these does that lies outside `actIn`.
 */
export function placeJob(job: JobTouched, environments: Environments, actIn: readonly string[]): Placement {
  const own = placeAlone(job, environments, actIn);
  if (!actIn.includes(own.environment)) return own;
  for (const started of job.starts ?? []) {
    const its = placeAlone(started, environments, actIn);
    if (!actIn.includes(its.environment))
      return { environment: its.environment, listed: its.listed, why: `it starts job ${started.id} (${started.name}), and of that one ${its.why}` };
  }
  return own;
}

function placeAlone(job: JobTouched, environments: Environments, actIn: readonly string[]): Placement {
  for (const [name, env] of Object.entries(environments)) {
    if (actIn.includes(name)) continue;
    const touched = touchesEnvironment(job, env);
    if (touched) return { environment: name, ...touched, listed: true };
  }
  for (const [name, env] of Object.entries(environments)) {
    if (!actIn.includes(name)) continue;
    if (env.jobs.includes(job.id)) return { environment: name, why: `job ${job.id} is listed in ${name}`, listed: true };
    const byName = env.jobs.find((g) => isGlob(g) && matches(g, job.name));
    const tag = Object.entries(env.tags ?? {}).find(([k, v]) => job.tags[k] === v);
    if (byName && tag) return { environment: name, why: `its name matches ${byName} and its tag ${tag[0]}=${tag[1]}`, listed: true };
  }
  return { environment: 'prod', why: 'it stands in no environment of labmate.json, which counts as prod', listed: false };
}

function touchesEnvironment(job: JobTouched, env: Environment): { why: string; parameter?: string } | null {
  if (env.jobs.includes(job.id)) return { why: `its id ${job.id} is listed there in labmate.json` };
  const byName = env.jobs.find((g) => matches(g, job.name));
  if (byName) return { why: `its name matches ${byName}` };
  for (const [k, v] of Object.entries(env.tags ?? {}))
    if (Object.entries(job.tags).some(([key, value]) => alike(key, k) && alike(value, v))) return { why: `its tag is ${k}=${v}` };
  for (const g of env.runAs ?? []) if (job.runAs !== null && matches(g, job.runAs)) return { why: `it runs as ${job.runAs}` };
  for (const [k, globs] of Object.entries(env.parameters ?? {})) {
    for (const { value, ...own } of valuesOf(k, job)) {
      if (globs.some((g) => matches(g, value.trim()))) return { why: `its parameter ${k} is ${value}`, ...own };
      if (value.includes('{{')) return { why: `its parameter ${k} is ${value}, and only Databricks knows what that will be`, ...own };
    }
  }
  return null;
}

/** What a parameter of this name would be, for the job and for each of its tasks. The job's own value wins over a task's of the same name, but does not reach an argument. */
function valuesOf(name: string, job: JobTouched): { value: string; parameter?: string }[] {
  const own = Object.entries(job.parameters).filter(([key]) => alike(key, name));
  const ofTasks = (job.ofTasks ?? []).filter((p) => alike(p.name, name) && (p.argument || !Object.hasOwn(job.parameters, p.name)));
  return [...own.map(([parameter, value]) => ({ value, parameter })), ...ofTasks.map((p) => ({ value: filledIn(p.value, job.parameters) }))];
}

/** A task's value with the job's own parameters put in where it refers to them; what only Databricks knows stays. */
export function filledIn(value: string, parameters: Record<string, string>): string {
  const reference = /\{\{\s*job\.parameters\.([^\s{}]+)\s*\}\}/g;
  return value.replace(reference, (whole, key: string) => (Object.hasOwn(parameters, key) ? (parameters[key] ?? whole) : whole));
}

/** In the direction that refuses, a capital letter or a space makes no difference. */
function alike(a: string, b: string): boolean {
  return a.trim().toLowerCase() === b.trim().toLowerCase();
}

function isGlob(pattern: string): boolean {
  return /[*?]/.test(pattern) || !/^\d+$/.test(pattern);
}

/** `*` any run of characters, `?` one; everything else literal, any case: an environment is not escaped by a capital letter. */
export function matches(glob: string, text: string): boolean {
  const source = glob
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`, 'is').test(text);
}
