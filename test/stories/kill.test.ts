import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { verify } from '../../src/session/chain.ts';
import { seedScript } from './seed.ts';
import { openStage, type StoryStage } from './stage.ts';

describe('kill -9 of the worker', () => {
  let stage: StoryStage;
  beforeAll(async () => {
    stage = await openStage({ mode: 'socket', trainingSeconds: 20, scripts: [seedScript().script] });
  }, 60_000);
  afterAll(async () => stage?.close());

  test('in the middle of starting the job, while asleep, and in the middle of opening the pull request: one run, one pull request', async () => {
    await stage.command('Run the seed');
    // Databricks has started the run, and its answer never arrives.
    const launching = stage.standIns.hold('databricks', { method: 'POST', path: 'jobs/run-now', when: 'after' });
    const runCard = await stage.card();
    await stage.click('U2', runCard, 'approve_call');
    await launching.reached;
    await stage.product.kill('worker');
    launching.drop();

    await stage.until(
      'the wait for the training',
      async () => [...((await stage.session())?.calls.values() ?? [])].some((c) => c.tool === 'wait_for_job' && c.status.is === 'parked'),
      40,
    );
    await stage.product.kill('worker');

    const opening = stage.standIns.hold('github', { method: 'POST', path: '/pulls', when: 'after' });
    const pullCard = await stage.until(
      'the pull request card',
      () => stage.messages().findLast((m) => stage.button(m, 'approve_call') && m.ts !== runCard.ts),
      60,
    );
    await stage.click('U2', pullCard, 'approve_call');
    await opening.reached;
    await stage.product.kill('worker');
    opening.drop();

    const session = await stage.ended(60);
    expect(session.ended?.outcome).toBe('done');
    expect(stage.launches()).toHaveLength(1);
    const pulls = await (
      await fetch(`${stage.standIns.variables['GITHUB_API_URL']}/repos/acme/ads/pulls?state=all`, { headers: { authorization: 'Bearer ghp_sandbox_token' } })
    ).json();
    expect(pulls).toHaveLength(1);
    const record = await stage.reading.lines(session.id);
    expect(verify(record!.lines)).toMatchObject({ ok: true, ended: true, approvals: 2, pullRequests: 1 });
    await stage.shows(session.head);
    const roots = stage.messages().filter((m) => m.bot && m.threadTs === null && m.onlyFor === null);
    expect(roots).toHaveLength(1);
    stage.model.check();
  }, 180_000);
});
