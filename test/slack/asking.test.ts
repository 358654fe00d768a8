import { afterEach, describe, expect, test } from 'vitest';
import { standingOf } from '../../src/agent/facts.ts';
import { aboutOf } from '../../src/runtime/about.ts';
import type { EventOf, Preview, SessionEvent } from '../../src/session/events.ts';
import { cardNameOf, reminderIn } from '../../src/slack/cards.ts';
import { callDetails } from '../../src/slack/modals.ts';
import { type NarrateView, narrate, type Slot } from '../../src/slack/narrate.ts';
import { makeShow } from '../../src/slack/reconcile.ts';
import { approved, asks, DIGEST, denied, finished, opened, replied, START, sessionOf, started, told } from '../session/logs.ts';
import { aDesk, inMemory, permissions, silent, until, whispersTo } from './a-desk.ts';

const MINUTE = 60_000;
const run = { id: 'c1', tool: 'run_databricks_job' };
/** Asked at 09:02, expires at 11:02. */
const asked = [opened(), replied(1, [run]), asks('c1', 's1/1', new Date(START + 122 * MINUTE).toISOString())];
const view = (more: Partial<NarrateView> = {}): NarrateView => ({ approvers: permissions.approvers, ...more });
const slotsOf = (events: SessionEvent[], more: Partial<NarrateView> = {}) => narrate(sessionOf(events), view(more));
const named = (slots: Slot[], name: string) => {
  const found = slots.find((s) => s.name === name);
  return found && 'blocks' in found ? found : null;
};
const json = (slots: Slot[], name: string) => JSON.stringify(named(slots, name)?.blocks ?? null);
const buttons = (slots: Slot[], name: string) => [...json(slots, name).matchAll(/"action_id":"(\w+)"/g)].map((m) => m[1]);
const edit = (by = 'U1', approval = 's1/1'): EventOf<'edited'> => {
  const w = asks('c1').waiting as Extract<EventOf<'call_parked'>['waiting'], { for: 'approval' }>;
  const args = { ...w.arguments, parameters: { feature_set: 'v3', seed: '1' } };
  const next = { approval: `${approval}.1`, digest: 'b'.repeat(64), arguments: args, preview: w.preview, expires_at: w.expires_at, input: { job_id: '101' } };
  return { type: 'edited', call: 'c1', approval, by, digest: DIGEST, next };
};

describe('a reminder', () => {
  const at = (minutes: number, ...more: SessionEvent[]) => named(slotsOf([...asked, ...more], { now: START + minutes * MINUTE }), 'reminder:card:2');

  test('comes once half the time is over, names the approvers, and is done with when somebody decides', () => {
    expect(at(61)).toBeNull();
    expect(at(62)?.text).toBe('Still waiting for a decision: Run job 101 (ads-train), expires 2026-11-01 11:02 UTC');
    expect(JSON.stringify(at(62)?.blocks)).toContain('"usergroup_id":"S1"');
    expect(at(200, told('hm'), denied('c1', 'U2'))).toBeNull();
    const late = [...Array.from({ length: 60 }, () => told('hm', 'message', 'other', 'U9')), denied('c1', 'U2')];
    expect(at(200, ...late)?.text).toBe('Everything above is decided, so this reminder no longer matters.');
  });

  test('is looked for when it is due and not before', () => {
    const s = sessionOf(asked);
    expect(reminderIn(s, START + 2 * MINUTE)).toBe(60 * MINUTE);
    expect(reminderIn(s, START + 62 * MINUTE)).toBeNull();
    expect(reminderIn(sessionOf([...asked, denied('c1')]), START)).toBeNull();
    expect(reminderIn(sessionOf([...asked, told('', 'stop')]), START)).toBeNull();
  });
});

describe('a card', () => {
  test('whose call was put differently gives way to one that shows what differs, and by whom', () => {
    const slots = slotsOf([...asked, edit()]);
    expect(named(slots, 'card:2')?.text).toBe('Approval: Run job 101 (ads-train) (edited)');
    expect(buttons(slots, 'card:2')).toEqual([]);
    expect(buttons(slots, 'card:2:1')).toEqual(['approve_call', 'deny_call', 'edit_call', 'show_call']);
    expect(json(slots, 'card:2:1')).toMatch(/Changed by .*"user_id":"U1".*parameters\.feature_set.* v2 → .*v3.*parameters\.seed.* is added: /);
    expect(cardNameOf(sessionOf([...asked, edit()]), 's1/1.1')).toBe('card:2:1');
  });

  test('says of the words the model wrote before a person put the call differently that they are older than that, also when it is asked again', () => {
    const why = 'Run job 101 with dropout=0.1.';
    const wordy = <T>(question: T): T => ({ ...question, preview: { ...(question as { preview: Preview }).preview, why } });
    const question = asked[2] as EventOf<'call_parked'>;
    const first: SessionEvent[] = [opened(), replied(1, [run]), { ...question, waiting: wordy(question.waiting) }];
    const other = { ...edit('U2'), next: wordy(edit().next) };
    const again = asks('c1', 's1/3');
    const slots = slotsOf([...first, other, { ...again, waiting: { ...wordy(again.waiting), again: 'What would be sent has changed.' } } as SessionEvent]);
    const heading = (name: string) => json(slots, name).match(/"text":"[^"]*unchecked:"|Written by the model before ".*? changed it/)?.[0];
    expect(heading('card:2')).toBe('"text":"In the model\'s words, unchecked:"');
    for (const name of ['card:2:1', 'card:2:2']) expect(heading(name)).toContain('"user_id":"U2"');
    const [, changed] = [...sessionOf([...first, other]).approvals.values()];
    expect(JSON.stringify(changed && callDetails(changed, 'x', { requester: 'U1', mayApprove: () => [], closed: false }))).toMatch(
      /Written by the model before .*"user_id":"U2".*dropout=0\.1/,
    );
  });

  test('that was put differently makes the gate plan what was put, not what the model had asked for', () => {
    expect(sessionOf([...asked, edit()]).calls.get('c1')?.input).toEqual({ job_id: '101' });
  });

  test('keeps the way back while votes are missing, and until what it lets go has begun', () => {
    const two = { ...asked[2], waiting: { ...(asked[2] as EventOf<'call_parked'>).waiting, need: 2 } } as SessionEvent;
    const half = [...asked.slice(0, 2), two, { ...approved('c1'), need: 2 }] as SessionEvent[];
    expect(json(slotsOf(half), 'card:2')).toContain('1 of 2 say yes:');
    expect(buttons(slotsOf(half), 'card:2')).toContain('withdraw_approval');
    expect(buttons(slotsOf([...asked, approved('c1')]), 'card:2')).toEqual(['withdraw_approval']);
    expect(buttons(slotsOf([...asked, approved('c1'), started('c1')]), 'card:2')).toEqual([]);
  });

  test('whose approval ran out before the call says so, beside the new one', () => {
    const again = asks('c1', 's1/2');
    const slots = slotsOf([...asked, approved('c1'), { ...again, waiting: { ...again.waiting, again: 'The approval had run out.' } } as SessionEvent]);
    expect(json(slots, 'card:2')).toContain('but not used: it was asked again below.');
    expect(buttons(slots, 'card:2')).toEqual([]);
    expect(json(slots, 'card:2:1')).toContain('Asked again: The approval had run out.');
  });

  test('with several open decisions can be answered at once, and only for what stands on it', () => {
    const both = [opened(), replied(1, [run, { id: 'c2', tool: 'run_databricks_job' }]), asks('c1'), asks('c2', 's1/2')];
    expect(json(slotsOf(both), 'card:2')).toContain('"text":"Approve both","emoji":false},"value":"s1/1+2"');
    expect(buttons(slotsOf([...both, approved('c1')]), 'card:2')).not.toContain('approve_all');
    // Slack takes a value of 2,000 characters, and refuses the whole card for a longer one.
    const long = [opened(), replied(1, [run, { id: 'c2', tool: 'run_databricks_job' }]), asks('c1'), asks('c2', `s1/2${`.${'b'.repeat(12)}`.repeat(160)}`)];
    expect(buttons(slotsOf(long), 'card:2')).not.toContain('approve_all');
    expect(buttons(slotsOf(long), 'card:2').filter((action) => action === 'approve_call')).toHaveLength(2);
  });

  test('of a session from elsewhere stands where its approvers are, and each links to the other', async () => {
    const dm = { ...opened(), channel: 'D1' };
    const rule = permissions.approvers['default'];
    const given = { channels: ['C0ML'], approvers: { default: { ...rule, channel: 'C0ML' } as never } };
    const events = [dm, ...asked.slice(1)];
    const slots = slotsOf(events, given);
    expect(slots.filter((s) => s.channel).map((s) => [s.name, s.channel, s.thread])).toEqual([['card:2', 'C0ML', false]]);
    expect(json(slots, 'asked:card:2')).toContain('"channel_id":"C0ML"');
    expect(slotsOf(events, { ...given, channels: ['C0ML', 'D1'] }).some((s) => s.channel)).toBe(false);

    const posted: { channel: string; thread?: string | undefined; text: string; blocks?: unknown }[] = [];
    const slack = {
      post: async (message: (typeof posted)[number]) => ({ ts: `1.${posted.push(message)}` }),
      agents: { setStatus: async () => undefined },
      update: async (message: (typeof posted)[number]) => void posted.push(message),
      permalink: async ({ channel, ts }: { channel: string; ts: string }) => `https://slack.example/${channel}/${ts}`,
    };
    const show = makeShow({
      slack: slack as never,
      narrate: (s, _progress, now, links) => narrate(s, view({ ...given, now, links })),
      changesIn: reminderIn,
      blob: async () => new Uint8Array(),
      log: silent,
    });
    const shown = inMemory();
    const look = () => show(sessionOf(events), shown, async () => 0, START + 3 * MINUTE, []);
    await look();
    expect(await look()).toEqual({ againInMs: 59 * MINUTE });
    expect(shown.now()['card:2']).toMatchObject({ channel: 'C0ML' });
    expect(posted.find((p) => p.channel === 'C0ML')?.thread).toBeUndefined();
    const last = (words: string) => JSON.stringify(posted.findLast((p) => JSON.stringify(p.blocks).includes(words))?.blocks);
    expect(last('Asked by experiment')).toContain(`https://slack.example/D1/${shown.now()['root']?.ts}`);
    expect(last('asked for in')).toContain(`https://slack.example/C0ML/${shown.now()['card:2']?.ts}`);
  });
});

describe('what people read', () => {
  const ended = (outcome: 'done' | 'stopped', text: string): SessionEvent => ({ type: 'ended', outcome, text });

  test('who declined is a name; the hint for the model is not for them', () => {
    const declined = finished('c1', { status: 'declined', by: 'U2', hint: 'Nothing was run.' }, 'denied');
    const plan = slotsOf([...asked, denied('c1', 'U2', 'too dear'), declined]);
    expect(json(plan, 'plan')).toMatch(/denied by .*"user_id":"U2".*: too dear/);
    expect(json(plan, 'plan')).not.toContain('Nothing was run');
  });

  test('who stopped is a name', () => {
    const final = slotsOf([opened(), told('', 'stop', 'approver', 'U2'), ended('stopped', 'Stopped by <@U2>. Nothing was left running.')]);
    expect(json(final, 'final')).toMatch(/Stopped.* by .*"user_id":"U2"/);
    expect(json(final, 'final')).toMatch(/"user_id":"U2"[^U]*"; "[^U]*"user_id":"U1"[^U]*had asked for the experiment/);
    expect(named(final, 'final')?.text).toMatch(/^Stopped\nNothing was left running\./);
    const own = slotsOf([opened(), told('', 'stop'), ended('stopped', 'Stopped by <@U1>. Nothing was left running.')]);
    expect(json(own, 'final').match(/"user_id":"U1"/g)).toHaveLength(1);
  });

  test('a page that a tool gave is a short link, whoever writes it; any other address stays text', () => {
    const page = 'https://dbc.example/?o=123#job/1/run/7';
    const events = [opened(), replied(1, [run]), { ...started('c1'), rule: 'r' }, finished('c1', { run_id: '7', run_url: page })];
    delete (events[2] as { approval?: string }).approval;
    const slots = slotsOf([...events, replied(4, [], `See ${page} and https://evil.example/x.`), ended('done', '')]);
    expect(json(slots, 'final')).toContain(`{"type":"link","url":"${page}","text":"run 7"}`);
    expect(json(slotsOf([...events, replied(4, [], `New run: ${page}`), ended('done', '')]), 'final')).toContain(`"url":"${page}","text":"7"`);
    expect(json(slots, 'final')).not.toContain('"url":"https://evil.example');
    expect(named(slots, 'final')?.text).toContain(page);
  });

  test('a call that asked back is not done, and Markdown is not shown as stars', () => {
    const back: SessionEvent = { type: 'call_finished', call: 'c1', outcome: { status: 'ok', text: 'Which **`base`**?', data: { status: 'question' } } };
    const slots = slotsOf([opened(), replied(1, [run]), back, replied(3, [], 'Hm.'), ended('done', '')]);
    expect(named(slots, 'plan')?.text).toBe('❓ e-test: Ended with an open question\n○ Run a training job: asked back: Which base?');
    expect(json(slots, 'final')).not.toContain('What was done');
  });

  test('a search that found nothing has no tick', () => {
    const text = 'MLflow has no experiment called ads.';
    const slots = slotsOf([
      opened(),
      replied(1, [{ id: 'c1', tool: 'find_best_run' }]),
      { type: 'call_finished', call: 'c1', outcome: { status: 'ok', text, data: { found: false } } },
    ]);
    expect(named(slots, 'plan')?.text).toContain(`✕ Find the best run: ${text}`);
  });

  test('a post is shown by its channel, which is the link to it', () => {
    const page = 'https://acme.slack.com/archives/C0ML/p1';
    const outcome = {
      status: 'ok',
      text: `Posted to #ml-experiments: ${page}`,
      data: { channel: 'C0ML', channel_name: 'ml-experiments', permalink: page },
    } as const;
    const slots = slotsOf([opened(), replied(1, [{ id: 'c1', tool: 'post_to_slack' }]), { type: 'call_finished', call: 'c1', outcome }]);
    expect(json(slots, 'plan')).toContain(`{"type":"text","text":"Posted to "},{"type":"link","url":"${page}","text":"#ml-experiments"}`);
  });
});

test('what was declined stays declined until somebody who may asks again', () => {
  const no = [...asked, denied('c1', 'U2')];
  const declined = (...more: SessionEvent[]) => standingOf(sessionOf([...no, ...more])).denied;
  const it = { digest: DIGEST, tool: 'run_databricks_job', input: {}, by: 'U2' };
  expect(declined()).toEqual([it]);
  expect(declined(told('do it', 'message', 'other', 'U9'))).toEqual([it]);
  expect(declined(told('do it all the same'))).toEqual([]);
  expect(standingOf(sessionOf([...asked, told('hurry'), denied('c1', 'U2')])).denied).toHaveLength(1);
});

describe('at the door', () => {
  let desk: Awaited<ReturnType<typeof aDesk>>;
  afterEach(() => desk.close());
  const type = (as: string, text: string) => desk.workspace.act({ as, do: 'command', command: '/experiment', text, channel: 'C0ML' });

  test('approvals lists what waits for whoever asks, with a link to its card, and apart what waits for others', async () => {
    desk = await aDesk('http');
    await type('U1', 'train it');
    const id = await until(async () => (await desk.log.reading.list('T1'))[0]?.session);
    const { log } = desk.log;
    const lease = await log.claim(desk.log.owner(id), 5_000);
    const question = asks('c1', `${id}/1`, new Date(Date.now() + 3_600_000).toISOString());
    await log.commit(desk.log.owner(id), lease?.fence ?? 0, await log.tip(id), [replied(1, [run]), question], { is: '' });
    await desk.tell(id);
    // What the runtime's slots hold.
    for (const [name, slot] of Object.entries(desk.slots.now())) await desk.log.redis.hset(desk.log.keys.slots(id), name, JSON.stringify(slot));

    const mine = await type('U2', 'approvals');
    expect(mine.response).toMatch(/^Waiting for your yes:\ne-\w+: Run job 101/);
    const card = desk.slots.now()['card:2']?.ts ?? 'none';
    expect(JSON.stringify(mine)).not.toContain('Waiting for others');
    await until(() => desk.workspace.world.data.messages.find((m) => m.onlyFor === 'U2' && JSON.stringify(m.blocks).includes(`p${card.replace('.', '')}`)));
    expect((await type('U1', 'approvals')).response).toMatch(/^Nothing waits for your yes\.\nWaiting for others:\ne-\w+: Run job 101/);
    await desk.workspace.act({ as: 'U2', do: 'click', channel: 'C0ML', ts: card, actionId: 'approve_call' });
    expect((await type('U2', 'approvals')).response).toBe('Nothing waits for an approval.');
    // The private answer to a click in a thread stands there.
    await until(() => desk.workspace.world.data.messages.find((m) => m.onlyFor === 'U2' && m.text === 'Approved.' && m.threadTs !== null));
  });

  test('approvals lists the one that has waited longest first, however many sessions are newer', async () => {
    desk = await aDesk('http');
    const { log, deliver, redis, keys, owner, reading } = desk.log;
    const soon = new Date(Date.now() + 3_600_000).toISOString();
    for (let i = 0; i < 45; i++) {
      const sid = `q${i}`;
      await deliver(sid, { do: 'open', session: sid, team: 'T1', channel: 'C0ML', thread: null, by: 'U1', prompt: 'train it', door: 'command' });
      const lease = await log.claim(owner(sid), 5_000);
      await log.commit(owner(sid), lease?.fence ?? 0, await log.tip(sid), [replied(1, [run]), asks('c1', `${sid}/1`, soon)], { is: '' });
      const session = await reading.session(sid);
      if (session) await redis.hset(keys.about('T1'), sid, JSON.stringify(aboutOf(session, null)));
    }
    const oldest = (await reading.session('q0'))?.opened.alias;
    expect((await type('U2', 'approvals')).response).toMatch(new RegExp(`^Waiting for your yes:\\n${oldest}: Run job 101`));
    await until(() => desk.workspace.world.data.messages.find((m) => m.onlyFor === 'U2' && JSON.stringify(m.blocks).includes('30 more.')));
  });

  test('a Slack that does not say who somebody is turns no experiment away, and lets nobody approve', async () => {
    desk = await aDesk('http');
    desk.workspace.fault({ target: 'slack', kind: 'rate-limit', method: 'users.info' });
    expect((await type('U1', 'train it')).response).toMatch(/^Opened/);
    const id = await until(async () => (await desk.log.reading.list('T1'))[0]?.session);
    const { log } = desk.log;
    const lease = await log.claim(desk.log.owner(id), 5_000);
    const question = asks('c1', `${id}/1`, new Date(Date.now() + 3_600_000).toISOString());
    await log.commit(desk.log.owner(id), lease?.fence ?? 0, await log.tip(id), [replied(1, [run]), question], { is: '' });
    await desk.tell(id);
    await desk.workspace.act({ as: 'U2', do: 'click', channel: 'C0ML', ts: desk.slots.now()['card:2']?.ts ?? '', actionId: 'approve_call' });
    await until(() => whispersTo(desk.workspace, 'U2').find((t) => t.includes('did not tell me in time who you are')));
    expect((await desk.log.reading.session(id))?.approvals.get(`${id}/1`)?.votes).toEqual([]);
  });
});
