import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { SandboxMessage } from '../../src/sandbox/control-types.ts';
import { wordsOf } from '../../src/sandbox/print-thread.ts';
import { verify } from '../../src/session/chain.ts';
import { seedScript } from './seed.ts';
import { openStage, type StoryStage } from './stage.ts';

const TEN = 'Train while everything around you dies';
const ten = {
  when: TEN,
  steps: [{ say: 'I will train.', calls: [{ tool: 'run_databricks_job', input: { job_id: '101', parameters: { feature_set: 'v3' } } }] }, { say: 'Started.' }],
};

describe('kill -9', () => {
  let stage: StoryStage;
  beforeAll(async () => {
    stage = await openStage({ mode: 'socket', trainingSeconds: 20, scripts: [seedScript({ when: 'Run the seed' }).script, ten] });
  });
  afterAll(async () => stage?.close());

  test('ten times of gateway and worker, with a card pending: one root, one card, one last word; the click runs it once, and the card says who and when', async () => {
    const restarted = async (role: 'gateway' | 'worker') => {
      await stage.product.kill(role);
      await stage.until(`the ${role} to be back`, async () => (await fetch(`${stage.product.admin(role)}/readyz`).catch(() => null))?.ok);
    };
    await stage.command(TEN);
    const card = await stage.card();
    for (let i = 0; i < 3; i++) for (const role of ['gateway', 'worker'] as const) await restarted(role);
    await stage.click('U2', card, 'approve_call');
    for (let i = 0; i < 2; i++) for (const role of ['worker', 'gateway'] as const) await restarted(role);
    const session = await stage.ended();
    await stage.shows(session.head);

    expect(session.ended?.outcome).toBe('done');
    expect(stage.launches().filter((l) => l.parameters['feature_set'] === 'v3')).toHaveLength(1);
    const slots = stage.messages().flatMap((m) => (m.metadata as { event_payload?: { slot?: string } } | null)?.event_payload?.slot ?? []);
    expect(slots.toSorted()).toEqual([...new Set(slots)].toSorted());
    expect(
      slots
        .filter((slot) => /^(root|final|card:)/.test(slot))
        .map((slot) => slot.split(':')[0])
        .toSorted(),
    ).toEqual(['card', 'final', 'root']);
    const asked = () => wordsOf(stage.messages().find((m) => m.ts === card.ts) as SandboxMessage);
    await stage.until('the card to say who and when', () => /Approved by <@U2> .*\d{2}:\d{2} UTC/.test(asked()));
    await stage.begin();
  });

  test('of the worker in the middle of starting the job, while asleep, and in the middle of opening the pull request: one run, one pull request', async () => {
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

    const session = await stage.ended();
    expect(session.ended?.outcome).toBe('done');
    expect(stage.launches().filter((l) => l.parameters['feature_set'] === 'v2')).toHaveLength(1);
    const pulls = await (
      await fetch(`${stage.standIns.variables['GITHUB_API_URL']}/repos/acme/ads/pulls?state=all`, { headers: { authorization: 'Bearer ghp_sandbox_token' } })
    ).json();
    expect(pulls).toHaveLength(1);
    const record = await stage.reading.lines(session.id);
    expect(verify(record!.lines)).toMatchObject({ ok: true, ended: true, approvals: 2, pullRequests: 1 });
    await stage.shows(session.head);
    const roots = stage.messages().filter((m) => m.ts >= runCard.threadTs! && m.bot && m.threadTs === null && m.onlyFor === null);
    expect(roots).toHaveLength(1);
    stage.model.check();
  });
});
