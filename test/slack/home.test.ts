import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { aboutOf } from '../../src/runtime/about.ts';
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
  await log.park(owner, lease.fence, (await log.tip(id)).seq, null);
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
    expect(requester).toMatch(/Waiting:.*Train the waiting one.*Finished:.*Train the other one/);
    expect(requester).toMatch(/"url":"[^"]*archives[^"]*","text":"e-/);
    expect(requester).not.toContain('Not theirs');
    expect(requester).toContain('Nothing waits for your yes.');
    const approver = await home('U2');
    expect(approver).toMatch(/Waiting for your yes.*, expires 2099-01-01 00:00 UTC/);
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
    }));
    const view = homeView({ approvals: [], experiments, more: 7, channels: [], at: '2026-11-01T09:00:00Z' });
    const words = JSON.stringify(view);
    expect(words.length).toBeLessThan(13_000);
    expect(words).not.toContain('<!channel>');
    expect(words).toContain('7 earlier; ');
  });
});

describe('a direct message', () => {
  test('is answered once with where to go, and opens nothing', async () => {
    const answers = () => desk.workspace.world.data.messages.filter((m) => m.channel === 'D1' && m.user === 'UBOT');
    await desk.workspace.act({ as: 'U1', do: 'say', text: 'Run job 101 please', channel: 'D1' });
    const [answer] = await until(() => answers().length > 0 && answers());
    expect(JSON.stringify(answer?.blocks)).toMatch(/I run experiments in channels.*"channel_id":"C0ML"/);
    await desk.workspace.act({ as: 'U1', do: 'say', text: 'Hello?', channel: 'D1' });
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(answers()).toHaveLength(1);
    expect(await desk.log.reading.list('T1')).toEqual([]);
  });
});
