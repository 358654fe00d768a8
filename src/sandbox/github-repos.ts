import { addBlob, addCommit, addFiles, noObjects, type Objects } from './git-objects.ts';

/** What the GitHub stand-in remembers. */
export type Pull = {
  number: number;
  title: string;
  body: string;
  head: string;
  /** Where it stood when it was opened, for when its branch is gone. */
  headSha: string;
  base: string;
  state: 'open' | 'closed';
  merged: boolean;
  draft: boolean;
  labels: string[];
  reviewers: string[];
  createdAt: string;
};
export type Repo = { owner: string; name: string; defaultBranch: string; objects: Objects; refs: Record<string, string>; pulls: Pull[] };
export type Repos = Record<string, Repo>;

const PERSON = 'Ana Ruiz <ana@example.com>';
/** The seed's commits carry a fixed time, so that their shas are the same everywhere. */
const SEEDED = Date.parse('2026-10-01T09:00:00Z');

/** A few files of an ads-ranking team: the configs that a prompt may name, and one name that stands in two folders. */
export const seedFiles: Record<string, string> = {
  'README.md': '# ads\n\nTraining code and configs of the ads ranking model.\n',
  'base_config.json': json({ feature_set: 'v1', learning_rate: 0.01, dropout: 0.2, epochs: 20, owner: 'ads-ranking', notes: 'weekly baseline' }),
  'configs/large.json': json({ feature_set: 'v1', learning_rate: 0.003, dropout: 0.3, epochs: 20, owner: 'ads-ranking' }),
  'configs/dup_config.json': json({ feature_set: 'v1', learning_rate: 0.02 }),
  'legacy/dup_config.json': json({ feature_set: 'v0', learning_rate: 0.05 }),
  'docs/experiments.md': [
    '# Experiments',
    '',
    'What was tried on the ads ranking model, newest last.',
    '',
    '| experiment | change | val_f1 | verdict | who |',
    '| --- | --- | ---: | --- | --- |',
    '| dropout-sweep | dropout 0 to 0.5 | 0.7126 | within noise | Ana |',
    '| lr-sweep | learning_rate 0.0003 to 0.3 | 0.7126 | within noise | Ana |',
    '',
    'Ask in #ml-experiments before changing the columns.',
    '',
  ].join('\n'),
  'train.py': 'import mlflow\n\n# The job passes its parameters as widgets.\n',
};

export function seededRepos(): Repos {
  return { 'acme/ads': newRepo('acme', 'ads', seedFiles) };
}

export function newRepo(owner: string, name: string, files: Record<string, string | Uint8Array>): Repo {
  const objects = noObjects();
  const blobs = Object.entries(files).map(([path, text]) => ({ path, sha: addBlob(objects, Buffer.from(text)) }));
  const tree = addFiles(objects, null, blobs);
  const main = addCommit(objects, { tree, parents: [], message: 'Training code and configs', author: PERSON, at: SEEDED });
  return { owner, name, defaultBranch: 'main', objects, refs: { 'refs/heads/main': main }, pulls: [] };
}

/** A full sha, a branch, `HEAD` or a full ref; null where there is none. */
export function resolve(repo: Repo, ref: string): string | null {
  if (repo.objects.commits[ref]) return ref;
  const branch = ref === 'HEAD' ? repo.defaultBranch : ref;
  return repo.refs[`refs/heads/${branch}`] ?? repo.refs[`refs/${branch}`] ?? repo.refs[branch] ?? null;
}

export function treeOf(repo: Repo, commit: string): string {
  return repo.objects.commits[commit]?.tree ?? '';
}

/** A merge commit on the base branch, as the green button makes one. Nothing happens to a draft. */
export function merge(repo: Repo, pull: Pull, at: number): void {
  const base = repo.refs[`refs/heads/${pull.base}`];
  const head = repo.refs[`refs/heads/${pull.head}`];
  if (!base || !head || pull.state !== 'open' || pull.draft) return;
  const message = `Merge pull request #${pull.number} from ${repo.owner}/${pull.head}`;
  repo.refs[`refs/heads/${pull.base}`] = addCommit(repo.objects, { tree: treeOf(repo, head), parents: [base, head], message, author: PERSON, at });
  pull.state = 'closed';
  pull.merged = true;
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
