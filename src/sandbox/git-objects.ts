import { createHash } from 'node:crypto';

/** A repository's objects as git names them, so that every sha here is the sha git would give. */
export type TreeEntry = { mode: string; path: string; type: 'blob' | 'tree'; sha: string };
export type Commit = { tree: string; parents: string[]; message: string; author: string; at: number };
export type Objects = { blobs: Record<string, string>; trees: Record<string, TreeEntry[]>; commits: Record<string, Commit> };

export const noObjects = (): Objects => ({ blobs: {}, trees: {}, commits: {} });

export function addBlob(objects: Objects, content: Uint8Array): string {
  const sha = hash('blob', content);
  objects.blobs[sha] = Buffer.from(content).toString('base64');
  return sha;
}

/** One level of a tree: `path` is a single name. */
function addTree(objects: Objects, entries: TreeEntry[]): string {
  // Git sorts a folder as if its name ended in a slash.
  const key = (e: TreeEntry) => Buffer.from(e.type === 'tree' ? `${e.path}/` : e.path);
  const sorted = [...entries].sort((a, b) => Buffer.compare(key(a), key(b)));
  const bytes = sorted.map((e) => Buffer.concat([Buffer.from(`${e.mode.replace(/^0/, '')} ${e.path}\0`), Buffer.from(e.sha, 'hex')]));
  const sha = hash('tree', Buffer.concat(bytes));
  objects.trees[sha] = sorted;
  return sha;
}

export function addCommit(objects: Objects, commit: Commit): string {
  const who = `${commit.author} ${Math.floor(commit.at / 1000)} +0000`;
  const lines = [`tree ${commit.tree}`, ...commit.parents.map((p) => `parent ${p}`), `author ${who}`, `committer ${who}`, '', commit.message];
  const sha = hash('commit', Buffer.from(lines.join('\n')));
  objects.commits[sha] = commit;
  return sha;
}

/** All files of a tree by full path. */
export function filesOf(objects: Objects, tree: string, under = ''): Record<string, { sha: string; mode: string }> {
  const files: Record<string, { sha: string; mode: string }> = {};
  for (const e of objects.trees[tree] ?? []) {
    const path = under + e.path;
    if (e.type === 'blob') files[path] = { sha: e.sha, mode: e.mode };
    else Object.assign(files, filesOf(objects, e.sha, `${path}/`));
  }
  return files;
}

/** Builds nested trees from full paths; a null sha removes the file. */
export function addFiles(objects: Objects, base: string | null, changes: { path: string; sha: string | null; mode?: string }[]): string {
  const files = base ? filesOf(objects, base) : {};
  for (const { path, sha, mode } of changes) {
    if (sha === null) delete files[path];
    else files[path] = { sha, mode: mode ?? '100644' };
  }
  return nest(objects, files);
}

function nest(objects: Objects, files: Record<string, { sha: string; mode: string }>): string {
  const here: TreeEntry[] = [];
  const folders: Record<string, Record<string, { sha: string; mode: string }>> = {};
  for (const [path, file] of Object.entries(files)) {
    const [first = '', ...rest] = path.split('/');
    if (rest.length === 0) here.push({ path: first, type: 'blob', ...file });
    else {
      folders[first] ??= {};
      folders[first][rest.join('/')] = file;
    }
  }
  for (const [path, inside] of Object.entries(folders)) here.push({ mode: '040000', path, type: 'tree', sha: nest(objects, inside) });
  return addTree(objects, here);
}

/** Whether `old` is `sha` itself or one of its ancestors. */
export function reaches(objects: Objects, sha: string, old: string): boolean {
  return sha === old || (objects.commits[sha]?.parents ?? []).some((p) => reaches(objects, p, old));
}

function hash(type: string, content: Uint8Array): string {
  return createHash('sha1').update(`${type} ${content.byteLength}\0`).update(content).digest('hex');
}
