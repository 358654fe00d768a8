import { addBlob, addCommit, addFiles, filesOf, reaches } from './git-objects.ts';
import { type Pull, type Repo, resolve, treeOf } from './github-repos.ts';
import type { Answered, Asked } from './stand-in.ts';

export function refAnswer(repo: Repo, ref: string): Answered {
  const sha = repo.refs[ref];
  return sha ? ok({ ref, object: { type: 'commit', sha } }) : missing();
}

export function createRef(repo: Repo, { ref, sha }: Record<string, unknown>): Answered {
  if (typeof ref !== 'string' || !ref.startsWith('refs/heads/')) return refusal(422, 'Reference name must start with refs/ and have at least two slashes.');
  if (repo.refs[ref]) return refusal(422, 'Reference already exists');
  if (!repo.objects.commits[String(sha)]) return refusal(422, 'Object does not exist');
  repo.refs[ref] = String(sha);
  return { ...refAnswer(repo, ref), status: 201 };
}

export function createTree(repo: Repo, { base_tree, tree }: Record<string, unknown>): Answered {
  const base = base_tree === undefined ? null : treeOf(repo, String(base_tree)) || String(base_tree);
  if (base !== null && !repo.objects.trees[base]) return missing();
  const entries = (tree as { path: string; mode?: string; sha?: string | null; content?: string }[]).map((e) => ({
    ...e,
    sha: e.content === undefined ? (e.sha ?? null) : addBlob(repo.objects, Buffer.from(e.content)),
  }));
  const lost = entries.find((e) => e.sha !== null && !repo.objects.blobs[e.sha]);
  if (lost) return refusal(422, `tree.sha ${lost.sha} is not a valid blob`);
  return created({ sha: addFiles(repo.objects, base, entries) });
}

export function createPull(repo: Repo, { title, body, head, base, draft }: Record<string, unknown>, root: string): Answered {
  const headRef = String(head).replace(`${repo.owner}:`, '');
  const invalid = (reason: object): Answered => ({
    status: 422,
    body: { message: 'Validation Failed', errors: [{ resource: 'PullRequest', ...reason }], status: '422' },
  });
  const [headSha, baseSha] = [repo.refs[`refs/heads/${headRef}`], repo.refs[`refs/heads/${base}`]];
  if (!headSha) return invalid({ field: 'head', code: 'invalid' });
  if (!baseSha) return invalid({ field: 'base', code: 'invalid' });
  if (repo.pulls.some((p) => p.head === headRef && p.state === 'open')) {
    return invalid({ code: 'custom', message: `A pull request already exists for ${repo.owner}:${headRef}.` });
  }
  if (reaches(repo.objects, baseSha, headSha)) return invalid({ code: 'custom', message: `No commits between ${base} and ${headRef}` });
  const start = { state: 'open', merged: false, labels: [], reviewers: [], createdAt: new Date().toISOString() } as const;
  const pull: Pull = {
    ...start,
    labels: [],
    reviewers: [],
    number: repo.pulls.length + 1,
    title: String(title),
    body: String(body ?? ''),
    head: headRef,
    headSha,
    base: String(base),
    draft: draft === true,
  };
  repo.pulls.push(pull);
  return created(pullAnswer(repo, pull, root));
}

export function contents(repo: Repo, asked: Asked, root: string): Answered {
  const path = asked.params['path'] ?? '';
  const ref = asked.query.get('ref') ?? 'HEAD';
  const commit = resolve(repo, ref);
  if (!commit) return refusal(404, `No commit found for the ref ${ref}`);
  const files = filesOf(repo.objects, treeOf(repo, commit));
  const found = files[path];
  const page = (p: string) => `${root}/${repo.owner}/${repo.name}/blob/${commit}/${p}`;
  if (!found) {
    const inside = Object.entries(files).filter(([p]) => path === '' || p.startsWith(`${path}/`));
    return inside.length ? ok(inside.map(([p, f]) => ({ type: 'file', name: p.split('/').at(-1), path: p, sha: f.sha, html_url: page(p) }))) : missing();
  }
  const content = Buffer.from(repo.objects.blobs[found.sha] ?? '', 'base64');
  const small = content.byteLength <= 1_000_000;
  // GitHub breaks its base64 into lines, and sends none at all above 1 MB.
  const encoded = small ? { encoding: 'base64', content: content.toString('base64').replace(/.{60}/g, '$&\n') } : { encoding: 'none', content: '' };
  return ok({ type: 'file', ...encoded, size: content.byteLength, name: path.split('/').at(-1), path, sha: found.sha, html_url: page(path) });
}

/** One file, one commit on a branch. `sha` must name the blob that stands there, or be absent where none does. */
export function putContents(repo: Repo, path: string, { branch, message, content, sha }: Record<string, unknown>, root: string): Answered {
  const ref = `refs/heads/${branch ?? repo.defaultBranch}`;
  const head = repo.refs[ref];
  if (!head) return refusal(404, `Branch ${branch} not found`);
  const tree = treeOf(repo, head);
  const there = filesOf(repo.objects, tree)[path]?.sha;
  if (there && sha === undefined) return refusal(422, 'Invalid request.\n\n"sha" wasn\'t supplied.');
  if (sha !== undefined && sha !== there) return refusal(409, `${path} does not match ${sha}`);
  const blob = addBlob(repo.objects, Buffer.from(String(content), 'base64'));
  const next = addFiles(repo.objects, tree, [{ path, sha: blob }]);
  const author = 'labmate[bot] <labmate@example.com>';
  const commit = addCommit(repo.objects, { tree: next, parents: [head], message: String(message), author, at: Date.now() });
  repo.refs[ref] = commit;
  const html_url = `${root}/${repo.owner}/${repo.name}/blob/${branch}/${path}`;
  return { status: there ? 200 : 201, body: { content: { path, sha: blob, html_url }, commit: commitAnswer(repo, commit) } };
}

export function withPull(repo: Repo, asked: Asked, act: (pull: Pull) => Answered): Answered {
  const pull = repo.pulls.find((p) => p.number === Number(asked.params['number']));
  return pull ? act(pull) : missing();
}

export function pullAnswer(repo: Repo, pull: Pull, root: string): Record<string, unknown> {
  const { number, title, body, state, merged, draft, labels, createdAt } = pull;
  return {
    number,
    title,
    body,
    state,
    merged,
    draft,
    created_at: createdAt,
    html_url: `${root}/${repo.owner}/${repo.name}/pull/${number}`,
    head: { ref: pull.head, label: `${repo.owner}:${pull.head}`, sha: repo.refs[`refs/heads/${pull.head}`] ?? pull.headSha },
    base: { ref: pull.base, label: `${repo.owner}:${pull.base}`, sha: repo.refs[`refs/heads/${pull.base}`] },
    labels: labels.map((name) => ({ name })),
    requested_reviewers: pull.reviewers.map((login) => ({ login })),
  };
}

export function commitAnswer(repo: Repo, sha: string): Record<string, unknown> {
  const commit = repo.objects.commits[sha];
  return { sha, message: commit?.message, tree: { sha: commit?.tree }, parents: commit?.parents.map((p) => ({ sha: p })) };
}

export const named = (repo: Repo) => ({ name: repo.name, full_name: `${repo.owner}/${repo.name}`, owner: { login: repo.owner } });
export const ok = (body: unknown): Answered => ({ body });
export const created = (body: unknown): Answered => ({ status: 201, body });
export const missing = (): Answered => refusal(404, 'Not Found');

export function refusal(status: number, message: string): Answered {
  return { status, body: { message, documentation_url: 'https://docs.github.com/rest', status: String(status) } };
}
