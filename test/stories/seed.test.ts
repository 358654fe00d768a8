import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { verify } from '../../src/session/chain.ts';
import { SEED, seedScript } from './seed.ts';
import { openStage, type StoryStage } from './stage.ts';

describe.each(['socket', 'http'] as const)('the main job over %s', (mode) => {
  let stage: StoryStage;
  beforeAll(async () => {
    stage = await openStage({ mode, scripts: [seedScript().script] });
  });
  afterAll(async () => stage?.close());

  test('from a sentence to a pull request that a person approved, and a record anyone can check', async () => {
    await stage.command(SEED);
    // Of ours only the root names who asked; the plan may stand below it already.
    const root = await stage.shows(/e-[0-9a-z]{4} for <@U1>/);
    expect(JSON.stringify(root)).toContain('feature_set=v2');

    const runCard = await stage.card();
    expect(stage.launches()).toHaveLength(0);
    await stage.click('U2', runCard, 'approve_call');

    await stage.until('the training to be waited for', async () =>
      [...((await stage.session())?.calls.values() ?? [])].some((c) => c.tool === 'wait_for_job' && c.status.is === 'parked'),
    );
    const asked = stage.claude.requests.length;
    await stage.until('the turn to rest', async () => (await stage.turns.getActiveCount()) === 0);
    expect(stage.launches()).toHaveLength(1);
    expect(stage.claude.requests).toHaveLength(asked);

    const pullCard = await stage.until('the pull request card', () => stage.messages().findLast((m) => stage.button(m, 'approve_call') && m.ts !== runCard.ts));
    await stage.click('U3', pullCard, 'approve_call');
    const session = await stage.ended();
    expect(session.ended?.outcome).toBe('done');

    const calls = [...session.calls.values()].map((c) => `${c.tool} ${c.status.is === 'finished' ? c.status.outcome.status : c.status.is}`);
    expect(calls).toEqual(['run_databricks_job ok', 'wait_for_job ok', 'find_best_run ok', 'compare_runs ok', 'create_github_pr ok']);
    expect([...session.approvals.values()].map((a) => [a.state, a.votes.map((v) => v.by).join()])).toEqual([
      ['used', 'U2'],
      ['used', 'U3'],
    ]);
    expect(stage.launches().map((l) => [l.jobId, l.parameters['feature_set']])).toEqual([['101', 'v2']]);

    const record = await stage.reading.lines(session.id);
    const checked = verify(record!.lines);
    expect(checked).toMatchObject({ ok: true, ended: true, approvals: 2, pullRequests: 1, head: session.head });
    await stage.shows(session.head);
    stage.model.check();
  });
});
