import { afterEach, beforeEach, expect, test } from 'vitest';
import { digestOf } from '../../src/policy/digest.ts';
import { type GithubStandIn, startGithub } from '../../src/sandbox/github.ts';
import { github } from '../../src/services/github.ts';
import type { Plan, SessionFacts, ToolContext } from '../../src/tools/define-tool.ts';
import { updateTrackingDoc } from '../../src/tools/update-tracking-doc.ts';
import { finished, opened, replied, sessionOf, started } from '../session/logs.ts';
import { facts, settings } from './all-backends.ts';

let hub: GithubStandIn;
beforeEach(async () => {
  hub = await startGithub();
});
afterEach(() => hub.close());

const client = () => github({ token: 't', baseUrl: hub.url });
const context = (more: Partial<SessionFacts> = {}): ToolContext => ({
  services: { github: client() },
  settings,
  session: { ...facts, ...more },
  signal: new AbortController().signal,
  now: () => 0,
});
const path = 'docs/experiments.md';
const asked = { path, row_key: 'feature-set-v2', columns: { change: 'feature_set v2', val_f1: '0.7342', verdict: 'improved' } };
async function planOf(input: Record<string, unknown> = {}, ctx = context()): Promise<Plan> {
  const plan = await updateTrackingDoc.plan(updateTrackingDoc.input.parse({ ...asked, ...input }) as never, ctx);
  if (plan.kind !== 'plan') throw new Error('no plan');
  return plan;
}
const run = (plan: Plan, ctx = context()) => updateTrackingDoc.run(plan, ctx, 'k'.repeat(64));
const textAt = async (ref: string) => (await client().getFile({ repo: 'acme/ads', path, ref }))!.text;
const ROW = '| feature-set-v2 | feature_set v2 | 0.7342 | improved |  |';

test('a new row stands on the session’s own branch, and main is as it was', async () => {
  const before = await textAt('main');
  const plan = await planOf();
  expect(plan.touches).toEqual({ repository: 'acme/ads', branch: 'exp/tracking-e-test', base: 'main', paths: [path] });
  expect(plan.preview.changes).toEqual([{ name: 'feature-set-v2', from: null, to: ROW }]);
  expect(await run(plan)).toMatchObject({ data: { status: 'updated', changed: true, diff: `+ ${ROW}`, branch: 'exp/tracking-e-test' } });
  expect(await textAt('exp/tracking-e-test')).toBe(before.replace('within noise | Ana |\n\n', `within noise | Ana |\n${ROW}\n\n`));
  expect(await textAt('main')).toBe(before);
});

test('run twice it is one row and one commit', async () => {
  const plan = await planOf();
  await run(plan);
  const head = hub.repos['acme/ads']!.refs['refs/heads/exp/tracking-e-test'];
  expect(await run(plan)).toMatchObject({ data: { status: 'updated', changed: true } });
  expect(hub.repos['acme/ads']!.refs['refs/heads/exp/tracking-e-test']).toBe(head);
});

test('a second row goes on top of the first, on the same branch', async () => {
  await run(await planOf());
  const second = await run(await planOf({ row_key: 'lr-sweep', columns: { verdict: 'regressed' } }));
  expect(second).toMatchObject({
    data: {
      diff: '- | lr-sweep | learning_rate 0.0003 to 0.3 | 0.7126 | within noise | Ana |\n+ | lr-sweep | learning_rate 0.0003 to 0.3 | 0.7126 | regressed | Ana |',
      commit_sha: expect.stringMatching(/^[0-9a-f]{40}$/),
    },
  });
  expect(await textAt('exp/tracking-e-test')).toContain(ROW);
});

test('somebody else’s change elsewhere in the file keeps both the approval and the change', async () => {
  await run(await planOf({ row_key: 'first' }));
  const plan = await planOf();
  const there = await client().getFile({ repo: 'acme/ads', path, ref: 'exp/tracking-e-test' });
  await client().replaceFile({
    repo: 'acme/ads',
    branch: 'exp/tracking-e-test',
    path,
    was: there!.sha,
    content: there!.text.replace('# Experiments', '# All experiments'),
    message: 'm',
  });
  expect(digestOf('update_tracking_doc', (await planOf()).arguments)).toBe(digestOf('update_tracking_doc', plan.arguments));
  await run(plan);
  const text = await textAt('exp/tracking-e-test');
  expect(text).toContain('# All experiments');
  expect(text).toContain(ROW);
});

test('the row itself changed since it was approved: another digest, and nothing is written over it', async () => {
  await run(await planOf({ columns: { val_f1: '0.70' } }));
  const plan = await planOf();
  const there = await client().getFile({ repo: 'acme/ads', path, ref: 'exp/tracking-e-test' });
  const content = there!.text.replace('0.70 |', '0.99 |');
  await client().replaceFile({ repo: 'acme/ads', branch: 'exp/tracking-e-test', path, was: there!.sha, content, message: 'm' });
  expect(digestOf('update_tracking_doc', (await planOf()).arguments)).not.toBe(digestOf('update_tracking_doc', plan.arguments));
  await expect(run(plan)).rejects.toThrow(/^ROW_CHANGED: /);
  expect(await textAt('exp/tracking-e-test')).toBe(content);
});

test('what somebody commits to the base between the look and the commit is not taken back', async () => {
  const plan = await planOf();
  const before = await textAt('main');
  const held = hub.hold({ method: 'POST', path: '/git/blobs', when: 'before' });
  const running = run(plan);
  await held.reached;
  const there = await client().getFile({ repo: 'acme/ads', path, ref: 'main' });
  await client().replaceFile({ repo: 'acme/ads', branch: 'main', path, was: there!.sha, content: `${there!.text}\nA line of Ana's.\n`, message: 'm' });
  held.release();
  await running;
  // The branch stands on what was read, so a merge takes both.
  const { refs, objects } = hub.repos['acme/ads']!;
  const [parent = ''] = objects.commits[refs['refs/heads/exp/tracking-e-test']!]!.parents;
  expect(await textAt(parent)).toBe(before);
  expect(await textAt('exp/tracking-e-test')).toBe(before.replace('within noise | Ana |\n\n', `within noise | Ana |\n${ROW}\n\n`));
});

test('an old sha replaces nothing', async () => {
  await run(await planOf());
  const request = { repo: 'acme/ads', branch: 'exp/tracking-e-test', path, was: 'a'.repeat(40), content: 'x', message: 'm' };
  expect(await client().replaceFile(request)).toBeNull();
});

test('once the session has a pull request, its row goes to that branch', async () => {
  const branch = 'exp/feat-v2-e-test-0a1b2c';
  const { approval: _, ...byRule } = started('c1', 'create_github_pr');
  const start = { ...byRule, rule: 'auto', arguments: { repo: 'acme/ads', branch } };
  const session = sessionOf([opened(), replied(1, [{ id: 'c1', tool: 'create_github_pr' }]), start, finished('c1')]);
  // As a line it may be a reference to what stands beside it, being large: what counts is what happened.
  const ctx = context({ record: () => ({ session, jsonl: () => '' }) });
  expect((await planOf({}, ctx)).arguments['branch']).toBe(branch);
});

test.each([
  ['another branch', { branch: 'main' }, /^NOT_OUR_BRANCH: main is not a branch of this session/],
  ['another session’s branch', { branch: 'exp/x-e-other-0a1b2c' }, /^NOT_OUR_BRANCH: /],
  ['a file that is no Markdown', { path: 'train.py' }, /^NOT_MARKDOWN: /],
  ['a file that runs', { path: '.github/README.md' }, /^BAD_PATH: .*runs in CI/],
  ['a path that leaves', { path: '../docs/experiments.md' }, /^BAD_PATH: /],
  ['a file without a table', { path: 'README.md' }, /^NO_TABLE: /],
  ['a file that is not there', { path: 'experiments.md' }, /^NOT_FOUND: .*docs\/experiments\.md/s],
  ['a column that is not there', { columns: { val_auc: '0.9' } }, /^NO_SUCH_COLUMN: .*experiment, change, val_f1, verdict, who/s],
  ['the key given twice', { columns: { experiment: 'other' } }, /^KEY_COLUMN: /],
  ['a row that says so already', { row_key: 'lr-sweep', columns: { who: 'Ana' } }, /^ALREADY_SO: /],
])('%s is refused before anybody is asked', async (_, input, words) => {
  await expect(planOf(input)).rejects.toThrow(words);
});
