import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Script } from '../../src/sandbox/claude/scripted.ts';
import type { SandboxMessage } from '../../src/sandbox/control-types.ts';
import { openStage, type StoryStage } from './stage.ts';

const call = (parameters: Record<string, string>) => ({ tool: 'run_databricks_job', input: { job_id: '101', parameters } });
let told: unknown;
const runOnce = (when: string, parameters: Record<string, string>): Script => ({
  when,
  steps: [
    { say: 'I will run the job.', calls: [call(parameters)] },
    {
      say: 'Finished.',
      expect: ([result]) => {
        told = result?.data;
      },
    },
  ],
});

/** Fills a form by the words on its labels, sends it, and answers what stands under its fields; what is not named stays. */
async function fill(stage: StoryStage, as: string, fields: Record<string, string>): Promise<string[]> {
  const modal = await stage.until('the form', () => {
    const open = stage.slack.world.data.modals.find((m) => m.user === as);
    return open?.view['callback_id'] === 'edit_arguments' ? open : null;
  });
  const blocks = modal.view['blocks'] as { block_id: string; type: string; label?: { text: string } }[];
  const values: Record<string, Record<string, unknown>> = {};
  for (const [label, value] of Object.entries(fields)) {
    const block = blocks.find((b) => b.type === 'input' && b.label?.text === label);
    if (!block) throw new Error(`the form has no field ${label}, only ${blocks.map((b) => b.label?.text).join(', ')}`);
    values[block.block_id] = { value };
  }
  await stage.slack.act({ as, do: 'submit', modal: modal.id, values });
  return Object.values(modal.errors);
}

const words = (m: SandboxMessage) => JSON.stringify(m.blocks);

describe('a call that is put differently', () => {
  let stage: StoryStage;
  beforeAll(async () => {
    stage = await openStage({
      mode: 'socket',
      scripts: [
        runOnce('rephrased', { feature_set: 'v2', learning_rate: '0.1' }),
        runOnce('approver edit', { feature_set: 'v2' }),
        {
          when: 'reworded',
          steps: [{ say: 'I open it.', calls: [{ tool: 'create_github_pr', input: { title: 'feat: x', body: 'As measured.' } }] }, { say: 'Finished.' }],
        },
        { when: 'both', steps: [{ say: 'Both.', calls: [call({ feature_set: 'v2' }), call({ feature_set: 'v3' })] }, { say: 'Finished.' }] },
        {
          when: 'insist',
          steps: [
            { say: 'I will run it.', calls: [call({ feature_set: 'v2' })] },
            { say: 'Once more.', calls: [call({ feature_set: 'v2' })] },
            { say: 'I stop.' },
          ],
        },
      ],
    });
  });
  afterAll(async () => stage?.close());
  beforeEach(() => stage.begin());

  test('by who asked: the new version has a card and no votes, runs when approved, and the model is told what changed', async () => {
    const before = stage.launches().length;
    await stage.command('Run the rephrased experiment');
    const first = await stage.card('edit_call');
    await stage.click('U4', first, 'edit_call');
    await stage.until('the outsider to be told', () =>
      stage.slack.world.data.modals.find((m) => m.user === 'U4' && JSON.stringify(m.view).includes('may change it')),
    );

    await stage.click('U1', first, 'edit_call');
    expect(await fill(stage, 'U1', {})).toEqual(['Nothing is changed.']);
    expect(await fill(stage, 'U1', { 'More parameters': 'feature_sett=v9' })).toEqual([expect.stringContaining('has no parameter')]);
    expect(await fill(stage, 'U1', { feature_set: `ghp_${'a1B2'.repeat(9)}`, 'More parameters': '' })).toEqual([expect.stringContaining('holds a credential')]);
    expect(await fill(stage, 'U1', { feature_set: 'v3', 'More parameters': '' })).toEqual([]);

    const second = await stage.until('the new card', () => stage.messages().findLast((m) => m.ts > first.ts && stage.button(m, 'approve_call')));
    expect(words(second)).toContain('Changed by ');
    expect(words(second)).toContain('parameters.feature_set');
    await stage.until('the old card to be closed', () => !stage.button(stage.messages().find((m) => m.ts === first.ts) as SandboxMessage, 'approve_call'));
    expect(stage.launches()).toHaveLength(before);

    await stage.click('U2', second, 'approve_call');
    const session = await stage.ended();
    expect(stage.launches().at(-1)?.parameters).toMatchObject({ feature_set: 'v3', learning_rate: '0.1' });
    expect([...session.approvals.values()].map((a) => [a.state, a.votes.map((v) => v.by)])).toEqual([
      ['edited', []],
      ['used', ['U2']],
    ]);
    expect(told).toMatchObject({ edited_by: ['U1'], changes: [{ name: 'parameters.feature_set', from: 'v2', to: 'v3' }] });
  });

  test('by an approver: what they wrote themselves counts as their yes', async () => {
    await stage.command('Run the approver edit experiment');
    await stage.click('U2', await stage.card('edit_call'), 'edit_call');
    expect(await fill(stage, 'U2', { feature_set: 'v3' })).toEqual([]);
    const session = await stage.ended();
    expect([...session.approvals.values()].map((a) => [a.state, a.votes.map((v) => v.by)])).toEqual([
      ['edited', []],
      ['used', ['U2']],
    ]);
    expect(stage.launches().at(-1)?.parameters).toMatchObject({ feature_set: 'v3' });
  });

  test('of another tool: its own arguments are the fields, and exactly the new ones are sent', async () => {
    await stage.command('Open the reworded pull request');
    const first = await stage.card('edit_call');
    await stage.click('U1', first, 'edit_call');
    expect(await fill(stage, 'U1', { Labels: `ml\n${'x'.repeat(51)}` })).toEqual(['Item 2 may have at most 50 characters.']);
    expect(await fill(stage, 'U1', { Title: 'feat: what it is', Labels: 'ml\nads', Draft: 'yes' })).toEqual([]);
    const second = await stage.until('the new card', () => stage.messages().findLast((m) => m.ts > first.ts && stage.button(m, 'approve_call')));
    await stage.click('U3', second, 'approve_call');
    const session = await stage.ended();
    expect([...session.approvals.values()].map((a) => a.state)).toEqual(['edited', 'used']);
    expect([...session.calls.values()][0]?.started?.arguments).toMatchObject({
      title: 'feat: what it is',
      labels: ['ml', 'ads'],
      draft: true,
      body: expect.stringContaining('As measured.'),
    });
    await stage.shows('Pull request #');
  });

  test('two calls of one reply are approved with one click', async () => {
    const before = stage.launches().length;
    await stage.command('Run both experiments');
    const card = await stage.card('approve_all');
    await stage.click('U2', card, 'approve_all');
    await stage.ended();
    expect(stage.launches()).toHaveLength(before + 2);
    await stage.until('to be told in the thread', () => stage.messages().find((m) => m.onlyFor === 'U2' && m.text.includes('both') && m.threadTs !== null));
  });

  test('what was declined is not asked again, though the model insists', async () => {
    const before = stage.launches().length;
    await stage.command('Run the insist experiment');
    await stage.click('U2', await stage.card(), 'deny_call');
    const modal = await stage.until('the reason modal', () =>
      stage.slack.world.data.modals.find((m) => m.user === 'U2' && m.view['callback_id'] === 'deny_reason'),
    );
    await stage.act({ as: 'U2', do: 'submit', modal: modal.id, values: { reason: { reason: { type: 'plain_text_input', value: 'not today' } } } });
    const session = await stage.ended();
    expect(session.approvals.size).toBe(1);
    expect([...session.calls.values()].map((c) => (c.status.is === 'finished' ? c.status.outcome.status : c.status.is))).toEqual(['denied', 'refused']);
    expect(stage.launches()).toHaveLength(before);
    await stage.shows(/denied by .*not today/);
  });
});

describe('time and budgets', () => {
  let stage: StoryStage;
  beforeAll(async () => {
    stage = await openStage({
      mode: 'http',
      config: {
        approvers: { default: { users: [], groups: ['S1'], quorum: 2, expiresAfter: '12s' } },
        budgets: { turns: 1 },
      },
      scripts: [runOnce('forgotten', { feature_set: 'v2' })],
    });
  });
  afterAll(async () => stage?.close());

  test('nobody decides: one reminder at half the time, then it expires; at its limit the session waits until an approver raises it', async () => {
    await stage.begin();
    await stage.command('Run the forgotten experiment');
    const card = await stage.card();
    await stage.click('U2', card, 'approve_call');
    const half = await stage.until('the way back on the card', () => stage.messages().find((m) => m.ts === card.ts && stage.button(m, 'withdraw_approval')));
    await stage.click('U2', half, 'withdraw_approval');
    const reminder = await stage.shows('Still waiting for a decision');
    expect(words(reminder)).toContain('"usergroup_id":"S1"');
    const asked = (await stage.session())?.approvals.values().next().value;
    expect(asked?.votes).toEqual([]);
    expect(Number(reminder.ts) * 1000).toBeGreaterThanOrEqual(Date.parse(asked?.askedAt ?? '') + 6_000);
    await stage.until('the card to say so', () => words(stage.messages().find((m) => m.ts === card.ts) as SandboxMessage).includes('nobody decided in time'));
    await stage.until('the reminder to be over', () =>
      words(stage.messages().find((m) => m.ts === reminder.ts) as SandboxMessage).includes('no longer matters'),
    );
    expect(stage.messages().filter((m) => m.text.includes('Still waiting'))).toHaveLength(0);

    const limit = await stage.card('raise_budget');
    expect(words(limit)).toContain('1 model turns');
    await stage.click('U1', limit, 'raise_budget');
    await stage.until('the requester to be told why not', () => stage.whispers('U1').find((w) => w.includes('not among those who may approve this')));
    expect((await stage.session())?.ended).toBeUndefined();
    await stage.click('U3', limit, 'raise_budget');
    const session = await stage.ended();
    expect(session.ended?.outcome).toBe('done');
    expect(session.raised).toBe(1);
    expect(stage.launches()).toHaveLength(0);
  });
});
