import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { aboutOf } from '../../src/runtime/about.ts';
import { refuseView } from '../../src/sandbox/slack/validate-view.ts';
import type { SessionEvent } from '../../src/session/events.ts';
import { homeView } from '../../src/slack/views/home.ts';
import { asks, replied } from '../session/logs.ts';
import { aDesk, until } from './a-desk.ts';

let desk: Awaited<ReturnType<typeof aDesk>>;
beforeEach(async () => {
  desk = await aDesk('http');
});
afterEach(() => desk.close());

const command = (text: string, as = 'U1') => desk.workspace.act({ as, do: 'command', command: '/experiment', text, channel: 'C0ML' });

async function happens(id: string, ...events: SessionEvent[]) {
  const { log } = desk.log;
  const owner = desk.log.owner(id);
  const lease = await log.claim(owner, 5_000);
  if (!lease) throw new Error('no lease');
  for (const event of events) expect((await log.commit(owner, lease.fence, await log.tip(id), [event], { is: '' })).is).toBe('OK');
  await log.park(owner, lease.fence, await log.tip(id), null);
  // What the runtime does after each turn.
  const session = await desk.log.reading.session(id);
  if (session) await desk.log.redis.hset(desk.log.keys.about('T1'), id, JSON.stringify(aboutOf(session, null)));
}

/** What this person sees on Home after opening it. */
async function home(as: string): Promise<string> {
  const before = desk.workspace.world.data.homes[as];
  await desk.workspace.act({ as, do: 'home' });
  return JSON.stringify(await until(() => desk.workspace.world.data.homes[as] !== before && desk.workspace.world.data.homes[as]));
}

describe('Home', () => {
  test('says how to start to somebody who has nothing yet', async () => {
    const seen = await home('U4');
    expect(seen).toContain('You have no experiment yet.');
    expect(seen).toContain('Nothing waits for your yes.');
    expect(seen).toContain('"channel_id":"C0ML"');
  });

  test('does not invite a guest, who may open none', async () => {
    const seen = await home('U5');
    expect(seen).toContain('Guests cannot do this; a full member of the workspace has to.');
    expect(seen).not.toMatch(/You can open|start_experiment|Type /);
  });

  test('shows the requester their own experiments with links to the threads, and the approver what waits for them', async () => {
    await command('Train the waiting one');
    await command('Train the other one');
    await command('Not theirs', 'U4');
    const all = await desk.log.reading.list('T1');
    const id = all.find((a) => a.prompt === 'Train the waiting one')?.session ?? '';
    await happens(id, replied(1, [{ id: 'c1', tool: 'run_databricks_job', input: { job_id: '101' } }]), asks('c1', `${id}/1`, '2099-01-01T00:00:00.000Z'));
    const ended = all.find((a) => a.prompt === 'Train the other one')?.session ?? '';
    await happens(ended, replied(1), { type: 'ended', outcome: 'done', text: '' });
    await desk.tell(id);
    const root = desk.slots.now()['root'];
    await desk.log.redis.hset(desk.log.keys.slots(id), 'root', JSON.stringify(root));

    const requester = await home('U1');
    expect(requester).toMatch(/Waiting".*Train the waiting one.*Finished".*Train the other one/);
    const endedAt = (await desk.log.reading.session(ended))?.ended?.at ?? '';
    const time = `ended ${endedAt.slice(0, 10)} ${endedAt.slice(11, 16)} UTC`;
    // Finished experiments and last records: one time of one experiment.
    expect(requester).toMatch(new RegExp(`Waiting".* · opened .*Finished".* · ${time} · .*The last records.* · ${time} · `));
    expect(requester).toMatch(/"url":"[^"]*archives[^"]*","text":"e-/);
    expect(requester).not.toContain('Not theirs');
    expect(requester).toContain('Nothing waits for your yes.');
    const approver = await home('U2');
    expect(approver).toMatch(/Waiting for your yes.*expires 2099-01-01 00:00 UTC/);
  });

  test('shows every experiment that is open, however many finished ones came after it', async () => {
    await command('Train the one that waits since last week');
    for (let i = 0; i < 12; i++) {
      await command(`Train number ${i}`);
      const about = (await desk.log.reading.list('T1')).find((a) => a.prompt === `Train number ${i}`);
      await happens(about?.session ?? '', replied(1), { type: 'ended', outcome: 'done', text: '' });
    }
    const seen = await home('U1');
    expect(seen).toContain('Train the one that waits since last week');
    expect(seen.match(/Train number \d+/g)).toHaveLength(10);
    // `list` has fewer than stand here already.
    expect(seen).toMatch(/2 more; .*experiment find WORDS.* shows those that match\./);
    expect(seen).not.toContain('/experiment list');
  });

  test('lets an approver decide right there, and says what came of it; who may not is told who can', async () => {
    await command('Train it');
    const [about] = await desk.log.reading.list('T1');
    const id = about?.session ?? '';
    await happens(id, replied(1, [{ id: 'c1', tool: 'run_databricks_job', input: { job_id: '101' } }]), asks('c1', `${id}/1`, '2099-01-01T00:00:00.000Z'));
    const seen = await home('U2');
    expect(refuseView(desk.workspace.world.data.homes['U2'])).toBeNull();
    expect(seen).toMatch(/Exactly this is sent.*feature_set/);
    const view = String(desk.workspace.world.data.homes['U2']?.['id']);
    const click = (actionId: string, as = 'U2', where = view) => desk.workspace.act({ as, do: 'click', channel: '', ts: '', actionId, view: where });
    await click('show_call');
    const details = await until(() => {
      const words = JSON.stringify(desk.workspace.world.data.modals.find((m) => m.user === 'U2')?.view ?? '');
      return words.includes('digest') && words;
    });
    expect(details).toMatch(/Asked for by .*"user_id":"U1".*May approve: .*"usergroup_id":"S1"/);
    await click('deny_call');
    const modal = await until(() => desk.workspace.world.data.modals.find((m) => m.user === 'U2' && m.view['callback_id'] === 'deny_reason'));
    await desk.workspace.act({ as: 'U2', do: 'close', modal: modal.id });
    expect((await click('approve_call')).ok).toBe(true);
    const after = await until(() => {
      const now = JSON.stringify(desk.workspace.world.data.homes['U2']);
      return now.includes('Approved.') && now;
    });
    expect(after).toContain('Nothing waits for your yes.');
    expect((await desk.log.reading.session(id))?.approvals.get(`${id}/1`)?.votes.map((v) => v.by)).toEqual(['U2']);
  });

  test('one record that does not hold takes Home and the list of approvals from nobody', async () => {
    for (const text of ['Train the broken one', 'Train the whole one']) await command(text);
    const all = await desk.log.reading.list('T1');
    for (const { session: id } of all)
      await happens(id, replied(1, [{ id: 'c1', tool: 'run_databricks_job', input: { job_id: '101' } }]), asks('c1', `${id}/1`, '2099-01-01T00:00:00.000Z'));
    const [broken, whole] = ['broken', 'whole'].map((word) => all.find((a) => a.prompt.includes(word)));
    await desk.log.redis.xdel(desk.log.keys.log(broken?.session ?? ''), '2-0');
    const seen = await home('U2');
    expect(seen).toContain(whole?.alias);
    expect(seen).not.toContain(broken?.alias);
    expect(await home('U1')).toContain('Train the broken one');
    await desk.workspace.act({ as: 'U2', do: 'command', command: '/experiment', text: 'approvals', channel: 'C0ML' });
    await until(() => desk.workspace.world.data.messages.find((m) => m.onlyFor === 'U2' && m.text.includes(whole?.alias ?? '')));
  });

  test('shows what is left of the budgets, the last records, and opens the form', async () => {
    await command('Train the one that goes on');
    await command('Train the other one', 'U4');
    const ended = (await desk.log.reading.list('T1')).find((a) => a.by === 'U4')?.session ?? '';
    await happens(ended, replied(1), { type: 'ended', outcome: 'done', text: '' });
    const seen = await home('U1');
    expect(seen).toContain('Budget: you have 1 of 10 experiments open, this workspace has 1 of 200. You can open 9 more.');
    expect(seen).toContain('0 of 40 turns, 0 of 120 calls');
    expect(seen).toMatch(/The last records.*e-\w+.* answered.*3 lines, head [0-9a-f]{12}/);
    const view = String(desk.workspace.world.data.homes['U1']?.['id']);
    await desk.workspace.act({ as: 'U1', do: 'click', channel: '', ts: '', actionId: 'start_experiment', view });
    await until(() => desk.workspace.world.data.modals.find((m) => m.user === 'U1' && m.view['callback_id'] === 'new_experiment'));
  });

  test('stays within what Slack takes, however long the prompts are', () => {
    const experiments = Array.from({ length: 10 }, (_, i) => ({
      alias: `e-${i}`,
      state: 'working',
      verdict: null,
      prompt: 'x <!channel> '.repeat(500),
      openedAt: '2026-11-01T09:00:00Z',
      endedAt: null,
      url: 'https://acme.slack.com/archives/C0ML/p1',
      used: null,
    }));
    const view = homeView({ approvals: [], experiments, more: 7, budget: null, records: [], channels: [], mayOpen: { ok: true }, at: '2026-11-01T09:00:00Z' });
    const words = JSON.stringify(view);
    expect(words.length).toBeLessThan(13_000);
    expect(words).not.toContain('<!channel>');
    expect(words).toContain('7 more; ');
  });
});
