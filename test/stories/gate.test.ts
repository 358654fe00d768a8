import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Script } from '../../src/sandbox/claude/scripted.ts';
import { openStage, type StoryStage } from './stage.ts';

/** One gated call and a closing word. */
const runOnce = (when: string, parameters: Record<string, string>, job = '101', last = 'Finished.'): Script => ({
  when,
  steps: [{ say: 'I will run the job.', calls: [{ tool: 'run_databricks_job', input: { job_id: job, parameters } }] }, { say: last }],
});

describe('who may say yes, and to what', () => {
  let stage: StoryStage;
  beforeAll(async () => {
    stage = await openStage({
      mode: 'socket',
      config: { approvers: { default: { users: ['U1'], groups: ['S1'] } } },
      scripts: [
        runOnce('clicks', { feature_set: 'v2' }),
        runOnce('denial', { feature_set: 'v3' }),
        runOnce('production', { feature_set: 'v2' }, '900', 'It was refused.'),
        runOnce('stopping', { feature_set: 'v4' }),
      ],
    });
  });
  afterAll(async () => stage?.close());
  beforeEach(() => stage.begin());

  test('requester and outsider are told why not; a double click is one effect', async () => {
    await stage.command('Run the clicks experiment');
    const card = await stage.card();
    await stage.click('U1', card, 'approve_call');
    await stage.until('the requester to be told', () => stage.whispers('U1').find((w) => w.includes('You asked for it')));
    await stage.click('U4', card, 'approve_call');
    await stage.until('the outsider to be told', () => stage.whispers('U4').find((w) => w.includes('not among those who may approve this')));
    await stage.click('U5', card, 'approve_call');
    await stage.until('the guest to be told', () => stage.whispers('U5').find((w) => w.includes('Guests')));
    expect(stage.launches()).toHaveLength(0);

    await Promise.all([stage.click('U2', card, 'approve_call'), stage.click('U2', card, 'approve_call'), stage.click('U3', card, 'approve_call')]);
    const session = await stage.ended();
    expect(stage.launches()).toHaveLength(1);
    expect(session.refusedDecisions.map((r) => r.by)).toEqual(['U1', 'U4', 'U5']);
    expect([...session.approvals.values()].map((a) => a.votes.length)).toEqual([1]);
    await stage.until('the card to be closed', () => !stage.button(stage.messages().find((m) => m.ts === card.ts)!, 'approve_call'));
  });

  test('a denial counts when its reason is submitted, reaches the model, and nothing runs', async () => {
    const before = stage.launches().length;
    await stage.command('Run the denial experiment');
    const card = await stage.card();
    await stage.click('U2', card, 'deny_call');
    const modal = await stage.until('the reason modal', () => stage.slack.world.data.modals.find((m) => m.user === 'U2'));
    expect((await stage.session())?.approvals.size).toBe(1);
    const [block, action] = inputOf(modal.view);
    await stage.act({ as: 'U2', do: 'submit', modal: modal.id, values: { [block]: { [action]: { type: 'plain_text_input', value: 'v3 is not ready' } } } });
    const session = await stage.ended();
    expect(stage.launches()).toHaveLength(before);
    expect([...session.approvals.values()].map((a) => [a.state, a.by, a.reason])).toEqual([['denied', 'U2', 'v3 is not ready']]);
    const results = stage.claude.requests.at(-1)?.request.messages.at(-1);
    expect(JSON.stringify(results)).toContain('v3 is not ready');
    await stage.shows('v3 is not ready');
  });

  test('prod is refused before anybody is asked', async () => {
    const before = stage.launches().length;
    await stage.command('Run the production experiment');
    const session = await stage.ended();
    expect(session.approvals.size).toBe(0);
    expect(stage.launches()).toHaveLength(before);
    expect([...session.calls.values()].map((c) => (c.status.is === 'finished' ? c.status.outcome.status : c.status.is))).toEqual(['refused']);
    await stage.shows(/belongs to prod/);
    // Asked again as it was, it would be refused again.
    const final = await stage.until('the last message', async () => stage.messages().find((m) => JSON.stringify(m.blocks).includes(`again:${session.id}`)));
    expect([stage.button(final, 'rerun_session'), stage.button(final, 'rerun_changed')]).toEqual([false, true]);
  });

  test('a stop withdraws the card, and a click on it afterwards does nothing', async () => {
    const before = stage.launches().length;
    await stage.command('Run the stopping experiment');
    const card = await stage.card();
    const alias = (await stage.session())?.opened.alias ?? '';
    await stage.command(`stop ${alias}`);
    const session = await stage.ended();
    expect(session.ended?.outcome).toBe('stopped');
    await stage.slack.act({ as: 'U2', do: 'click', channel: card.channel, ts: card.ts, actionId: 'approve_call' });
    expect(stage.launches()).toHaveLength(before);
    expect([...session.approvals.values()].map((a) => a.state)).toEqual(['withdrawn']);
  });
});

function inputOf(view: unknown): [string, string] {
  const blocks = (view as { blocks: { type: string; block_id: string; element?: { action_id: string } }[] }).blocks;
  const input = blocks.find((b) => b.type === 'input');
  return [input?.block_id ?? '', input?.element?.action_id ?? ''];
}
