import { createHash } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { digestOf } from '../../src/policy/digest.ts';
import { type GithubStandIn, startGithub } from '../../src/sandbox/github.ts';
import { github } from '../../src/services/github.ts';
import type { Preview } from '../../src/session/events.ts';
import { report } from '../../src/session/report.ts';
import { createGithubPr } from '../../src/tools/create-github-pr.ts';
import type { Plan, SessionFacts, ToolContext } from '../../src/tools/define-tool.ts';
import { gate } from '../../src/tools/gate.ts';
import { withFinalHead } from '../../src/tools/pull-request-text.ts';
import { reconsider } from '../../src/tools/reconsider.ts';
import { approved, asks, opened, recordOf, replied, told } from '../session/logs.ts';
import { permissive } from './permissive.ts';

let hub: GithubStandIn;
let writes: string[];
beforeEach(async () => {
  writes = [];
  hub = await startGithub({ onTraffic: ({ what }) => !what.startsWith('GET') && writes.push(what) });
});
afterEach(() => hub.close());

const events = [opened(), replied(1, [{ id: 'c9', tool: 'create_github_pr' }]), told('go on')];
/** The same log, with the question about this call as it was shown, and the yes. */
const afterYes = (preview: Preview) => {
  const asked = asks('c9');
  return [...events, { ...asked, waiting: { ...asked.waiting, preview } } as typeof asked, approved('c9')];
};

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
    record: recordOf(events),
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

test.each<[string, Record<string, unknown>, string[]]>([
  ['a repository that is none', { repo: 'ads' }, ['repo']],
  ['a base that is no branch name', { base: 'a..b' }, ['base']],
  ['a base that is not there', { base: 'nosuch' }, ['base']],
  ['a title with nothing to show', { title: '   ' }, ['title']],
  ['a path outside', { files: [asked.files[0], { path: '/etc/passwd', content: '' }] }, ['files', '1', 'path']],
  ['a path given twice', { files: [asked.files[0], asked.files[0]] }, ['files', '1']],
])('an objection to %s names the argument, so that a form can show it there', async (_what, input, argument) => {
  await expect(planOf(input)).rejects.toMatchObject({ name: 'ToolError', argument });
});

const key = 'k'.repeat(64);
const folder = 'experiments/2026-11-01-feat-feature-set-v2-ablation-e-7k2f';

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
    target: expect.stringMatching(/^[0-9a-f]{64}$/),
  });
  expect(hub.repos['acme/ads']!.pulls).toEqual([]);
});

test('planning again after the log has grown gives the same digest', async () => {
  const before = await planOf();
  const later = await planOf({}, context({ approvedBy: ['U2', 'U3'], record: recordOf(afterYes(before.preview)) }));
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
  const record = recordOf(events)();
  expect(repo.pulls[0]!.body.startsWith(`${asked.body}\n\n---\n`)).toBe(true);
  expect(repo.pulls[0]!.body).toContain(`
Opened by labmate in session \`e-7k2f\`, asked for by Slack user \`U1\`, approved by Slack user \`U2\`. What was done and why: \`${folder}/README.md\`
record so far: line 3, head ${record.session.head}
<!-- labmate session:s-1 -->
`);
  const client = github({ token: 't', baseUrl: hub.url });
  const at = { repo: 'acme/ads', ref: String(plan.arguments['branch']) };
  expect((await client.getFile({ ...at, path: `${folder}/record.jsonl` }))?.text).toBe(record.jsonl());
  expect((await client.getFile({ ...at, path: `${folder}/README.md` }))?.text).toBe(report(record.session, context().session!.call));
  expect((await client.getFile({ ...at, path: 'configs/v2.json' }))?.text).toBe('{}\n');
});

test('a pull request always has a commit, even without files of its own', async () => {
  await createGithubPr.run(await planOf({ files: undefined }), context(), key);
  expect(hub.repos['acme/ads']!.pulls).toHaveLength(1);
});

test.each([
  ['before its files are stored', { method: 'POST', path: '/git/blobs', when: 'before' }, false],
  ['with the answer to its commit', { method: 'POST', path: '/git/commits', when: 'after' }, false],
  ['with the answer to its branch', { method: 'POST', path: '/git/refs', when: 'after' }, false],
  ['before its pull request', { method: 'POST', path: '/pulls', when: 'before' }, false],
  ['with the answer to its pull request', { method: 'POST', path: '/pulls', when: 'after' }, true],
  ['with the answer to its labels', { method: 'POST', path: '/labels', when: 'after' }, true],
] as const)('cut off %s, it goes on from there when it is sent again', async (_where, at, wasOpen) => {
  const plan = await planOf({ labels: ['experiment'] });
  const held = hub.hold(at);
  const running = createGithubPr.run(plan, context(), key).catch((e: unknown) => e);
  await held.reached;
  held.drop();
  await running;
  const ref = `refs/heads/${plan.arguments['branch']}`;
  const head = hub.repos['acme/ads']!.refs[ref];
  writes = [];
  expect(await createGithubPr.run(plan, context(), key)).toMatchObject({
    data: { number: 1, head_sha: hub.repos['acme/ads']!.refs[ref], already_exists: wasOpen },
  });
  expect(hub.repos['acme/ads']!.pulls).toMatchObject([{ labels: ['experiment'] }]);
  if (head) {
    expect(hub.repos['acme/ads']!.refs[ref]).toBe(head);
    expect(writes.filter((what) => what.includes('/git/'))).toEqual([]);
  }
});

test('two workers that send it at once open one pull request', async () => {
  const plan = await planOf();
  const both = await Promise.all([createGithubPr.run(plan, context(), key), createGithubPr.run(plan, context(), key)]);
  expect(both.map((answer) => answer.data['number'])).toEqual([1, 1]);
  expect(hub.repos['acme/ads']!.pulls).toHaveLength(1);
});

test('one that was merged, with its branch deleted, is found and not made anew', async () => {
  const plan = await planOf();
  await createGithubPr.run(plan, context(), key);
  const repo = hub.repos['acme/ads']!;
  repo.pulls[0]!.state = 'closed';
  delete repo.refs[`refs/heads/${plan.arguments['branch']}`];
  writes = [];
  expect(await createGithubPr.run(plan, context(), key)).toMatchObject({ data: { number: 1, already_exists: true } });
  expect(writes).toEqual([]);
});

const DOC = 'docs/experiments.md';
/** The plan to rename a document, and what others do on the base before it is carried out. */
async function renamed() {
  const client = github({ token: 't', baseUrl: hub.url });
  const before = await client.getFile({ repo: 'acme/ads', path: DOC, ref: 'main' });
  const input = { ...asked, files: [{ path: DOC, content: before!.text.replace('# Experiments', '# Our experiments') }] };
  const plan = await planOf(input);
  const elsewhere = await client.getFile({ repo: 'acme/ads', path: 'base_config.json', ref: 'main' });
  const on = { repo: 'acme/ads', branch: 'main', message: 'Ana' };
  return {
    plan,
    anaAddsALine: () => client.replaceFile({ ...on, path: DOC, was: before!.sha, content: `${before!.text}\nA line of Ana's.\n` }),
    anaChangesAnother: () => client.replaceFile({ ...on, path: 'base_config.json', was: elsewhere!.sha, content: '{}\n' }),
    approvedCall: () =>
      gate(
        createGithubPr,
        createGithubPr.input.parse(input),
        {
          facts: context({ record: recordOf(afterYes(plan.preview)) }).session!,
          standing: { tainted: false, postsOutside: 0 },
          approved: { id: 's1/1', digest: digestOf('create_github_pr', plan.arguments), by: ['U2'], preview: plan.preview },
          signal: new AbortController().signal,
          mayAct: async () => true,
          claim: async () => 'go',
          stillEntitled: async () => ({ ok: true }),
        },
        { services: context().services, settings: context().settings, permissions: { ...permissive(), repositories: ['acme/ads'] }, now: () => 0 },
      ),
  };
}

test('a file that somebody changed on the base since the yes is asked about again', async () => {
  const { anaAddsALine, approvedCall } = await renamed();
  await anaAddsALine();
  expect(await approvedCall()).toMatchObject({
    is: 'confirm',
    confirmation: { again: 'What it acts on has been changed since it was approved; this is how it is now.' },
  });
  expect(hub.repos['acme/ads']!.pulls).toEqual([]);
});

test('what else has changed on the base since the yes is no reason to ask again', async () => {
  const { anaChangesAnother, approvedCall } = await renamed();
  await anaChangesAnother();
  expect(await approvedCall()).toMatchObject({ is: 'answer', answer: { data: { status: 'opened' } } });
});

test('nor is a file put back that was changed while a call that is under way waited for GitHub', async () => {
  const { plan, anaAddsALine } = await renamed();
  await anaAddsALine();
  await expect(createGithubPr.run(plan, context({ record: recordOf(afterYes(plan.preview)) }), key)).rejects.toThrow(/^FILES_CHANGED: /);
  expect(Object.keys(hub.repos['acme/ads']!.refs)).toEqual(['refs/heads/main']);
});

test('a branch of that name that holds something else is not proposed as what was approved', async () => {
  const plan = await planOf();
  const branch = String(plan.arguments['branch']);
  await github({ token: 't', baseUrl: hub.url }).commitFiles({
    repo: 'acme/ads',
    parent: hub.repos['acme/ads']!.refs['refs/heads/main']!,
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
  const HEAD = 'c0861b'.padEnd(64, '0');
  const body = 'text\n\n---\nrecord so far: line 3, head x\n<!-- labmate session:s-1 -->\n';
  const once = withFinalHead(body, { lines: 9, head: HEAD });
  expect(once).toBe(`text\n\n---\nrecord so far: line 3, head x\nfinal record: 9 lines, head ${HEAD}\n<!-- labmate session:s-1 -->\n`);
  expect(withFinalHead(once, { lines: 9, head: HEAD })).toBe(once);
  expect(withFinalHead('somebody rewrote it', { lines: 9, head: HEAD })).toBe(`somebody rewrote it\n\nfinal record: 9 lines, head ${HEAD}\n`);
});

test('what labmate.json does not allow is refused under the argument it is about', async () => {
  const { services, settings, session, signal, now } = context();
  const rules = permissive();
  const permissions = { ...rules, repositories: ['acme/ads'], allow: { ...rules.allow, branches: ['exp/*'], paths: ['configs/*'] } };
  const standing = { tainted: false, postsOutside: 0 };
  const refused = async (allow: Partial<typeof rules.allow>, repositories = permissions.repositories) =>
    reconsider(
      createGithubPr,
      asked,
      { facts: session as SessionFacts, standing, signal },
      {
        services,
        settings,
        now,
        permissions: { ...permissions, repositories, allow: { ...rules.allow, ...allow } },
      },
    );
  expect(await refused({ branches: ['exp/*'] })).toMatchObject({ is: 'no', why: expect.stringContaining('allow.branches'), argument: ['base'] });
  expect(await refused({ paths: ['src/*'] })).toMatchObject({ is: 'no', why: expect.stringContaining('allow.paths'), argument: ['files'] });
  expect(await refused({}, [])).toMatchObject({ is: 'no', why: expect.stringContaining('github.repositories'), argument: ['repo'] });
});
