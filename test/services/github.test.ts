import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type GithubStandIn, startGithub } from '../../src/sandbox/github.ts';
import { newRepo, seedFiles } from '../../src/sandbox/github-repos.ts';
import { startStandIn } from '../../src/sandbox/stand-in.ts';
import { type GitHub, github } from '../../src/services/github.ts';
import { UpstreamError } from '../../src/services/http.ts';

let hub: GithubStandIn;
let client: GitHub;
let writes: string[];

beforeEach(async () => {
  writes = [];
  hub = await startGithub({ onTraffic: (t) => !t.what.startsWith('GET') && writes.push(t.what) });
  client = github({ token: 't1', baseUrl: hub.url });
});
afterEach(() => hub.close());

const repo = 'acme/ads';
const change = () => ({
  repo,
  parent: hub.repos[repo]!.refs['refs/heads/main']!,
  branch: 'exp/v2-e-1',
  message: 'feature set v2',
  files: [
    { path: 'experiments/a/README.md', content: '# v2 ✓\n' },
    { path: 'experiments/a/curve.png', content: new Uint8Array([0x89, 0x50, 0, 255]) },
  ],
});
const pull = { repo, base: 'main', branch: 'exp/v2-e-1', title: 'feat: v2', body: 'Better.', draft: false };

async function failure(promise: Promise<unknown>): Promise<UpstreamError> {
  const error = await promise.then(
    () => null,
    (e: unknown) => e,
  );
  expect(error).toBeInstanceOf(UpstreamError);
  return error as UpstreamError;
}

test('a file comes with the blob sha that git itself gives, and the commit its ref stood for', async () => {
  const file = await client.getFile({ repo, path: 'base_config.json' });
  const sha = execFileSync('git', ['hash-object', '--stdin'], { input: seedFiles['base_config.json']! }).toString().trim();
  expect(file).toEqual({
    path: 'base_config.json',
    sha,
    commit: hub.repos[repo]!.refs['refs/heads/main'],
    size: Buffer.byteLength(seedFiles['base_config.json']!),
    text: seedFiles['base_config.json'],
  });
});

test('the objects of a commit have the shas that git gives them', async () => {
  await client.commitFiles(change());
  const { objects, refs } = hub.repos[repo]!;
  const folder = mkdtempSync(join(tmpdir(), 'labmate-git-'));
  try {
    const git = (args: string[], input?: string | Buffer) =>
      execFileSync('git', args, { cwd: folder, ...(input === undefined ? {} : { input }) })
        .toString()
        .trim();
    git(['init', '-q', '--bare']);
    for (const [sha, content] of Object.entries(objects.blobs)) expect(git(['hash-object', '-w', '--stdin'], Buffer.from(content, 'base64'))).toBe(sha);
    const listed = (sha: string) => objects.trees[sha]!.map((e) => `${e.mode} ${e.type} ${e.sha}\t${e.path}`).join('\n');
    for (const sha of Object.keys(objects.trees)) expect(git(['mktree', '--missing'], listed(sha))).toBe(sha);
    const head = refs['refs/heads/exp/v2-e-1']!;
    const commit = objects.commits[head]!;
    const who = `${commit.author} ${Math.floor(commit.at / 1000)} +0000`;
    const text = `tree ${commit.tree}\nparent ${commit.parents[0]}\nauthor ${who}\ncommitter ${who}\n\n${commit.message}`;
    expect(git(['hash-object', '-t', 'commit', '--literally', '--stdin'], text)).toBe(head);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a missing file is null, a missing repository or branch an error that says so', async () => {
  expect(await client.getFile({ repo, path: 'nope.json' })).toBeNull();
  expect(await client.getFile({ repo, path: 'configs' })).toBeNull();
  expect((await failure(client.getFile({ repo: 'acme/nope', path: 'a' }))).message).toBe(
    'GitHub refused to find the default branch in acme/nope (404). It does not exist, or the token may not see it.',
  );
  expect((await failure(client.getFile({ repo, path: 'base_config.json', ref: 'gone' }))).message).toContain('No commit found for SHA: gone');
});

test('binary and very large files say why they have no text', async () => {
  hub.repos['acme/big'] = newRepo('acme', 'big', { 'a.png': new Uint8Array([0x89, 0, 255]), 'b.txt': 'x'.repeat(1_100_000) });
  expect(await client.getFile({ repo: 'acme/big', path: 'a.png' })).toMatchObject({ text: '', unreadable: 'binary', size: 3 });
  expect(await client.getFile({ repo: 'acme/big', path: 'b.txt' })).toMatchObject({ text: '', unreadable: 'too-large', size: 1_100_000 });
});

test('a name that stands in two folders is found twice', async () => {
  expect(await client.findFiles({ repo, name: 'dup_config.json' })).toEqual(['configs/dup_config.json', 'legacy/dup_config.json']);
  expect(await client.findFiles({ repo, name: 'nope.json' })).toEqual([]);
});

test('files become one commit on a branch of its own, and the files that were there stay', async () => {
  const main = hub.repos[repo]!.refs['refs/heads/main'];
  const made = await client.commitFiles(change());
  expect(made.existed).toBe(false);
  expect(hub.repos[repo]!.objects.commits[made.headSha]!.parents).toEqual([main]);
  expect(hub.repos[repo]!.refs['refs/heads/main']).toBe(main);
  expect(await client.getFile({ repo, path: 'experiments/a/README.md', ref: change().branch })).toMatchObject({ text: '# v2 ✓\n', commit: made.headSha });
  expect(await client.getFile({ repo, path: 'base_config.json', ref: change().branch })).not.toBeNull();
});

test('a branch that exists already is kept as it is', async () => {
  const first = await client.commitFiles(change());
  const again = await client.commitFiles({ ...change(), message: 'other', files: [{ path: 'x', content: 'y' }] });
  expect(again).toEqual({ headSha: first.headSha, existed: true });
});

test('the same pull request twice is one', async () => {
  await client.commitFiles(change());
  const first = await client.openPullRequest(pull);
  expect(first).toMatchObject({ number: 1, url: `${hub.url}/acme/ads/pull/1`, body: 'Better.', state: 'open', existed: false });
  expect(await client.openPullRequest(pull)).toEqual({ ...first, existed: true });
  expect(hub.repos[repo]!.pulls).toHaveLength(1);
  expect(writes.filter((w) => w === 'POST /repos/acme/ads/pulls')).toHaveLength(1);
});

test('two that open the same pull request at once get the same one', async () => {
  await client.commitFiles(change());
  const both = await Promise.all([client.openPullRequest(pull), client.openPullRequest(pull)]);
  expect(both.map((p) => p.number)).toEqual([1, 1]);
  expect(hub.repos[repo]!.pulls).toHaveLength(1);
});

test('a pull request whose reply was lost is found by its branch', async () => {
  await client.commitFiles(change());
  const held = hub.hold({ method: 'POST', path: '/pulls', when: 'after' });
  const opening = failure(client.openPullRequest(pull));
  await held.reached;
  held.drop();
  expect(await opening).toMatchObject({ status: 0, transient: true, message: 'GitHub did not answer while trying to open a pull request in acme/ads.' });
  expect(await client.findPullRequest({ repo, branch: change().branch })).toMatchObject({ number: 1 });
});

test('a pull request that somebody closed is not opened again', async () => {
  await client.commitFiles(change());
  await client.openPullRequest(pull);
  hub.repos[repo]!.pulls[0]!.state = 'closed';
  expect(await client.openPullRequest(pull)).toMatchObject({ number: 1, state: 'closed', existed: true });
});

test('a pull request without a difference is refused in words', async () => {
  hub.repos[repo]!.refs['refs/heads/exp/same'] = hub.repos[repo]!.refs['refs/heads/main']!;
  expect((await failure(client.openPullRequest({ ...pull, branch: 'exp/same' }))).message).toContain('No commits between main and exp/same');
  expect((await failure(client.openPullRequest({ ...pull, branch: 'exp/none' }))).message).toContain('head is invalid');
});

test('labels and reviewers are best effort', async () => {
  await client.commitFiles(change());
  await client.openPullRequest(pull);
  const complaints = await client.decorate({ repo, number: 1, labels: ['experiment'], reviewers: ['ghost-1'] });
  expect(complaints).toHaveLength(1);
  expect(complaints[0]).toMatch(/^GitHub refused to ask ghost-1 to review #1 \(422\)/);
  expect(hub.repos[repo]!.pulls[0]).toMatchObject({ labels: ['experiment'], reviewers: [] });
});

test('nothing is retried, and each failure says what it means', async () => {
  const read = () => failure(client.getRepo(repo));
  hub.fault({ target: 'github', kind: 'status', status: 500, times: 1 });
  expect(await read()).toMatchObject({ transient: true, status: 500, message: 'GitHub failed while trying to read repository acme/ads (500).' });
  hub.fault({ target: 'github', kind: 'html', status: 200, times: 1 });
  expect(await read()).toMatchObject({ transient: true, status: 200 });
  hub.fault({ target: 'github', kind: 'html', status: 502, times: 1 });
  expect((await read()).message).not.toContain('upstream connect');
  hub.fault({ target: 'github', kind: 'empty', status: 503, times: 1 });
  expect(await read()).toMatchObject({ transient: true, status: 503 });
  hub.fault({ target: 'github', kind: 'lost-reply', times: 1 });
  expect(await read()).toMatchObject({ transient: true, status: 0 });
  expect(await client.getRepo(repo)).toEqual({ defaultBranch: 'main', private: true, url: `${hub.url}/acme/ads` });
});

test('the secondary rate limit is a wait of so many seconds, not a missing permission', async () => {
  hub.limitWrites(1, 42);
  expect(await failure(client.updatePullRequest({ repo, number: 1, body: 'x' }))).toMatchObject({ status: 403, transient: true, retryAfterMs: 42_000 });
});

test('without a good token nothing is told, and the error names the variable', async () => {
  expect((await failure(github({ baseUrl: hub.url }).getRepo(repo))).message).toContain('GITHUB_TOKEN');
  const strict = await startGithub({ token: 'right' });
  expect(await failure(github({ token: 'wrong', baseUrl: strict.url }).getRepo(repo))).toMatchObject({ status: 401, transient: false });
  await strict.close();
});

test('a redirect is not followed, so the token stays where it was sent', async () => {
  const seen: string[] = [];
  const canary = await startStandIn({ routes: {}, onTraffic: (t) => seen.push(t.what) });
  const moved = await startStandIn({ routes: { 'GET /repos/acme/ads': () => ({ status: 301, headers: { location: `${canary.url}/stolen` } }) } });
  expect((await failure(github({ token: 't1', baseUrl: moved.url }).getRepo(repo))).message).toContain('renamed');
  expect(seen).toEqual([]);
  await Promise.all([canary.close(), moved.close()]);
});

test('an app trades its key for an installation token', async () => {
  const { privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  const seen: (string | undefined)[] = [];
  const app = await startStandIn({
    routes: {
      'POST /app/installations/:id/access_tokens': ({ params }) => ({
        status: 201,
        body: { token: `ghs_of_${params['id']}`, expires_at: new Date(Date.now() + 3_600_000).toISOString(), permissions: {}, repository_selection: 'all' },
      }),
      'GET /repos/acme/ads': ({ headers }) => {
        seen.push(headers.authorization);
        return { body: { default_branch: 'main', private: true, html_url: 'http://x/acme/ads' } };
      },
    },
  });
  await github({ app: { appId: '1', privateKey, installationId: '7' }, baseUrl: app.url }).getRepo(repo);
  expect(seen).toEqual(['token ghs_of_7']);
  await app.close();
});
