import { createAppAuth } from '@octokit/auth-app';
import { Octokit } from '@octokit/rest';
import { z } from 'zod';
import { githubError, refusedBecause } from './github-errors.ts';
import { commitSchema, fileSchema, pullOf, pullSchema, refSchema, repoSchema, shaOf, textOf, treeSchema, writtenSchema } from './github-shapes.ts';
import { UpstreamError } from './http.ts';

/** owner/name. Throws UpstreamError. */
export type GitHub = {
  /** Null: no such file. `commit` is the full sha that `ref` stood for. `text` is empty where `unreadable` says why. */
  getFile(
    query: { repo: string; path: string; ref?: string | undefined },
    signal?: AbortSignal,
  ): Promise<{ path: string; sha: string; commit: string; size: number; text: string; unreadable?: 'binary' | 'too-large' } | null>;
  /** Paths in the repository whose last part is `name`, or ends as `*.json` does, for "did you mean". */
  findFiles(query: { repo: string; name: string; ref?: string | undefined }, signal?: AbortSignal): Promise<string[]>;
  getRepo(repo: string, signal?: AbortSignal): Promise<{ defaultBranch: string; private: boolean; url: string }>;
  /** The commit a branch stands at; null where there is no such branch. */
  getBranch(query: { repo: string; branch: string }, signal?: AbortSignal): Promise<{ sha: string } | null>;
  /**
   * One commit on a branch of its own, commit before ref: a crash leaves only unreachable objects. A branch that exists already is kept as it is. `parent` is the
   * commit that the files were made from, so that what others have committed since stands beside them and is not taken back.
   */
  commitFiles(
    request: { repo: string; parent: string; branch: string; message: string; files: { path: string; content: string | Uint8Array }[] },
    signal?: AbortSignal,
  ): Promise<{ headSha: string; existed: boolean }>;
  /**
   * One commit that replaces one file on a branch that is there, if the file is still the blob that was read (`was`). Null: it is not, so read it again.
   */
  replaceFile(
    request: { repo: string; branch: string; path: string; was: string; content: string; message: string },
    signal?: AbortSignal,
  ): Promise<{ commit: string; url: string | null } | null>;
  /** In any state, an open one first: a branch is one call's own, so one that was closed since is still its pull request. */
  findPullRequest(query: { repo: string; branch: string }, signal?: AbortSignal): Promise<PullRequest | null>;
  openPullRequest(
    request: { repo: string; base: string; branch: string; title: string; body: string; draft: boolean },
    signal?: AbortSignal,
  ): Promise<PullRequest & { existed: boolean }>;
  updatePullRequest(request: { repo: string; number: number; body: string }, signal?: AbortSignal): Promise<void>;
  /** Best effort: what could not be set comes back as sentences. */
  decorate(request: { repo: string; number: number; labels?: string[] | undefined; reviewers?: string[] | undefined }, signal?: AbortSignal): Promise<string[]>;
};

export type PullRequest = { number: number; url: string; headSha: string; body: string; state: 'open' | 'closed' };

export type GitHubOptions = {
  token?: string | undefined;
  app?: { appId: string; privateKey: string; installationId: string } | undefined;
  baseUrl?: string | undefined;
};

/** Longest that one request may take; callers bring shorter signals of their own. */
const REQUEST_MS = 15_000;

/** A client for one token or one app installation. One request each: nothing is retried here, waiting is the caller's to store. */
export function github(options: GitHubOptions): GitHub {
  const octokit = new Octokit({
    ...(options.app ? { authStrategy: createAppAuth, auth: options.app } : { auth: options.token }),
    ...(options.baseUrl ? { baseUrl: options.baseUrl.replace(/\/+$/, '') } : {}),
    userAgent: 'labmate',
    log: { debug: silent, info: silent, warn: silent, error: silent },
    request: { fetch: fetchOnce },
  });
  /** Where a request goes, and how its answer is awaited; once the caller has given up, its own reason is thrown. */
  const on = (repo: string, signal?: AbortSignal) => {
    const [owner = '', name = ''] = repo.split('/');
    return {
      where: { owner, repo: name, ...(signal ? { request: { signal } } : {}) },
      ask: async <S extends z.ZodType>(doing: string, schema: S, request: Promise<Answer>) => {
        try {
          return await answerOf(doing, schema, request);
        } catch (error) {
          signal?.throwIfAborted();
          throw error;
        }
      },
    };
  };

  async function commitOf(repo: string, ref: string | undefined, signal?: AbortSignal): Promise<string> {
    const { where, ask } = on(repo, signal);
    const wanted = ref ?? 'HEAD';
    const doing = `find ${wanted === 'HEAD' ? 'the default branch' : wanted} in ${repo}`;
    const commit = await ask(doing, shaOf, octokit.rest.repos.getCommit({ ...where, ref: wanted, per_page: 1 }));
    return commit.sha;
  }

  async function headOf(repo: string, branch: string, signal?: AbortSignal): Promise<string> {
    const { where, ask } = on(repo, signal);
    const ref = await ask(`read branch ${branch} of ${repo}`, refSchema, octokit.rest.git.getRef({ ...where, ref: `heads/${branch}` }));
    return ref.object.sha;
  }

  const service: GitHub = {
    async getFile({ repo, path, ref }, signal) {
      const { where, ask } = on(repo, signal);
      // The ref is resolved first, so that the text and the commit named beside it can't come from two moments.
      const commit = await commitOf(repo, ref, signal);
      const answer = await unlessMissing(ask(`read ${path} in ${repo}`, z.unknown(), octokit.rest.repos.getContent({ ...where, path, ref: commit })));
      const file = fileSchema.safeParse(answer).data;
      if (file?.type !== 'file') return null;
      return { path: file.path, sha: file.sha, commit, size: file.size, ...textOf(file) };
    },

    async findFiles({ repo, name, ref }, signal) {
      const { where, ask } = on(repo, signal);
      const commit = await commitOf(repo, ref, signal);
      const call = octokit.rest.git.getTree({ ...where, tree_sha: commit, recursive: '1' });
      const { tree } = await ask(`list the files of ${repo}`, treeSchema, call);
      const last = name.split('/').at(-1);
      const ending = last?.startsWith('*.') ? last.slice(1) : null;
      return tree.filter((e) => e.type === 'blob' && (ending ? e.path.endsWith(ending) : e.path.split('/').at(-1) === last)).map((e) => e.path);
    },

    async getRepo(repo, signal) {
      const { where, ask } = on(repo, signal);
      const found = await ask(`read repository ${repo}`, repoSchema, octokit.rest.repos.get(where));
      return { defaultBranch: found.default_branch, private: found.private, url: found.html_url };
    },

    async getBranch({ repo, branch }, signal) {
      const found = await unlessMissing(headOf(repo, branch, signal));
      return found === null ? null : { sha: found };
    },

    async commitFiles({ repo, parent, branch, message, files }, signal) {
      const { where, ask } = on(repo, signal);
      const [parentCommit, ...entries] = await Promise.all([
        ask(`read commit ${parent} of ${repo}`, commitSchema, octokit.rest.git.getCommit({ ...where, commit_sha: parent })),
        ...files.map(async ({ path, content }) => {
          const blob = { content: Buffer.from(content).toString('base64'), encoding: 'base64' };
          const stored = await ask(`store ${path} in ${repo}`, shaOf, octokit.rest.git.createBlob({ ...where, ...blob }));
          return { path, mode: '100644' as const, type: 'blob' as const, sha: stored.sha };
        }),
      ]);
      const call = octokit.rest.git.createTree({ ...where, base_tree: parentCommit.tree.sha, tree: entries });
      const tree = await ask(`build the tree of ${branch}`, shaOf, call);
      const committing = octokit.rest.git.createCommit({ ...where, message, tree: tree.sha, parents: [parent] });
      const commit = await ask(`commit to ${repo}`, shaOf, committing);
      try {
        await ask(`create branch ${branch} in ${repo}`, refSchema, octokit.rest.git.createRef({ ...where, ref: `refs/heads/${branch}`, sha: commit.sha }));
        return { headSha: commit.sha, existed: false };
      } catch (error) {
        if (!refusedBecause(error, 'Reference already exists')) throw error;
        return { headSha: await headOf(repo, branch, signal), existed: true };
      }
    },

    async replaceFile({ repo, branch, path, was, content, message }, signal) {
      const { where, ask } = on(repo, signal);
      const file = { path, branch, message, sha: was, content: Buffer.from(content).toString('base64') };
      try {
        const written = await ask(`change ${path} in ${repo}`, writtenSchema, octokit.rest.repos.createOrUpdateFileContents({ ...where, ...file }));
        return { commit: written.commit.sha, url: written.content?.html_url ?? null };
      } catch (error) {
        // 409: another blob stands there by now, or another commit came in between.
        if (error instanceof UpstreamError && error.status === 409) return null;
        throw error;
      }
    },

    async findPullRequest({ repo, branch }, signal) {
      const { where, ask } = on(repo, signal);
      const head = `${repo.split('/')[0]}:${branch}`;
      const call = octokit.rest.pulls.list({ ...where, head, state: 'all', sort: 'created', direction: 'desc', per_page: 10 });
      const pulls = await ask(`look for the pull request of ${branch}`, z.array(pullSchema), call);
      const found = pulls.find((p) => p.state === 'open') ?? pulls[0];
      return found ? pullOf(found) : null;
    },

    async openPullRequest({ repo, base, branch, title, body, draft }, signal) {
      const { where, ask } = on(repo, signal);
      const before = await service.findPullRequest({ repo, branch }, signal);
      if (before) return { ...before, existed: true };
      try {
        const call = octokit.rest.pulls.create({ ...where, title, body, head: branch, base, draft });
        return { ...pullOf(await ask(`open a pull request in ${repo}`, pullSchema, call)), existed: false };
      } catch (error) {
        if (!refusedBecause(error, 'A pull request already exists')) throw error;
        const other = await service.findPullRequest({ repo, branch }, signal);
        if (!other) throw error;
        return { ...other, existed: true };
      }
    },

    async updatePullRequest({ repo, number, body }, signal) {
      const { where, ask } = on(repo, signal);
      await ask(`change pull request ${number} of ${repo}`, pullSchema, octokit.rest.pulls.update({ ...where, pull_number: number, body }));
    },

    async decorate({ repo, number, labels, reviewers }, signal) {
      const { where, ask } = on(repo, signal);
      const asked: Promise<unknown>[] = [];
      if (labels?.length)
        asked.push(ask(`label #${number} with ${labels.join(', ')}`, z.unknown(), octokit.rest.issues.addLabels({ ...where, issue_number: number, labels })));
      if (reviewers?.length) {
        const call = octokit.rest.pulls.requestReviewers({ ...where, pull_number: number, reviewers });
        asked.push(ask(`ask ${reviewers.join(', ')} to review #${number}`, z.unknown(), call));
      }
      const results = await Promise.allSettled(asked);
      return results.filter((r) => r.status === 'rejected').map((r) => (r.reason as Error).message);
    },
  };
  return service;
}

type Answer = { status: number; data: unknown };

/** Waits for a request and parses what is used of its answer. A page in the middle may answer 200 with HTML: that is no answer. */
async function answerOf<S extends z.ZodType>(doing: string, schema: S, request: Promise<Answer>): Promise<z.output<S>> {
  let answer: Answer;
  try {
    answer = await request;
  } catch (error) {
    throw githubError(error, doing);
  }
  const parsed = schema.safeParse(answer.data);
  if (parsed.success) return parsed.data;
  const message = `GitHub answered something else than its API promises while trying to ${doing}.`;
  throw new UpstreamError(message, { upstream: 'GitHub', status: answer.status, transient: true }, { cause: parsed.error });
}

async function unlessMissing<T>(request: Promise<T>): Promise<T | null> {
  try {
    return await request;
  } catch (error) {
    if (error instanceof UpstreamError && error.status === 404) return null;
    throw error;
  }
}

/** One request that goes where it was sent: following a redirect would carry the token to whoever is named there. */
async function fetchOnce(url: string, init: RequestInit = {}): Promise<Response> {
  const limit = AbortSignal.timeout(REQUEST_MS);
  const signal = init.signal ? AbortSignal.any([init.signal, limit]) : limit;
  const response = await fetch(url, { ...init, signal, redirect: 'manual' });
  if (response.status < 300 || response.status >= 400 || response.status === 304) return response;
  const message = 'GitHub says that this has moved elsewhere. If the repository was renamed, use its new name.';
  throw new UpstreamError(message, { upstream: 'GitHub', status: response.status, transient: false });
}

function silent(): void {}
