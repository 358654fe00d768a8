import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { addBlob, addCommit, filesOf } from './git-objects.ts';
import {
  commitAnswer,
  contents,
  created,
  createPull,
  createRef,
  createTree,
  missing,
  named,
  ok,
  pullAnswer,
  putContents,
  refAnswer,
  refusal,
  withPull,
} from './github-answers.ts';
import { filePage, pullPage, repoPage } from './github-pages.ts';
import { merge, type Pull, type Repo, type Repos, resolve, seededRepos, treeOf } from './github-repos.ts';
import { type Answered, type Asked, html, type OnTraffic, type Routes, type StandIn, startStandIn } from './stand-in.ts';

export type GithubStandIn = StandIn & {
  repos: Repos;
  /** The next so many writes are refused by the secondary rate limit. */
  limitWrites(times: number, retryAfterS?: number): void;
};

/** A stand-in for GitHub's REST API (and the pages its links lead to) over repositories with real git objects. Any token will do, none will not. */
export async function startGithub(
  options: { port?: number | undefined; onTraffic?: OnTraffic | undefined; dataFolder?: string | undefined; token?: string | undefined; repos?: Repos } = {},
): Promise<GithubStandIn> {
  const file = options.dataFolder ? join(options.dataFolder, 'github.json') : null;
  const repos = options.repos ?? load(file) ?? seededRepos();
  let limited = 0;
  let retryAfterS = 60;

  const before = (asked: Asked): Answered | null => {
    if (!asked.path.startsWith('/repos/')) return asked.method === 'GET' || ownForm(asked) ? null : { status: 403, type: 'text/plain', body: 'Wrong origin.' };
    const token = /^(?:bearer|token) (\S+)$/i.exec(asked.headers.authorization ?? '')?.[1];
    if (!token) return refusal(401, 'Requires authentication');
    if (options.token !== undefined && token !== options.token) return refusal(401, 'Bad credentials');
    if (asked.method !== 'GET' && limited > 0) {
      limited -= 1;
      const body = { message: 'You have exceeded a secondary rate limit. Please wait a few minutes before you try again.' };
      return { status: 403, headers: { 'retry-after': String(retryAfterS) }, body };
    }
    return null;
  };
  const saved = (answered: Answered): Answered => {
    save(file, repos);
    return answered;
  };
  /** A route of one repository; an unknown one is GitHub's plain 404. What a write changed is stored. */
  const of = (act: (repo: Repo, asked: Asked, root: string) => Answered) => (asked: Asked) => {
    const repo = repos[`${asked.params['owner']}/${asked.params['repo']}`];
    if (!repo) return missing();
    const answered = act(repo, asked, `http://${asked.headers.host}`);
    return asked.method === 'GET' ? answered : saved(answered);
  };

  const standIn = await startStandIn({ routes: routes(of), port: options.port, onTraffic: options.onTraffic, before, otherwise: () => missing() });
  return {
    ...standIn,
    repos,
    limitWrites(times, seconds = 60) {
      limited = times;
      retryAfterS = seconds;
    },
  };
}

type Of = (act: (repo: Repo, asked: Asked, root: string) => Answered) => (asked: Asked) => Answered;

function routes(of: Of): Routes {
  const at = '/repos/:owner/:repo';
  return {
    [`GET ${at}`]: of((repo, _asked, root) =>
      ok({ ...named(repo), private: true, default_branch: repo.defaultBranch, html_url: `${root}/${named(repo).full_name}` }),
    ),
    [`GET ${at}/git/ref/*ref`]: of((repo, asked) => refAnswer(repo, `refs/${asked.params['ref']}`)),
    [`POST ${at}/git/refs`]: of((repo, asked) => createRef(repo, input(asked))),
    [`POST ${at}/git/blobs`]: of((repo, asked) => {
      const { content = '', encoding } = input(asked);
      return created({ sha: addBlob(repo.objects, Buffer.from(String(content), encoding === 'base64' ? 'base64' : 'utf8')) });
    }),
    [`POST ${at}/git/trees`]: of((repo, asked) => createTree(repo, input(asked))),
    [`GET ${at}/git/trees/:sha`]: of((repo, asked) => {
      const commit = resolve(repo, asked.params['sha'] ?? '');
      const tree = commit ? treeOf(repo, commit) : (asked.params['sha'] ?? '');
      if (!repo.objects.trees[tree]) return missing();
      const files = Object.entries(filesOf(repo.objects, tree));
      return ok({ sha: tree, tree: files.map(([path, f]) => ({ path, mode: f.mode, type: 'blob', sha: f.sha })), truncated: false });
    }),
    [`POST ${at}/git/commits`]: of((repo, asked) => {
      const { tree, parents = [], message = '' } = input(asked);
      if (!repo.objects.trees[String(tree)]) return refusal(422, 'Tree SHA does not exist');
      const commit = {
        tree: String(tree),
        parents: parents as string[],
        message: String(message),
        author: 'labmate[bot] <labmate@example.com>',
        at: Date.now(),
      };
      return created(commitAnswer(repo, addCommit(repo.objects, commit)));
    }),
    [`GET ${at}/git/commits/:sha`]: of((repo, asked) =>
      repo.objects.commits[asked.params['sha'] ?? ''] ? ok(commitAnswer(repo, asked.params['sha'] ?? '')) : missing(),
    ),
    [`GET ${at}/commits/*ref`]: of((repo, asked) => {
      const sha = resolve(repo, asked.params['ref'] ?? '');
      return sha ? ok({ sha, commit: commitAnswer(repo, sha) }) : refusal(422, `No commit found for SHA: ${asked.params['ref']}`);
    }),
    [`GET ${at}/contents/*path`]: of(contents),
    [`PUT ${at}/contents/*path`]: of((repo, asked, root) => putContents(repo, asked.params['path'] ?? '', input(asked), root)),
    [`GET ${at}/pulls`]: of((repo, asked, root) => {
      const [state, head, base] = ['state', 'head', 'base'].map((k) => asked.query.get(k));
      const wanted = (p: Pull) =>
        (state === 'all' || p.state === (state ?? 'open')) && (!head || head === `${repo.owner}:${p.head}`) && (!base || base === p.base);
      return ok(
        [...repo.pulls]
          .reverse()
          .filter(wanted)
          .map((p) => pullAnswer(repo, p, root)),
      );
    }),
    [`POST ${at}/pulls`]: of((repo, asked, root) => createPull(repo, input(asked), root)),
    [`GET ${at}/pulls/:number`]: of((repo, asked, root) => withPull(repo, asked, (pull) => ok(pullAnswer(repo, pull, root)))),
    [`PATCH ${at}/pulls/:number`]: of((repo, asked, root) =>
      withPull(repo, asked, (pull) => {
        const { title, body, state } = input(asked);
        if (typeof title === 'string') pull.title = title;
        if (typeof body === 'string') pull.body = body;
        if (state === 'open' || state === 'closed') pull.state = state;
        return ok(pullAnswer(repo, pull, root));
      }),
    ),
    [`POST ${at}/issues/:number/labels`]: of((repo, asked) =>
      withPull(repo, asked, (pull) => {
        pull.labels = [...new Set([...pull.labels, ...((input(asked)['labels'] as string[]) ?? [])])];
        return ok(pull.labels.map((name) => ({ name })));
      }),
    ),
    [`POST ${at}/pulls/:number/requested_reviewers`]: of((repo, asked, root) =>
      withPull(repo, asked, (pull) => {
        const reviewers = (input(asked)['reviewers'] as string[]) ?? [];
        const stranger = reviewers.find((r) => r.startsWith('ghost'));
        if (stranger)
          return refusal(
            422,
            `Reviews may only be requested from collaborators. One or more of the users or teams you specified is not a collaborator of the ${repo.owner}/${repo.name} repository.`,
          );
        pull.reviewers = [...new Set([...pull.reviewers, ...reviewers])];
        return created(pullAnswer(repo, pull, root));
      }),
    ),
    'GET /:owner/:repo': of((repo) => html(repoPage(repo))),
    'GET /:owner/:repo/blob/:ref/*path': of((repo, asked) => {
      const commit = resolve(repo, asked.params['ref'] ?? '');
      const found = commit ? filesOf(repo.objects, treeOf(repo, commit))[asked.params['path'] ?? ''] : undefined;
      if (!found) return html('<h1>404</h1>', 404);
      const path = asked.params['path'] ?? '';
      const content = Buffer.from(repo.objects.blobs[found.sha] ?? '', 'base64');
      // The file itself; a page of it otherwise, as a picture in a description would be.
      if (asked.query.get('raw') === 'true') return { type: path.endsWith('.png') ? 'image/png' : 'text/plain; charset=utf-8', body: content };
      return html(filePage(repo, path, content));
    }),
    'GET /:owner/:repo/pull/:number': of((repo, asked) => withPull(repo, asked, (pull) => html(pullPage(repo, pull)))),
    'POST /:owner/:repo/pull/:number/:what': of((repo, asked, root) =>
      withPull(repo, asked, (pull) => {
        const what = asked.params['what'];
        if (what === 'merge') merge(repo, pull, Date.now());
        else if (what === 'ready') pull.draft = false;
        else if (!pull.merged) pull.state = what === 'reopen' ? 'open' : 'closed';
        return { status: 303, headers: { location: `${root}/${repo.owner}/${repo.name}/pull/${pull.number}` } };
      }),
    ),
  };
}

function input(asked: Asked): Record<string, unknown> {
  return typeof asked.body === 'object' && asked.body !== null ? (asked.body as Record<string, unknown>) : {};
}

/** The pages' buttons are plain forms: only our own page may press them. */
function ownForm(asked: Asked): boolean {
  return asked.headers.origin === undefined || asked.headers.origin === `http://${asked.headers.host}`;
}

function load(file: string | null): Repos | null {
  try {
    return file ? (JSON.parse(readFileSync(file, 'utf8')) as Repos) : null;
  } catch {
    return null;
  }
}

function save(file: string | null, repos: Repos): void {
  if (!file) return;
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, JSON.stringify(repos));
}
