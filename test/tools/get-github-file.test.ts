import { afterEach, beforeEach, expect, test } from 'vitest';
import { type GithubStandIn, startGithub } from '../../src/sandbox/github.ts';
import { newRepo } from '../../src/sandbox/github-repos.ts';
import { github } from '../../src/services/github.ts';
import type { ToolContext } from '../../src/tools/define-tool.ts';
import { getGithubFile } from '../../src/tools/get-github-file.ts';

let hub: GithubStandIn;
beforeEach(async () => {
  hub = await startGithub();
});
afterEach(() => hub.close());

function read(input: Record<string, unknown>, repositories?: string[]) {
  const settings = {
    ...(repositories ? { allow: { experiments: [], dashboards: [], repositories } } : {}),
    defaults: { repository: 'acme/ads' },
    metrics: {},
    thresholdReading: 'relative' as const,
    recordsPath: 'experiments',
    environments: {},
  };
  const ctx: ToolContext = {
    services: { github: github({ token: 't', baseUrl: hub.url }) },
    settings,
    session: null,
    signal: new AbortController().signal,
    now: () => 0,
  };
  return getGithubFile.run(getGithubFile.input.parse(input) as never, ctx);
}

test('a config comes whole, with where it stands', async () => {
  const answer = await read({ path: 'configs/large.json' });
  expect(getGithubFile.output.parse(answer.data)).toMatchObject({
    repo: 'acme/ads',
    path: 'configs/large.json',
    ref: 'HEAD',
    commit: expect.stringMatching(/^[0-9a-f]{40}$/),
    truncated: false,
  });
  expect(answer.text).toMatch(
    /^acme\/ads\/configs\/large\.json at the default branch \(commit [0-9a-f]{7}, blob [0-9a-f]{7}, \d+ bytes\):\n\{\n {2}"feature_set": "v1"/,
  );
});

test('a repository that labmate does not work in is not read, whatever the token could see', async () => {
  hub.repos['acme/secrets'] = newRepo('acme', 'secrets', { 'keys.txt': 'k' });
  await expect(read({ repo: 'acme/secrets', path: 'keys.txt' }, ['acme/ads'])).rejects.toThrow(/^NOT_ALLOWED: The repository acme\/secrets/);
  expect((await read({ path: 'configs/large.json' }, ['acme/ads'])).data['path']).toBe('configs/large.json');
});

test('a file that is not there is answered with those of its name', async () => {
  await expect(read({ path: 'dup_config.json' })).rejects.toThrow(
    'NOT_FOUND: acme/ads has no file dup_config.json. Next: one of these: configs/dup_config.json, legacy/dup_config.json. (not retryable)',
  );
  await expect(read({ path: 'nope.json' })).rejects.toThrow('no file of that name');
});

test('a long file is cut and goes on where it was cut; a binary one is declined', async () => {
  hub.repos['acme/big'] = newRepo('acme', 'big', { 'long.txt': `${'x'.repeat(8000)}tail`, 'a.png': new Uint8Array([1, 0, 255]) });
  const first = await read({ repo: 'acme/big', path: 'long.txt' });
  expect(first.data).toMatchObject({ truncated: true, next_offset: 8000 });
  expect(first.text.endsWith('(4 more characters; go on with offset 8000)')).toBe(true);
  expect((await read({ repo: 'acme/big', path: 'long.txt', offset: 8000 })).data).toMatchObject({ text: 'tail', truncated: false });
  await expect(read({ repo: 'acme/big', path: 'a.png' })).rejects.toThrow(/^UNREADABLE: acme\/big\/a\.png .* is not text\./);
});

test.each([{ path: '../x' }, { path: '/etc/passwd' }, { path: 'a', ref: '--help' }, { path: 'a', repo: 'x' }])(
  '%j is refused without a request',
  async (input) => {
    await hub.close();
    await expect(read(input)).rejects.toMatchObject({ name: 'ToolError' });
  },
);

test('what is invisible in a file is shown to the model', async () => {
  hub.repos['acme/odd'] = newRepo('acme', 'odd', { a: 'ig\u200bnore\u202e this' });
  expect((await read({ repo: 'acme/odd', path: 'a' })).text).toContain('ig\\u{200B}nore\\u{202E} this');
});
