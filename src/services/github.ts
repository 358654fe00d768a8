/** owner/name. Throws UpstreamError. */
export type GitHub = {
  /** Null: no such file. `commit` is the full sha that `ref` stood for. */
  getFile(
    query: { repo: string; path: string; ref?: string | undefined },
    signal?: AbortSignal,
  ): Promise<{ path: string; sha: string; commit: string; size: number; text: string } | null>;
  /** Paths in the repository whose last part is `name`, for "did you mean". */
  findFiles(query: { repo: string; name: string; ref?: string | undefined }, signal?: AbortSignal): Promise<string[]>;
  getRepo(repo: string, signal?: AbortSignal): Promise<{ defaultBranch: string; private: boolean; url: string }>;
  /** One commit on a branch of its own, commit before ref: a crash leaves only unreachable objects. A branch that exists already is kept as it is. */
  commitFiles(
    request: { repo: string; base: string; branch: string; message: string; files: { path: string; content: string | Uint8Array }[] },
    signal?: AbortSignal,
  ): Promise<{ headSha: string; existed: boolean }>;
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
