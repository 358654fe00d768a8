import { describe, expect, test } from 'vitest';
import { placeJob } from '../../src/policy/environments.ts';
import { judge } from '../../src/policy/judge.ts';
import type { ApproverRule, Permissions, PolicyRule } from '../../src/policy/rules.ts';
import type { Touches } from '../../src/policy/touches.ts';

const approver: ApproverRule = { users: ['U2'], groups: [], quorum: 1, requesterMayApprove: false, expiresAfterMs: 86_400_000, channel: null };
const base: Permissions = {
  approvers: { default: approver },
  executionExpiresAfterMs: 900_000,
  environments: {
    dev: { jobs: ['101', 'ads-*'], tags: { env: 'dev' } },
    prod: { jobs: ['900'], tags: { env: 'prod' }, runAs: ['sp-prod-*'], parameters: { catalog: ['prod*'] } },
  },
  actIn: ['dev'],
  allow: { experiments: ['*'], dashboards: ['*'], channels: ['C0ML'], branches: ['*'], paths: ['*'] },
  repositories: ['acme/ads'],
  policy: { default: 'ask', rules: [] },
};
const job = (over: Partial<NonNullable<Touches['job']>> = {}): NonNullable<Touches['job']> => ({
  id: '101',
  name: 'ads-train',
  tags: { env: 'dev' },
  runAs: 'sp-dev',
  parameters: { feature_set: 'v2' },
  declared: ['feature_set'],
  ...over,
});
const calm = { tainted: false, postsOutside: 0 };
const ruled = (...rules: PolicyRule[]): Permissions => ({ ...base, policy: { default: 'ask', rules } });
const launch = (touches: Touches) => ({ tool: 'run_databricks_job', readOnly: false, touches });

describe('where a job belongs', () => {
  test.each<[string, Partial<NonNullable<Touches['job']>>, string]>([
    ['its id is listed', {}, 'dev'],
    ['its name and a tag match', { id: '555' }, 'dev'],
    ['its name alone matches: nowhere', { id: '555', tags: {} }, 'prod'],
    ['its tag alone matches: nowhere', { id: '555', name: 'other' }, 'prod'],
    ['its id is a prod id', { id: '900' }, 'prod'],
    ['it runs as a prod principal, though its id is a dev id', { runAs: 'sp-prod-ads' }, 'prod'],
    ['a parameter points to prod', { parameters: { catalog: 'prod_main' } }, 'prod'],
    ['a capital letter does not escape', { parameters: { catalog: 'PROD_main' } }, 'prod'],
    ['its tag says prod', { tags: { env: 'prod' } }, 'prod'],
    ['its tag says it in capitals', { tags: { Env: 'PROD ' } }, 'prod'],
    ['a space before it does not escape', { parameters: { Catalog: ' prod_main' } }, 'prod'],
    ['only Databricks knows what the parameter will be', { parameters: { catalog: '{{tasks.a.values.c}}' } }, 'prod'],
    ['a task of it is pointed to prod', { ofTasks: [{ name: 'catalog', value: 'prod_main' }] }, 'prod'],
    ["a task takes it from the job's own", { parameters: { c: 'prod_x' }, ofTasks: [{ name: 'catalog', value: '{{job.parameters.c}}' }] }, 'prod'],
    ['a job that it starts belongs to prod', { starts: [job({ id: '900' })] }, 'prod'],
    ['a job that it starts is in none', { starts: [job(), job({ id: '556', name: 'other' })] }, 'prod'],
    ['every job that it starts belongs to dev too', { starts: [job(), job({ id: '102' })] }, 'dev'],
    ["the job's own value wins over the task's", { parameters: { catalog: 'dev' }, ofTasks: [{ name: 'catalog', value: 'prod_x' }] }, 'dev'],
    ['it does not reach an argument', { parameters: { catalog: 'dev' }, ofTasks: [{ name: 'catalog', value: 'prod_x', argument: true }] }, 'prod'],
  ])('%s', (_why, over, environment) => {
    expect(placeJob(job(over), base.environments, base.actIn).environment).toBe(environment);
  });
});

describe('the verdict on a call', () => {
  test('a write asks', () => {
    expect(judge(launch({ job: job() }), base, calm)).toMatchObject({ is: 'confirm', placement: { environment: 'dev' } });
  });
  test('a read runs', () => {
    expect(judge({ tool: 'get_job_status', readOnly: true, touches: {} }, base, calm).is).toBe('run');
  });
  test('prod is refused before anybody is asked, and the sentence says why', () => {
    expect(judge(launch({ job: job({ id: '900', name: 'ads-train-prod' }) }), base, calm)).toEqual({
      is: 'refuse',
      why: 'Job 900 (ads-train-prod) belongs to prod: its id 900 is listed there in labmate.json. labmate acts only in dev, so it is refused before anybody is asked.',
      fact: 'job',
    });
  });
  test('a parameter that points to prod is named, as the job declares it, and so is every other fact that is out of bounds', () => {
    const refusal = (touches: Touches) => judge(launch(touches), { ...base, allow: { ...base.allow, branches: [], paths: [], experiments: [] } }, calm);
    expect(refusal({ job: job({ parameters: { Catalog: 'prod_main' } }) })).toMatchObject({ is: 'refuse', fact: 'job', parameter: 'Catalog' });
    expect(refusal({ job: job({ ofTasks: [{ name: 'catalog', value: 'prod_main' }] }) })).not.toHaveProperty('parameter');
    expect(refusal({ base: 'main' })).toMatchObject({ is: 'refuse', fact: 'base' });
    expect(refusal({ paths: ['a.md'] })).toMatchObject({ is: 'refuse', fact: 'paths' });
    expect(refusal({ experiment: '7' })).toMatchObject({ is: 'refuse', fact: 'experiment' });
  });
  test('no rule and no approval opens prod', () => {
    const rules = ruled({ tool: '*', action: 'auto' });
    expect(judge(launch({ job: job({ id: '900' }) }), rules, calm).is).toBe('refuse');
  });
  test('without approvers nobody can say yes, so it is refused', () => {
    expect(judge(launch({ job: job() }), { ...base, approvers: {} }, calm)).toMatchObject({ is: 'refuse', why: expect.stringContaining('approvers') });
  });
  test("a post in the own channel runs twice, then asks; the own thread's is free; elsewhere asks", () => {
    const post = (place: Touches['place'], postsOutside: number) =>
      judge({ tool: 'post_to_slack', readOnly: false, touches: { channel: 'C0ML', place: place ?? 'elsewhere' } }, base, { tainted: true, postsOutside }).is;
    expect([post('own-channel', 0), post('own-channel', 1), post('own-channel', 2), post('own-thread', 9), post('elsewhere', 0)]).toEqual([
      'run',
      'run',
      'confirm',
      'run',
      'confirm',
    ]);
  });
  test('a channel that is not listed is refused', () => {
    expect(judge({ tool: 'post_to_slack', readOnly: false, touches: { channel: 'CX', place: 'elsewhere' } }, base, calm).is).toBe('refuse');
  });
  test('a repository that is not listed is refused', () => {
    expect(judge({ tool: 'create_github_pr', readOnly: false, touches: { repository: 'evil/ads' } }, base, calm).is).toBe('refuse');
  });
  test('a base branch or a file outside the lists is refused', () => {
    const lists = { ...base, allow: { ...base.allow, branches: ['main', 'exp/*'], paths: ['configs/*'] } };
    const pr = (base: string, ...paths: string[]) =>
      judge({ tool: 'create_github_pr', readOnly: false, touches: { repository: 'acme/ads', base, paths } }, lists, calm).is;
    expect([pr('main'), pr('exp/a', 'configs/v2.json'), pr('release'), pr('main', 'configs/a.json', 'src/train.py')]).toEqual([
      'confirm',
      'confirm',
      'refuse',
      'refuse',
    ]);
  });
  test('cancelling the own run runs, another one asks', () => {
    const cancel = (own: boolean) => judge({ tool: 'cancel_job_run', readOnly: false, touches: { own, job: job() } }, base, calm).is;
    expect([cancel(true), cancel(false)]).toEqual(['run', 'confirm']);
  });
});

describe('rules', () => {
  const quick: PolicyRule = { tool: 'run_databricks_job', action: 'auto', when: { environment: 'dev', maxTypicalMinutes: 10 } };
  test('a condition whose fact is unknown does not hold', () => {
    expect(judge(launch({ job: job(), typicalMinutes: 4 }), ruled(quick), calm).is).toBe('run');
    expect(judge(launch({ job: job(), typicalMinutes: 40 }), ruled(quick), calm).is).toBe('confirm');
    expect(judge(launch({ job: job() }), ruled(quick), calm).is).toBe('confirm');
  });
  test('deny beats ask beats auto, whatever the order', () => {
    const auto: PolicyRule = { tool: '*', action: 'auto' };
    expect(judge(launch({ job: job() }), ruled(auto, { tool: 'run_*', action: 'ask' }), calm).is).toBe('confirm');
    expect(judge(launch({ job: job() }), ruled(auto, { tool: 'run_*', action: 'deny' }), calm).is).toBe('refuse');
  });
  test('once outside text was read, auto covers no write to a new audience', () => {
    const auto: PolicyRule = { tool: '*', action: 'auto' };
    const tainted = { tainted: true, postsOutside: 0 };
    const pr = { tool: 'create_github_pr', readOnly: false, touches: { repository: 'acme/ads' } };
    expect(judge(pr, ruled(auto), calm).is).toBe('run');
    expect(judge(pr, ruled(auto), tainted).is).toBe('confirm');
    expect(judge(launch({ job: job() }), ruled(auto), tainted).is).toBe('run');
    expect(judge(launch({ job: job({ parameters: { feature_set: 'v2', sneaky: 'x' } }) }), ruled(auto), tainted).is).toBe('confirm');
  });
  test('a tool of a mounted server asks, or is denied where the default says so', () => {
    const foreign = { tool: 'mcp__x__do', readOnly: true, touches: {}, foreign: true };
    expect(judge(foreign, base, calm).is).toBe('confirm');
    expect(judge(foreign, { ...base, policy: { default: 'deny', rules: [] } }, calm).is).toBe('refuse');
  });
});
