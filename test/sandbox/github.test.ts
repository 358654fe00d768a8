import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type GithubStandIn, startGithub } from '../../src/sandbox/github.ts';
import { markdownToHtml } from '../../src/sandbox/markdown.ts';
import { github } from '../../src/services/github.ts';

let dataFolder: string;
let hub: GithubStandIn;
beforeEach(async () => {
  dataFolder = mkdtempSync(join(tmpdir(), 'labmate-hub-'));
  hub = await startGithub({ dataFolder });
  const client = github({ token: 't', baseUrl: hub.url });
  const at = { repo: 'acme/ads', base: 'main', branch: 'exp/a' };
  await client.commitFiles({
    ...at,
    parent: hub.repos['acme/ads']!.refs['refs/heads/main']!,
    message: 'm',
    files: [{ path: 'experiments/a/README.md', content: '# A <b>record</b>\n' }],
  });
  await client.openPullRequest({
    ...at,
    title: 'feat: <v2>',
    body: '## Result\n\n| metric | v2 |\n|---|---|\n| `val_f1` | **0.730** |\n\n<!-- labmate session:s-1 -->',
    draft: false,
  });
});
afterEach(async () => {
  await hub.close();
  rmSync(dataFolder, { recursive: true });
});

const page = async (path: string, init: RequestInit = {}) => await (await fetch(hub.url + path, init)).text();

test('a pull request has a page that a person can read, merge and close', async () => {
  const html = await page('/acme/ads/pull/1');
  expect(html).toContain('<h1>feat: &#60;v2&#62; <span class="meta">#1</span></h1>');
  expect(html).toContain('<tr><td><code>val_f1</code></td><td><strong>0.730</strong></td></tr>');
  expect(html).not.toContain('labmate session');
  expect(html).toContain('# A &#60;b&#62;record&#60;/b&#62;');
  expect(html).toContain('action="/acme/ads/pull/1/merge"');
  expect(await page('/acme/ads/pull/1/close', { method: 'POST' })).toContain('Reopen pull request');
  expect(await page('/acme/ads/pull/1/reopen', { method: 'POST' })).toContain('Merge pull request');
  const merged = await page('/acme/ads/pull/1/merge', { method: 'POST' });
  expect(merged).toContain('<span class="state merged">');
  expect(merged).toContain('Files changed (1)');
  expect(await page('/acme/ads')).toContain('experiments/a/README.md');
  expect(await page('/acme/ads/blob/main/experiments/a/README.md')).toContain('<h1>A &#60;b&#62;record&#60;/b&#62;</h1>');
});

test('a draft is one, and cannot be merged before it is ready', async () => {
  const client = github({ token: 't', baseUrl: hub.url });
  const at = { repo: 'acme/ads', base: 'main', branch: 'exp/b' };
  const parent = hub.repos['acme/ads']!.refs['refs/heads/main']!;
  await client.commitFiles({ ...at, parent, message: 'm', files: [{ path: 'b.md', content: 'b' }] });
  await client.openPullRequest({ ...at, title: 'Not yet', body: '', draft: true });
  const html = await page('/acme/ads/pull/2');
  expect(html).toContain('<span class="state draft">');
  expect(html).not.toContain('Merge pull request');
  expect(await page('/acme/ads')).toContain('Not yet</a> (draft)');
  expect(await page('/acme/ads/pull/2/merge', { method: 'POST' })).toContain('<span class="state draft">');
  expect(await page('/acme/ads/pull/2/ready', { method: 'POST' })).toContain('Merge pull request');
  expect(await page('/acme/ads/pull/2/merge', { method: 'POST' })).toContain('<span class="state merged">');
});

test('a button pressed by another site does nothing', async () => {
  const response = await fetch(`${hub.url}/acme/ads/pull/1/merge`, { method: 'POST', headers: { origin: 'http://evil.test' } });
  expect(response.status).toBe(403);
  expect(hub.repos['acme/ads']!.pulls[0]!.state).toBe('open');
});

test('what was there before a restart is there after it', async () => {
  const before = structuredClone(hub.repos);
  await hub.close();
  hub = await startGithub({ dataFolder });
  expect(hub.repos).toEqual(before);
  expect(await page('/acme/ads/pull/1')).toContain('Merge pull request');
});

test('Markdown becomes a page and nothing but a page', () => {
  const text =
    '# T\n> quote\n\n1. one\n2. *two*\n\n```py\na < b\n```\n<script>alert(1)</script>\n[x](javascript:alert(1)) [y](https://a.test/?q="b") \\*no\\*\n| lone |';
  expect(markdownToHtml(text)).toBe(
    [
      '<h1>T</h1>',
      '<blockquote><p>quote</p></blockquote>',
      '<ol><li>one</li><li><em>two</em></li></ol>',
      '<pre><code>a &#60; b</code></pre>',
      '<p>&#60;script&#62;alert(1)&#60;/script&#62;<br>[x](javascript:alert(1)) <a href="https://a.test/?q=&#34;b&#34;" rel="noopener">y</a> *no*</p>',
      '<p>| lone |</p>',
    ].join('\n'),
  );
});
