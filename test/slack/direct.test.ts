import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { slackService } from '../../src/services/slack.ts';
import type { SessionEvent } from '../../src/session/events.ts';
import { changesIn, narrate } from '../../src/slack/narrate.ts';
import { makeShow } from '../../src/slack/reconcile.ts';
import { asks, finished, replied, started, waitsForJob } from '../session/logs.ts';
import { aDesk, botToken, inMemory, permissions, silent, until, whispersTo } from './a-desk.ts';

let desk: Awaited<ReturnType<typeof aDesk>>;
beforeEach(async () => {
  desk = await aDesk('http');
});
afterEach(() => desk.close());

const run = { id: 'c1', tool: 'run_databricks_job' };
const data = () => desk.workspace.world.data;
const said = (channel: string) => data().messages.filter((m) => m.channel === channel && m.user === 'UBOT' && m.onlyFor === null);
const say = async (text: string, thread?: string, as = 'U1') =>
  (await desk.workspace.act({ as, do: 'say', text, channel: `D${as.slice(1)}`, thread })).ts ?? '';
const list = () => desk.log.reading.list('T1');
const the = (ts: string) => `T1-D1-${ts}`;
const eventsOf = async (id: string) => (await desk.log.log.read(id)).map((e) => e.event);
const status = (thread: string) => data().statuses.find((s) => s.channel === 'D1' && s.threadTs === thread);

async function happens(id: string, ...events: SessionEvent[]) {
  const { log } = desk.log;
  const owner = desk.log.owner(id);
  const lease = await log.claim(owner, 5_000);
  if (!lease) throw new Error('no lease');
  for (const event of events) {
    const guard = event.type === 'call_started' ? { is: 'effect' as const, approval: event.approval, executionExpiresMs: 60_000 } : { is: '' as const };
    expect((await log.commit(owner, lease.fence, await log.tip(id), [event], guard)).is).toBe('OK');
  }
  await log.park(owner, lease.fence, await log.tip(id), null);
}

/** A show with a clock of its own; the limiter lets everything through. */
function aShow(id: string) {
  const slack = slackService({ token: botToken, apiUrl: desk.workspace.url });
  const show = makeShow({
    slack,
    narrate: (s, _p, now, links) => narrate(s, { approvers: permissions.approvers, channels: ['C0ML'], now, links }),
    changesIn,
    blob: async () => new Uint8Array(),
    log: silent,
  });
  const slots = inMemory();
  return {
    slots,
    at: async (seconds: number, limiter: (name: string) => Promise<number> = async () => 0) => {
      const session = await desk.log.reading.session(id);
      if (!session) throw new Error('no session');
      return show(session, slots, limiter, session.opened.m + seconds * 1_000);
    },
  };
}

describe('a direct message', () => {
  test('opens an experiment in a thread of its own, which replies continue; nobody else is shown it', async () => {
    const ts = await say('Run job 101 with lr=0.1');
    await until(async () => (await list()).length === 1);
    expect((await eventsOf(the(ts)))[0]).toMatchObject({
      type: 'opened',
      door: 'direct',
      thread: ts,
      channel: 'D1',
      by: 'U1',
      prompt: 'Run job 101 with lr=0.1',
    });
    await say('and seed=7', ts);
    await until(async () => (await eventsOf(the(ts))).some((e) => e.type === 'told' && e.standing === 'requester' && e.text === 'and seed=7'));
    const type = async (as: string, text: string) =>
      (await desk.workspace.act({ as, do: 'command', command: '/experiment', text, channel: 'C0ML' })).response ?? '';
    const [about] = await list();
    expect(await type('U1', 'list')).toContain(about?.alias);
    expect(await type('U4', 'list')).toContain('There is no experiment yet');
    expect(await type('U4', `show ${about?.alias}`)).toContain('I know no experiment');
    // Who decides over it may look, and stop it.
    expect(await type('U2', `show ${about?.alias}`)).toContain('lr=0.1');
    // The commands need no slash here.
    await say('list');
    await until(() => whispersTo(desk.workspace, 'U1').find((t) => t.includes(`${about?.alias} thinking`)));
    await say('hello', undefined, 'U5');
    await until(() => whispersTo(desk.workspace, 'U5').find((t) => t.includes('Guests cannot')));
    expect(await list()).toHaveLength(1);
  });

  test('is where /experiment may be typed, but not in the direct messages of two colleagues', async () => {
    const type = (as: string, channel: string) => desk.workspace.act({ as, do: 'command', command: '/experiment', text: 'Run job 101', channel });
    expect((await type('U1', 'D1')).response).toMatch(/^Opened e-/);
    // The stand-in lets anybody type anywhere; Slack says whose messages these are.
    expect((await type('U1', 'D2')).response).toContain('I work in <#C0ML>, and in direct messages with me');
  });

  test('asks the approvers where they are, and each place links to the other; their yes counts there', async () => {
    const ts = await say('Run job 101');
    await until(async () => (await list()).length === 1);
    const approval = `${the(ts)}/1`;
    await happens(the(ts), replied(1, [run]), asks('c1', approval, new Date(Date.now() + 3_600_000).toISOString()));
    await desk.tell(the(ts));
    await desk.tell(the(ts));
    const card = said('C0ML').find((m) => m.text.startsWith('Approval needed'));
    expect(card?.threadTs).toBeNull();
    expect(JSON.stringify(card?.blocks)).toMatch(/Asked by experiment .*archives\/D1\/p/);
    const pointer = said('D1').find((m) => m.text.includes('asked for in'));
    expect(JSON.stringify(pointer?.blocks)).toContain(`archives/C0ML/p${card?.ts.replace('.', '')}`);
    expect(said('D1').some((m) => JSON.stringify(m.blocks).includes('approve_call'))).toBe(false);
    expect(status(ts)?.status).toBe('suspended');
    // What the runtime does when a card stands elsewhere.
    await desk.log.redis.set(desk.log.keys.thread('T1', 'C0ML', card?.ts ?? ''), the(ts));
    await desk.workspace.act({ as: 'U2', do: 'say', text: 'why lr=0.1?', channel: 'C0ML', thread: card?.ts });
    await until(() => whispersTo(desk.workspace, 'U2').find((t) => /^Passed on to e-.* Words approve nothing: press Approve on the card\.$/.test(t)));
    expect((await eventsOf(the(ts))).at(-1)).toMatchObject({ type: 'told', by: 'U2', standing: 'approver', text: 'why lr=0.1?' });
    await desk.workspace.act({ as: 'U4', do: 'say', text: '@labmate why?', channel: 'C0ML', thread: card?.ts });
    await until(() => whispersTo(desk.workspace, 'U4').find((t) => t.includes('Only <@U1>')));
    expect(await list()).toHaveLength(1);
    await desk.workspace.act({ as: 'U2', do: 'click', channel: 'C0ML', ts: card?.ts ?? '', actionId: 'approve_call', value: approval });
    expect((await eventsOf(the(ts))).at(-1)).toMatchObject({ type: 'approved', by: 'U2' });
  });

  test('that needs no tool is answered, and nothing else is posted; Slack shows that it is at work, and under which title', async () => {
    const ts = await say('Thanks a lot for yesterday!');
    await until(async () => (await list()).length === 1);
    const show = aShow(the(ts));
    expect((await show.at(1))?.againInMs).toBe(3_000);
    expect(said('D1')).toHaveLength(0);
    expect(status(ts)).toMatchObject({ status: 'processing', title: expect.stringMatching(/^e-\w+: Thanks a lot for yesterday!$/) });
    await happens(the(ts), replied(1, [], 'You are welcome.'), { type: 'ended', outcome: 'done', text: '' });
    await show.at(2);
    expect(said('D1').map((m) => m.text)).toEqual([expect.stringMatching(/^You are welcome\.\nrecord: 3 lines/)]);
    expect(status(ts)?.status).toBe('closed');
  });

  test('whose answer takes longer shows its steps', async () => {
    const ts = await say('What do you think?');
    await until(async () => (await list()).length === 1);
    await aShow(the(ts)).at(4);
    expect(said('D1')).toHaveLength(2);
  });
});

describe('the plan of a direct message', () => {
  const plans = () => data().messages.filter((m) => m.channel === 'D1' && JSON.stringify(m.blocks).includes('"type":"plan"'));
  const open = async () => {
    const ts = await say('Run job 101');
    await until(async () => (await list()).length === 1);
    return ts;
  };

  test('is a stream while something is done, a message that is edited while something is waited for, and a stream below what came meanwhile', async () => {
    const ts = await open();
    const id = the(ts);
    const show = aShow(id);
    await happens(id, replied(1, [{ id: 'c0', tool: 'find_best_run' }, run]));
    await show.at(5);
    expect(plans()).toMatchObject([{ streaming: true, threadTs: ts }]);
    expect(JSON.stringify(plans())).toContain('stop_session');
    await happens(id, finished('c0'), asks('c1', `${id}/1`, new Date(Date.now() + 3_600_000).toISOString()));
    await show.at(7);
    expect(plans()).toMatchObject([{ streaming: false, edited: true, metadata: { event_payload: { slot: 'plan' } } }]);
    expect(plans()[0]?.text).toContain('Waiting for approval');
    const first = plans()[0]?.ts;
    await desk.log.deliver('yes', { do: 'approve', session: id, approval: `${id}/1`, by: 'U2' });
    await happens(id, { ...started('c1'), approval: `${id}/1` });
    // The pointer to the card stands below the plan by now, so it goes on below that.
    await show.at(10);
    expect(plans()).toMatchObject([{ streaming: true }]);
    expect(plans()[0]?.ts).not.toBe(first);
    await happens(id, finished('c1', { run_id: '7' }), replied(9, [{ id: 'c2', tool: 'wait_for_job' }]), waitsForJob('c2'));
    await show.at(12);
    expect(plans()).toMatchObject([{ streaming: false }]);
    expect(plans()[0]?.text).toContain('Training; woken when it ends');
  });

  test('is begun anew before the four minutes are over, and stands there once', async () => {
    const ts = await open();
    const show = aShow(the(ts));
    await happens(the(ts), replied(1, [run]));
    const again = await show.at(5);
    expect(again?.againInMs).toBe(210_000);
    const first = plans()[0]?.ts;
    expect((await show.at(214))?.againInMs).toBe(1_000);
    expect(plans()[0]?.ts).toBe(first);
    await show.at(216);
    expect(plans()).toMatchObject([{ streaming: true }]);
    expect(plans()[0]?.ts).not.toBe(first);
  });

  test('is an edited message where a workspace has no streams, and nobody is asked twice', async () => {
    const ts = await open();
    const show = aShow(the(ts));
    const asked: string[] = [];
    desk.workspace.onTraffic((seen) => seen.what.includes('Stream') && asked.push(seen.what));
    for (const method of ['chat.startStream', 'agents.sessions.setStatus']) desk.workspace.fault({ target: 'slack', kind: 'unknown-method', method });
    await happens(the(ts), replied(1, [run]));
    await show.at(5);
    expect(plans()).toMatchObject([{ streaming: false }]);
    await happens(the(ts), finished('c1'));
    await show.at(7);
    expect(plans()).toMatchObject([{ streaming: false, edited: true }]);
    expect(asked).toHaveLength(1);
  });

  test('whose beginning was never answered is found again and stands there once', async () => {
    const ts = await open();
    const show = aShow(the(ts));
    await happens(the(ts), replied(1, [run]));
    desk.workspace.fault({ target: 'slack', kind: 'lost-reply', method: 'chat.startStream', times: 1 });
    await show.at(5);
    expect(plans()).toHaveLength(1);
    expect((await show.at(8))?.againInMs).toBe(3_000);
    // Whoever has the thread by now may have begun another, which looks the same.
    const { still } = show.slots;
    show.slots.still = () => Promise.reject(new Error("another one's"));
    await expect(show.at(12)).rejects.toThrow("another one's");
    expect(plans()).toHaveLength(1);
    show.slots.still = still;
    await show.at(12);
    expect(plans()).toMatchObject([{ streaming: true }]);
  });

  test('that Slack has ended is edited like any message', async () => {
    const ts = await open();
    const show = aShow(the(ts));
    await happens(the(ts), replied(1, [run], ''));
    await show.at(5);
    for (const m of plans()) m.streaming = false;
    await happens(the(ts), finished('c1'));
    await show.at(7);
    await show.at(9);
    expect(plans()).toMatchObject([{ edited: true }]);
    expect(plans()[0]?.text).toContain('● Run a training job');
  });
});

describe("Slack's own stop", () => {
  test('stops the session of that thread; who may not is told who can', async () => {
    const ts = await say('Run job 101');
    await until(async () => (await list()).length === 1);
    await aShow(the(ts)).at(1);
    const stop = (as: string, channel = 'D1', thread = ts) => desk.workspace.act({ as, do: 'stop', channel, thread });
    const elsewhere = (await desk.workspace.act({ as: 'U1', do: 'say', text: '@labmate train it', channel: 'C0ML' })).ts ?? '';
    await until(async () => (await list()).length === 2);
    data().statuses.push({ channel: 'C0ML', threadTs: elsewhere, status: 'processing', title: null });
    await stop('U4', 'C0ML', elsewhere);
    await until(() => whispersTo(desk.workspace, 'U4').find((t) => t.includes('Only <@U1>') && t.includes('<!subteam^S1>')));
    expect((await eventsOf(`T1-C0ML-${elsewhere}`)).some((e) => e.type === 'told')).toBe(false);
    await stop('U1');
    await until(async () => (await eventsOf(the(ts))).some((e) => e.type === 'told' && e.kind === 'stop' && e.by === 'U1'));
    expect((await eventsOf(the(ts))).filter((e) => e.type === 'told')).toHaveLength(1);
  });
});

test('whoever opens the conversation is offered what is usual here, and their last experiment', async () => {
  const ts = await say('Run job 101 with lr=0.3');
  await until(async () => (await list()).length === 1);
  await happens(the(ts), replied(1), { type: 'ended', outcome: 'done', text: '' });
  await desk.log.redis.hset(
    desk.log.keys.about('T1'),
    the(ts),
    JSON.stringify({ ...(await list())[0], state: 'done', endedAt: new Date().toISOString(), parameters: { config: 'base.json@0f', lr: '0.3' } }),
  );
  // Only answered, as what was not understood: nothing to hear again.
  const answered = { ...(await list())[0], session: 'T1-D1-later', alias: 'e-later', prompt: 'please do', state: 'answered' };
  await desk.log.redis.hset(desk.log.keys.about('T1'), 'T1-D1-later', JSON.stringify({ ...answered, openedAt: new Date(Date.now() + 60_000).toISOString() }));
  await desk.workspace.act({ as: 'U1', do: 'home', tab: 'messages' });
  const { prompts } = await until(() => data().prompts.find((p) => p.channel === 'D1'));
  expect(prompts.map((p) => p.title)).toEqual(['Try lr=0.3', 'Find the best val_f1', 'See the jobs', 'Ask for the last one again']);
  expect(prompts[0]?.message).toContain(
    'Run a training job with lr=0.3. Wait for it to complete. Compare its val_f1 to the best run in experiment "ads-rank-v3"',
  );
  expect(prompts[3]?.message).toBe('Run job 101 with lr=0.3');
});
