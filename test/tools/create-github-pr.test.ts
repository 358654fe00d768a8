import { createHash } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { digestOf } from '../../src/policy/digest.ts';
import { type GithubStandIn, startGithub } from '../../src/sandbox/github.ts';
import { github } from '../../src/services/github.ts';
import { createGithubPr } from '../../src/tools/create-github-pr.ts';
import type { Plan, SessionFacts, ToolContext } from '../../src/tools/define-tool.ts';
import { withFinalHead } from '../../src/tools/pull-request-text.ts';

let hub: GithubStandIn;
beforeEach(async () => {
  hub = await startGithub();
});
afterEach(() => hub.close());

const HEAD = 'c0861b'.padEnd(64, '0');
const lines = (n: number) => Array.from({ length: n }, (_, i) => `${JSON.stringify({ v: 1, seq: i + 1, at: `2026-11-2${i}T09:00:00.000Z` })}\n`).join('');

function context(facts: Partial<SessionFacts> = {}): ToolContext {
  const session: SessionFacts = {
    id: 's-1',
    alias: 'e-7k2f',
    team: 'T1',
    channel: 'C0ML',
    thread: null,
    requester: 'U1',
    prompt: 'Run',
    call: 'c9',
    runs: [],
    woken: [],
    approvedBy: ['U2'],
    record: () => ({ jsonl: lines(3), markdown: '# The record\n', lines: 3, head: HEAD }),
    postsOutside: 0,
    links: () => new Map(),
    ...facts,
  };
  return {
    services: { github: github({ token: 't', baseUrl: hub.url }) },
    settings: {
      defaults: { repository: 'acme/ads', base: 'main' },
      metrics: {},
      thresholdReading: 'relative',
      recordsPath: 'experiments',
      environments: {},
    },
    session,
    signal: new AbortController().signal,
    now: () => 0,
  };
}

const asked = {
  title: 'feat: feature-set-v2 ablation',
  body: '| metric | v2 |\n|---|---|\n| val_f1 | 0.730 |',
  files: [{ path: 'configs/v2.json', content: '{}\n' }],
  draft: false,
};

async function planOf(input: Record<string, unknown> = {}, ctx = context()): Promise<Plan> {
  const plan = await createGithubPr.plan(createGithubPr.input.parse({ ...asked, ...input }) as never, ctx);
  if (plan.kind !== 'plan') throw new Error('no plan');
  return plan;
}
const key = 'k'.repeat(64);
const folder = 'experiments/2026-11-20-feat-feature-set-v2-ablation-e-7k2f';

test('the plan is exactly what is approved, and says what the host adds', async () => {
  const plan = await planOf({ labels: ['experiment'], reviewers: ['ana'] });
  const branch = `exp/feat-feature-set-v2-ablation-e-7k2f-${createHash('sha256').update('s-1\nc9').digest('hex').slice(0, 6)}`;
  expect(plan.arguments).toEqual({
    repo: 'acme/ads',
    title: asked.title,
    body: asked.body,
    base: 'main',
    branch,
    files: [{ path: 'configs/v2.json', sha256: createHash('sha256').update('{}\n').digest('hex'), bytes: 3, content: '{}\n' }],
    draft: false,
    labels: ['experiment'],
    reviewers: ['ana'],
  });
  expect(plan.touches).toEqual({ repository: 'acme/ads', branch, base: 'main', paths: ['configs/v2.json'] });
  expect(plan.preview).toEqual({
    summary: 'Open a pull request in acme/ads: feat: feature-set-v2 ablation',
    facts: [
      { label: 'Repository', value: 'acme/ads' },
      { label: 'Into', value: 'main' },
      { label: 'Branch', value: `${branch} (new, one commit)` },
      { label: 'Labels', value: 'experiment' },
      { label: 'Reviewers', value: 'ana' },
      { label: 'Description', value: asked.body },
    ],
    changes: [{ name: 'configs/v2.json', from: null, to: '3 bytes' }],
    adds: [
      `the record so far (${folder}/README.md and record.jsonl)`,
      'under the description its figures and curve, its line and head, who approved, and a hidden session mark',
      "to the commit's message the session, line and head",
      'when the experiment has ended, its final head under the description',
    ],
  });
  expect(hub.repos['acme/ads']!.pulls).toEqual([]);
});

test('planning again after the log has grown gives the same digest', async () => {
  const before = await planOf();
  const later = await planOf({}, context({ approvedBy: ['U2', 'U3'], record: () => ({ jsonl: lines(9), markdown: '# Longer\n', lines: 9, head: HEAD }) }));
  expect(digestOf('create_github_pr', later.arguments)).toBe(digestOf('create_github_pr', before.arguments));
});

test('two calls of a session have two branches', async () => {
  const [one, two] = [await planOf(), await planOf({}, context({ call: 'c10' }))];
  expect(one.arguments['branch']).not.toBe(two.arguments['branch']);
});

test('run twice, it is one commit and one pull request, with the record in it and its head under the description', async () => {
  const plan = await planOf({ labels: ['experiment'] });
  const first = await createGithubPr.run(plan, context(), key);
  const again = await createGithubPr.run(plan, context(), key);
  const repo = hub.repos['acme/ads']!;
  expect(repo.pulls).toHaveLength(1);
  expect(first).toMatchObject({ kind: 'done', data: { status: 'opened', number: 1, url: `${hub.url}/acme/ads/pull/1`, already_exists: false, notes: [] } });
  expect(again).toMatchObject({ kind: 'done', data: { number: 1, head_sha: first.data['head_sha'], already_exists: true } });
  expect(repo.pulls[0]).toMatchObject({ title: asked.title, base: 'main', state: 'open', labels: ['experiment'] });
  expect(repo.pulls[0]!.body).toBe(`${asked.body}

---
Opened by labmate in session \`e-7k2f\`, asked for by Slack user \`U1\`, approved by Slack user \`U2\`. What was done and why: \`${folder}/README.md\`
record so far: line 3, head ${HEAD}
<!-- labmate session:s-1 -->
`);
  const client = github({ token: 't', baseUrl: hub.url });
  const at = { repo: 'acme/ads', ref: String(plan.arguments['branch']) };
  expect((await client.getFile({ ...at, path: `${folder}/record.jsonl` }))?.text).toBe(lines(3));
  expect((await client.getFile({ ...at, path: `${folder}/README.md` }))?.text).toBe('# The record\n');
  expect((await client.getFile({ ...at, path: 'configs/v2.json' }))?.text).toBe('{}\n');
});

test('a pull request always has a commit, even without files of its own', async () => {
  await createGithubPr.run(await planOf({ files: undefined }), context(), key);
  expect(hub.repos['acme/ads']!.pulls).toHaveLength(1);
});

test('what was cut off is looked for first: nothing is found before the pull request is there, and it is found after', async () => {
  const plan = await planOf();
  const held = hub.hold({ method: 'POST', path: '/pulls', when: 'after' });
  expect(await createGithubPr.find!(plan, context(), key)).toBeNull();
  const running = createGithubPr.run(plan, context(), key).catch((e: unknown) => e);
  await held.reached;
  held.drop();
  expect(await running).toMatchObject({ name: 'UpstreamError', transient: true });
  expect(await createGithubPr.find!(plan, context(), key)).toMatchObject({ data: { number: 1, already_exists: true } });
  expect(hub.repos['acme/ads']!.pulls).toHaveLength(1);
});

test('cut off between commit and pull request, it goes on with the commit that is there', async () => {
  const plan = await planOf();
  const held = hub.hold({ method: 'POST', path: '/pulls', when: 'before' });
  const running = createGithubPr.run(plan, context(), key).catch((e: unknown) => e);
  await held.reached;
  held.drop();
  await running;
  expect(await createGithubPr.find!(plan, context(), key)).toBeNull();
  const head = hub.repos['acme/ads']!.refs[`refs/heads/${plan.arguments['branch']}`];
  expect(await createGithubPr.run(plan, context(), key)).toMatchObject({ data: { number: 1, head_sha: head, already_exists: false } });
});

test('a branch of that name that holds something else is not proposed as what was approved', async () => {
  const plan = await planOf();
  const branch = String(plan.arguments['branch']);
  await github({ token: 't', baseUrl: hub.url }).commitFiles({
    repo: 'acme/ads',
    base: 'main',
    branch,
    message: 'evil',
    files: [{ path: 'train.py', content: 'evil' }],
  });
  await expect(createGithubPr.run(plan, context(), key)).rejects.toThrow('holds something else than was approved');
  expect(hub.repos['acme/ads']!.pulls).toEqual([]);
});

test('labels that cannot be set do not make the pull request look failed', async () => {
  const answer = await createGithubPr.run(await planOf({ reviewers: ['ghost-1'] }), context(), key);
  expect(answer).toMatchObject({ data: { number: 1, notes: [expect.stringContaining('ghost-1')] } });
});

const refused: [string, Record<string, unknown>][] = [
  ...[
    '../x',
    'a/../../x',
    '/etc/passwd',
    '~/x',
    'C:/x',
    'a\\..\\b',
    'a//b',
    './a',
    'a/',
    '',
    'a\0b',
    'a\u202eb',
    'a\u200b/b',
    '%2e%2e/x',
    'a/%2Fb',
    '．．/x',
    '-rf',
    'a/b.',
    'a /b',
    '.git/config',
    'sub/.GIT/hooks/post-checkout',
    'git~1/config',
    '.gitmodules',
    'a/.gitattributes',
    '.github/workflows/ci.yml',
    '.GitHub/workflows/ci.yml',
    '.github/actions/x/action.yml',
    'CODEOWNERS',
    'docs/codeowners',
    '.gitlab-ci.yml',
    'Jenkinsfile',
    'x'.repeat(301),
    `${folder}/record.jsonl`,
    `${folder.toUpperCase()}/extra`,
  ].map((path): [string, Record<string, unknown>] => [`path ${JSON.stringify(path).slice(0, 40)}`, { files: [{ path, content: 'x' }] }]),
  [
    'the same path twice',
    {
      files: [
        { path: 'a', content: 'x' },
        { path: 'A', content: 'y' },
      ],
    },
  ],
  [
    'a file that is a folder too',
    {
      files: [
        { path: 'a', content: 'x' },
        { path: 'a/b', content: 'y' },
      ],
    },
  ],
  ['content that is not text', { files: [{ path: 'a', content: '\ud800' }] }],
  ['too many bytes', { files: ['a', 'b', 'c'].map((path) => ({ path, content: 'x'.repeat(190_000) })) }],
  ...['acme', 'acme/ads/x', '../ads', 'acme/..', 'acme/ads.git', '-x/ads', 'acme/a b', 'https://evil.test/x'].map((repo): [string, Record<string, unknown>] => [
    `repo ${repo}`,
    { repo },
  ]),
  ...['--upload-pack=x', 'a..b', 'refs/heads/main', '/main', 'main/', 'a b', 'main.lock', '@{-1}', 'a\u200bb', 'a%2Fb', '.x', 'gone'].map(
    (base): [string, Record<string, unknown>] => [`base ${JSON.stringify(base)}`, { base }],
  ),
];

test.each(refused)('%s is refused before anything is written', async (_, input) => {
  await expect(planOf(input)).rejects.toMatchObject({ name: 'ToolError', message: expect.stringMatching(/^[A-Z_]+: .+ Next: .+ \(not retryable\)$/s) });
  expect(Object.keys(hub.repos['acme/ads']!.refs)).toEqual(['refs/heads/main']);
});

test.each(['configs/v2.json', 'notes/a b.md', 'src/.eslintrc', 'данные/ü.txt', '.gitignore', 'a/github/b'])('path %s is fine', async (path) => {
  expect((await planOf({ files: [{ path, content: 'x' }] })).touches.paths).toContain(path);
});

test("the model's Markdown mentions nobody, hides nothing and loads nothing", async () => {
  const body = [
    '**Better** by `0.02`, cc @ana and @acme/ml (me@example.com) &#64;bob',
    '<!-- hidden --><details>more</details>',
    '![pixel](https://evil.test/p.png)',
    '[//]: # (unseen)',
    '> [x]: https://evil.test',
    'a < b, x <0.6, zero\u200bwidth',
    '```\n@fence <b>\n```',
  ].join('\n');
  expect((await planOf({ body })).arguments['body']).toBe(
    [
      '**Better** by `0.02`, cc @ ana and @ acme/ml (me@example.com) @ bob',
      '&lt;!-- hidden -->&lt;details>more&lt;/details>',
      '[pixel](https://evil.test/p.png)',
      '\\[//]: # (unseen)',
      '> \\[x]: https://evil.test',
      'a < b, x <0.6, zero\\u{200B}width',
      '```\n@ fence &lt;b>\n```',
    ].join('\n'),
  );
});

test('the final head is added once, however often it is written', () => {
  const body = 'text\n\n---\nrecord so far: line 3, head x\n<!-- labmate session:s-1 -->\n';
  const once = withFinalHead(body, { lines: 9, head: HEAD });
  expect(once).toBe(`text\n\n---\nrecord so far: line 3, head x\nfinal record: 9 lines, head ${HEAD}\n<!-- labmate session:s-1 -->\n`);
  expect(withFinalHead(once, { lines: 9, head: HEAD })).toBe(once);
  expect(withFinalHead('somebody rewrote it', { lines: 9, head: HEAD })).toBe(`somebody rewrote it\n\nfinal record: 9 lines, head ${HEAD}\n`);
});
