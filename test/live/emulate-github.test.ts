import { createHash } from 'node:crypto';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../../src/sandbox/redis.ts';
import { github } from '../../src/services/github.ts';
import { aToolbox } from './a-toolbox.ts';
import { peers } from './peers.ts';

// Pull requests on a GitHub that somebody else wrote, with real commits and their real hashes.

type Emulator = { url: string; close(): Promise<void> };
type Emulate = { createEmulator(options: object): Promise<Emulator> };

const peer = peers.emulate;

describe.skipIf(peer.skipped !== undefined)("pull requests on emulate's GitHub", () => {
  let hub: Emulator;
  let box: Awaited<ReturnType<typeof aToolbox>>;
  const token = 'gho_live_test';
  const ask = async (path: string) => {
    const answer = await fetch(`${hub.url}/repos/acme/ads/${path}`, { headers: { authorization: `Bearer ${token}`, accept: 'application/vnd.github+json' } });
    // biome-ignore lint/suspicious/noExplicitAny: a foreign answer, read by its paths.
    return (await answer.json()) as any;
  };
  const contents = async (path: string, ref: string) => Buffer.from((await ask(`contents/${path}?ref=${ref}`)).content ?? '', 'base64').toString();
  beforeAll(async () => {
    if (peer.skipped !== undefined) return;
    const { createEmulator } = (await import(pathToFileURL(peer.entry).href)) as Emulate;
    hub = await createEmulator({
      service: 'github',
      port: await freePort(),
      seed: {
        tokens: { [token]: { login: 'acme', scopes: ['repo'] } },
        github: { users: [{ login: 'acme' }, { login: 'ana' }], repos: [{ owner: 'acme', name: 'ads', auto_init: true }] },
      },
    });
    box = await aToolbox({ github: github({ token, baseUrl: hub.url }) });
  });
  afterAll(async () => {
    await box?.close();
    await hub?.close();
  });

  const asked = {
    title: 'feat: feature-set-v2 ablation',
    body: '| metric | v1 | v2 |\n|---|---|---|\n| val_f1 | 0.7126 | 0.7342 |',
    files: [{ path: 'configs/v2 größe.json', content: '{"feature_set": "v2", "größe": 1}\n' }],
  };

  test('opens one with the file and the record in a single commit on the base, after a person said yes', async () => {
    const before = (await ask('git/ref/heads/main')).object.sha;
    const opened = await box.call('create_github_pr', asked);
    expect(opened).toMatchObject({ asked: true, failed: false, data: { status: 'opened', already_exists: false, number: expect.any(Number) } });
    const { number, branch, head_sha } = opened.data;
    const pull = await ask(`pulls/${number}`);
    expect(pull).toMatchObject({ state: 'open', title: asked.title, base: { ref: 'main' }, head: { ref: branch, sha: head_sha } });
    expect(pull.body).toContain('| val_f1 | 0.7126 | 0.7342 |');
    expect(pull.body).toContain('<!-- labmate session:s-live -->');

    const commit = await ask(`git/commits/${head_sha}`);
    expect(commit.parents.map((p: { sha: string }) => p.sha)).toEqual([before]);
    const { tree } = await ask(`git/trees/${commit.tree.sha}?recursive=1`);
    const paths = tree.filter((e: { type: string }) => e.type === 'blob').map((e: { path: string }) => e.path);
    const folder = 'experiments/2026-11-01-feat-feature-set-v2-ablation-e-7k2f';
    expect(paths).toEqual(expect.arrayContaining([asked.files[0]!.path, `${folder}/README.md`, `${folder}/record.jsonl`]));
    const record = await contents(`${folder}/record.jsonl`, head_sha);
    expect(JSON.parse(record)).toMatchObject({ v: 1, seq: 1, type: 'opened' });
    expect(commit.message).toContain(createHash('sha256').update(record.trimEnd()).digest('hex'));
    expect(pull.body).toContain(createHash('sha256').update(record.trimEnd()).digest('hex'));
    expect(await contents(encodeURI(asked.files[0]!.path), head_sha)).toBe(asked.files[0]!.content);
    expect((await ask('git/ref/heads/main')).object.sha).toBe(before);
  });

  test('opens none without a yes, and another one for another call', async () => {
    const shy = await aToolbox({ github: github({ token, baseUrl: hub.url }) }, false);
    const count = (await ask('pulls?state=all')).length;
    expect(await shy.call('create_github_pr', asked)).toMatchObject({ asked: true, data: { requires_confirmation: true } });
    expect(await ask('pulls?state=all')).toHaveLength(count);
    await shy.close();
    const second = await box.call('create_github_pr', { ...asked, title: 'feat: again', labels: ['experiment'], reviewers: ['ana'] });
    expect(second.data).toMatchObject({ status: 'opened', already_exists: false });
    expect(await ask('pulls?state=all')).toHaveLength(count + 1);
  });

  test('finds the branch and the pull request that a cut-off call left, instead of making others', async () => {
    const hubService = github({ token, baseUrl: hub.url });
    const where = { repo: 'acme/ads', base: 'main', branch: 'exp/cut-off' };
    const parent = (await hubService.getBranch({ repo: 'acme/ads', branch: 'main' }))?.sha ?? '';
    const files = [{ path: 'a.txt', content: 'a\n' }];
    const first = await hubService.commitFiles({ ...where, parent, message: 'one', files });
    const again = await hubService.commitFiles({ ...where, parent, message: 'one', files });
    expect([first.existed, again.existed, again.headSha]).toEqual([false, true, first.headSha]);
    const pull = await hubService.openPullRequest({ ...where, title: 't', body: 'b', draft: false });
    expect(await hubService.openPullRequest({ ...where, title: 't', body: 'b', draft: false })).toMatchObject({ number: pull.number, existed: true });
    await hubService.updatePullRequest({ repo: where.repo, number: pull.number, body: 'b\n\nfinal head' });
    expect((await ask(`pulls/${pull.number}`)).body).toBe('b\n\nfinal head');
  });

  test('reads files, and says what is not there', async () => {
    const file = await box.call('get_github_file', { path: 'README.md' });
    expect(file).toMatchObject({ failed: false, text: expect.stringContaining('ads') });
    expect(await box.call('get_github_file', { path: 'nothing.json' })).toMatchObject({ failed: true });
    expect(await box.call('create_github_pr', { ...asked, base: 'nobody' })).toMatchObject({ failed: true, text: expect.stringMatching(/^NO_SUCH_BRANCH/) });
  });

  test('adds a row to a tracking document on a branch of its own, gated, and changes it there', async () => {
    const table = '# Experiments\n\n| experiment | val_f1 |\n|---|---|\n| baseline | 0.7126 |\n';
    const body = JSON.stringify({ message: 'a table', content: Buffer.from(table).toString('base64'), branch: 'main' });
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    expect((await fetch(`${hub.url}/repos/acme/ads/contents/TRACKING.md`, { method: 'PUT', headers, body })).status).toBe(201);
    const row = await box.call('update_tracking_doc', { path: 'TRACKING.md', row_key: 'v2', columns: { val_f1: '0.7342' } });
    expect(row).toMatchObject({ asked: true, failed: false, data: { changed: true } });
    expect(await contents('TRACKING.md', row.data['branch'])).toBe(`${table}| v2 | 0.7342 |\n`);
    expect(await contents('TRACKING.md', 'main')).toBe(table);
    const changed = await box.call('update_tracking_doc', { path: 'TRACKING.md', row_key: 'v2', columns: { val_f1: '0.7371' } });
    expect(changed).toMatchObject({ failed: false, data: { branch: row.data['branch'] } });
    expect(await contents('TRACKING.md', row.data['branch'])).toBe(`${table}| v2 | 0.7371 |\n`);
  });
});
