import { nearMisses } from '../analysis/near-miss.ts';
import type { Job } from '../services/databricks.ts';
import type { GitHub } from '../services/github.ts';
import type { Question, ToolContext } from './define-tool.ts';
import { cell } from './markdown.ts';

/** A config file at one commit: its bytes can't change any more. `sha` is the blob's. */
export type Config = { repository: string; path: string; commit: string; sha: string };

/** What a named config comes to: the file, and the parameters it gives the job. */
export type ResolvedConfig = { kind: 'config'; config: Config; parameters: Record<string, string>; differs: { name: string; file: string; job: string }[] };

const configNames = ['config', 'config_file', 'config_path'];

/** The job's own parameter for a config file, if it declares one. */
export function configParameter(job: Job): string | null {
  return configNames.find((name) => job.parameters.some((p) => p.name === name)) ?? null;
}

/**
 * Finds the config file that was named, in the default repository, and pins it to its commit. A job with a parameter for it gets `path@commit`; else the file's
 * top-level values named like job parameters fill them. Whatever is not certain is a question: nothing is guessed.
 */
export async function resolveConfig(wanted: string, job: Job, { services, settings, signal }: ToolContext): Promise<ResolvedConfig | Question> {
  const { github } = services;
  const { repository, base } = settings.defaults;
  if (!github || !repository) {
    const missing = github ? 'labmate.json names no repository under defaults' : 'no GitHub is connected';
    return question(
      `The config ${quoted(wanted)} can't be looked up: ${missing}. Ask which parameters of job ${job.jobId} are meant, and give them as parameters.`,
      `The config ${quoted(wanted)} can't be looked up: ${missing}. Which parameters of job ${job.jobId} are meant?`,
    );
  }
  const pinned = /^(.+)@([0-9a-f]{40})$/.exec(wanted.trim());
  const asked = (pinned?.[1] ?? wanted).trim().replace(/^(\.?\/)+/, '');
  if (!asked || asked.split('/').includes('..'))
    return question(
      `${quoted(wanted)} is not a path inside ${repository}. Ask which file is meant.`,
      `${quoted(wanted)} is not a path inside ${repository}. Which file is meant?`,
    );
  const ref = pinned?.[2] ?? base;
  const file = await find(asked, repository, ref, github, signal);
  if (file.kind === 'question') return file;
  const config = { repository, path: file.path, commit: file.commit, sha: file.sha };
  const values = await topLevel(file.text, file.path);
  const parameter = configParameter(job);
  if (parameter !== null) {
    return { kind: 'config', config, parameters: { [parameter]: `${file.path}@${file.commit}` }, differs: differing(values, job) };
  }
  if (!values)
    return question(
      `${file.path} in ${repository} is neither JSON nor YAML with names and values, and job ${job.jobId} has no parameter for a config file. Ask how it is meant.`,
      `${file.path} in ${repository} holds no names and values, and job ${job.jobId} has no parameter for a config file. Which parameters are meant?`,
    );
  return fill(values, config, job);
}

/** The same file as it was resolved before, at the same commit. False: it is not there any more. */
export async function stillThere(config: Config, github: GitHub | undefined, signal: AbortSignal): Promise<boolean> {
  const file = await github?.getFile({ repo: config.repository, path: config.path, ref: config.commit }, signal);
  return file?.sha === config.sha;
}

async function find(asked: string, repository: string, ref: string | undefined, github: GitHub, signal: AbortSignal) {
  const exact = await github.getFile({ repo: repository, path: asked, ref }, signal);
  if (exact) return { kind: 'file' as const, ...exact };
  const name = asked.split('/').at(-1) ?? asked;
  const near = (await github.findFiles({ repo: repository, name, ref }, signal)).sort();
  const fitting = near.filter((path) => path.endsWith(`/${asked}`));
  const [only] = fitting;
  if (fitting.length === 1 && only) {
    const file = await github.getFile({ repo: repository, path: only, ref }, signal);
    if (file) return { kind: 'file' as const, ...file };
  }
  if (fitting.length > 1) {
    const facts = `${repository} has ${fitting.length} files that ${quoted(asked)} could mean: ${listed(fitting)}.`;
    return question(`${facts} Ask which one is meant.`, `${facts} Which one is meant?`, { candidates: fitting });
  }
  const facts = `${repository} has no file ${quoted(asked)}.`;
  const candidates = near.length > 0 ? near : await configsOf(repository, ref, github, signal);
  const [instead, there] = candidates.length > 0 ? [` It has ${listed(candidates)}.`, ` There are: ${listed(candidates)}.`] : ['', ''];
  return question(`${facts}${instead} Ask which config is meant; do not choose one.`, `${facts} Which config is meant?${there}`, { candidates });
}

/** Config files there are, for whoever has to name one: those in folders of configs first. */
async function configsOf(repository: string, ref: string | undefined, github: GitHub, signal: AbortSignal): Promise<string[]> {
  const all = await github.findFiles({ repo: repository, name: '*.json', ref }, signal);
  const likely = (path: string) => (/config/i.test(path) ? 0 : 1);
  return all.sort((a, b) => likely(a) - likely(b) || a.localeCompare(b)).slice(0, 10);
}

function listed(paths: readonly string[]): string {
  const shown = paths.slice(0, 10).map((path) => cell(path, 200));
  return paths.length > shown.length ? `${shown.join(', ')} and ${paths.length - shown.length} more` : shown.join(', ');
}

function fill(values: Record<string, string>, config: Config, job: Job): ResolvedConfig | Question {
  const declared = job.parameters.map((p) => p.name);
  const rest = Object.keys(values).filter((key) => !declared.includes(key));
  const parameters = Object.fromEntries(Object.entries(values).filter(([key]) => declared.includes(key)));
  if (rest.length === 0) return { kind: 'config', config, parameters, differs: [] };
  const fits = Object.entries(parameters).map(([key, value]) => `${cell(key)}=${cell(value)}`);
  const near = rest.flatMap((key) =>
    nearMisses(key, declared)
      .slice(0, 1)
      .map((name) => `${cell(key)} (near ${cell(name)})`),
  );
  const facts =
    `${config.path} holds ${rest.map((key) => cell(key)).join(', ')}, for which job ${job.jobId} (${cell(job.name)}) has no parameter${near.length ? `; ${near.join(', ')}` : ''}. ` +
    `Its other values fit: ${fits.join(', ') || 'none'}.`;
  return question(
    `${facts} Ask whether to run without the rest; if so, call again with the fitting values as parameters and no config.`,
    `${facts} Should it run without the rest?`,
    { unknown: rest, fitting: parameters },
  );
}

/** Values that the file and the job's own defaults give differently: a reader must know that both are around. */
function differing(values: Record<string, string> | null, job: Job): ResolvedConfig['differs'] {
  return job.parameters.flatMap((p) => {
    const file = values?.[p.name];
    return file === undefined || file === p.default ? [] : [{ name: p.name, file, job: p.default }];
  });
}

/** A file's names and values as job parameters carry them: text. Null where it has none. */
async function topLevel(text: string, path: string): Promise<Record<string, string> | null> {
  let value: unknown;
  try {
    value = path.endsWith('.json') ? JSON.parse(text) : /\.ya?ml$/.test(path) ? (await import('yaml')).parse(text) : null;
  } catch {
    return null;
  }
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return null;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, typeof item === 'string' ? item : JSON.stringify(item)]));
}

function question(text: string, ask: string, data?: Record<string, unknown>): Question {
  return { kind: 'question', text, ask, ...(data ? { data } : {}) };
}

const quoted = (text: string) => `"${cell(text, 200)}"`;
