import { afterEach, describe, expect, test } from 'vitest';
import type { SessionEvent } from '../../src/session/events.ts';
import { asks, finished, replied, started, waitsForAnswer } from '../session/logs.ts';
import { aDesk, until, whispersTo } from './a-desk.ts';

type Desk = Awaited<ReturnType<typeof aDesk>>;
let desk: Desk;
afterEach(() => desk.close());

const SEED = 'Run a training job using config base_config.json but with feature_set=v2. If val_f1 > 0.7 & it improved, open a PR.';

/** The worker's part: commits events as the owner of the session's lease would. */
async function happens(id: string, ...events: SessionEvent[]) {
  const { log } = desk.log;
  const owner = desk.log.owner(id);
  const lease = await log.claim(owner, 5_000);
  if (!lease) throw new Error(`no lease on ${id}`);
  for (const event of events) {
    // The effect's own commit uses the approval up; the rest are plain.
    const guard = event.type === 'call_started' ? { is: 'effect' as const, approval: event.approval, executionExpiresMs: 60_000 } : { is: '' as const };
    const done = await log.commit(owner, lease.fence, await log.tip(id), [event], guard);
    if (done.is !== 'OK') throw new Error(`${event.type} was not committed: ${done.is}`);
  }
  await log.park(owner, lease.fence, await log.tip(id), null);
}

const messages = () => desk.workspace.world.data.messages.filter((m) => m.onlyFor === null);
const inThread = (ts: string) => messages().filter((m) => m.threadTs === ts);
const only = async () => until(async () => (await desk.log.reading.list('T1'))[0]?.session);
const eventsOf = async (id: string) => (await desk.log.log.read(id)).map((e) => e.event);

describe.each(['socket', 'http'] as const)('over %s', (mode) => {
  test('a sentence opens a session; a card is decided by who may, once; others are told why', async () => {
    desk = await aDesk(mode);
    const { workspace } = desk;
    const acked = await workspace.act({ as: 'U1', do: 'command', command: '/experiment', text: SEED, channel: 'C0ML' });
    expect(acked).toMatchObject({ ok: true, response: expect.stringMatching(/^Opened e-[a-z0-9]+\. Its thread follows/) });
    const id = await only();
    expect(id).toMatch(/^T1-C0ML-[A-Za-z0-9.-]+$/);
    expect((await eventsOf(id))[0]).toMatchObject({ type: 'opened', by: 'U1', prompt: SEED, thread: null, door: 'command' });

    await desk.tell(id);
    const root = messages().find((m) => m.threadTs === null);
    expect(root?.text).toContain('feature_set=v2. If val_f1 &gt; 0.7 &amp; it improved');
    const thread = root?.ts ?? '';

    const approval = `${id}/1`;
    await happens(
      id,
      replied(1, [{ id: 'c1', tool: 'run_databricks_job' }], 'I shall train it.'),
      asks('c1', approval, new Date(Date.now() + 3_600_000).toISOString()),
    );
    await desk.tell(id);
    const card = inThread(thread).find((m) => m.text.startsWith('Approval needed'));
    expect(JSON.stringify(card?.blocks)).toContain('"usergroup_id":"S1"');
    const click = (as: string, actionId: string) => workspace.act({ as, do: 'click', channel: 'C0ML', ts: card?.ts ?? '', actionId, value: approval });

    await click('U4', 'approve_call');
    expect(await until(() => whispersTo(workspace, 'U4').find((t) => t.includes('not among those who may approve this')))).toContain('<!subteam^S1>');
    await click('U1', 'approve_call');
    await until(() => whispersTo(workspace, 'U1').find((t) => t.includes('not among those who may approve this')));
    await click('U5', 'approve_call');
    await until(() => whispersTo(workspace, 'U5').find((t) => t.includes('Guests cannot')));
    expect((await desk.log.reading.session(id))?.refusedDecisions.map((r) => r.by)).toEqual(['U4', 'U1', 'U5']);

    await Promise.all([click('U2', 'approve_call'), click('U2', 'approve_call')]);
    await click('U3', 'approve_call');
    expect(await until(() => whispersTo(workspace, 'U3').find((t) => t.includes('already')))).toMatch(/approved already by <@U2> at \d{4}/);
    expect((await eventsOf(id)).filter((e) => e.type === 'approved')).toHaveLength(1);

    await happens(id, { ...started('c1'), approval }, finished('c1', { run_id: '7', run_url: 'https://dbc.example/run/7' }), replied(20, [], 'It is trained.'));
    await happens(id, { type: 'ended', outcome: 'done', text: '' });
    await desk.tell(id);
    const decided = messages().find((m) => m.ts === card?.ts);
    expect(decided?.edited).toBe(true);
    expect(JSON.stringify(decided?.blocks)).toContain('Approved by');
    expect(JSON.stringify(decided?.blocks)).not.toContain('approve_call');
    const final = inThread(thread).at(-1);
    expect(final?.text).toMatch(
      /^Done\nIt is trained\.\n- Run job 101 \(ads-train\) https:\/\/dbc\.example\/run\/7\nmodel: \d+ turns, [\d,]+ tokens in[^\n]*, [\d,]+ out\nrecord: \d+ lines, head [0-9a-f]{64}$/,
    );
  });

  test('a denial asks why, and counts when it is submitted', async () => {
    desk = await aDesk(mode);
    const { workspace } = desk;
    await workspace.act({ as: 'U1', do: 'command', command: '/experiment', text: SEED, channel: 'C0ML' });
    const id = await only();
    const approval = `${id}/1`;
    await happens(id, replied(1, [{ id: 'c1', tool: 'run_databricks_job' }]), asks('c1', approval, new Date(Date.now() + 3_600_000).toISOString()));
    await desk.tell(id);
    const card = messages().find((m) => m.text.startsWith('Approval needed'));
    const click = (as: string) => workspace.act({ as, do: 'click', channel: 'C0ML', ts: card?.ts ?? '', actionId: 'deny_call', value: approval });

    await click('U4');
    await until(() => JSON.stringify(workspace.world.data.modals.find((m) => m.user === 'U4')?.view ?? '').includes('not among those who may approve this'));
    await click('U2');
    const modal = await until(() => workspace.world.data.modals.find((m) => m.user === 'U2'));
    expect((await eventsOf(id)).some((e) => e.type === 'denied')).toBe(false);
    await workspace.act({ as: 'U2', do: 'submit', modal: modal.id, values: { reason: { reason: { type: 'plain_text_input', value: 'the data is stale' } } } });
    expect((await eventsOf(id)).at(-1)).toMatchObject({ type: 'denied', by: 'U2', reason: 'the data is stale', approval });
    await desk.tell(id);
    expect(JSON.stringify(messages().find((m) => m.ts === card?.ts)?.blocks)).toContain('Reason: the data is stale');
  });

  test('a mention opens one session in its thread, although it comes as two events and again; replies continue it by who says them', async () => {
    desk = await aDesk(mode);
    const { workspace } = desk;
    workspace.fault({ target: 'slack', kind: 'redeliver', times: 2 });
    const said = await workspace.act({ as: 'U1', do: 'say', text: '@labmate train with lr=0.01', channel: 'C0ML' });
    const id = await only();
    const ts = said.ts ?? '';
    expect(id).toBe(`T1-C0ML-${ts}`);
    expect((await eventsOf(id))[0]).toMatchObject({ type: 'opened', prompt: 'train with lr=0.01', thread: ts, door: 'mention' });
    for (const as of ['U1', 'U2', 'U4', 'U5']) await workspace.act({ as, do: 'say', text: `from ${as}`, channel: 'C0ML', thread: ts });
    const told = await until(async () => {
      const heard = (await eventsOf(id)).filter((e) => e.type === 'told');
      return heard.length === 4 && heard;
    });
    expect(Object.fromEntries(told.map((t) => [t.by, t.standing]))).toEqual({ U1: 'requester', U2: 'approver', U4: 'other', U5: 'other' });
    expect(await desk.log.reading.list('T1')).toHaveLength(1);

    // One word is the button's, from whoever may press it.
    const heard = async (count: number) => until(async () => (await eventsOf(id)).filter((e) => e.type === 'told').length === count);
    await workspace.act({ as: 'U4', do: 'say', text: 'Stop!', channel: 'C0ML', thread: ts });
    await heard(5);
    await workspace.act({ as: 'U2', do: 'say', text: 'stop it, please', channel: 'C0ML', thread: ts });
    await heard(6);
    await workspace.act({ as: 'U2', do: 'say', text: 'Stop it.', channel: 'C0ML', thread: ts });
    await heard(7);
    expect((await eventsOf(id)).flatMap((e) => (e.type === 'told' ? [e.kind] : [])).slice(4)).toEqual(['message', 'message', 'stop']);

    await happens(id, replied(9), { type: 'ended', outcome: 'done', text: '' });
    await workspace.act({ as: 'U4', do: 'say', text: 'nice', channel: 'C0ML', thread: ts });
    await workspace.act({ as: 'U1', do: 'say', text: 'and with lr=0.02?', channel: 'C0ML', thread: ts });
    const next = await until(async () => (await desk.log.reading.list('T1')).find((a) => a.session !== id));
    expect((await eventsOf(next.session))[0]).toMatchObject({
      type: 'opened',
      prompt: 'and with lr=0.02?',
      door: 'reply',
      thread: ts,
      after: expect.anything(),
    });
    expect(await desk.log.reading.list('T1')).toHaveLength(2);
  });

  test('an option that is called stop is an answer, typed as its button has it', async () => {
    desk = await aDesk(mode);
    const { workspace } = desk;
    const { ts: thread = '' } = await workspace.act({ as: 'U1', do: 'say', text: '@labmate train', channel: 'C0ML' });
    const id = await only();
    const { waiting, ...parked } = waitsForAnswer('c1');
    await happens(id, replied(1, [{ id: 'c1', tool: 'ask_person' }]), { ...parked, waiting: { ...waiting, options: ['**Stop**', 'Go on'] } } as SessionEvent);
    await workspace.act({ as: 'U1', do: 'say', text: 'stop', channel: 'C0ML', thread });
    const [said] = await until(async () => {
      const heard = (await eventsOf(id)).filter((e) => e.type === 'told');
      return heard.length === 1 && heard;
    });
    expect(said).toMatchObject({ text: 'stop', kind: 'message' });
  });

  test('other channels, guests, slips and subcommands are answered privately', async () => {
    desk = await aDesk(mode);
    const { workspace } = desk;
    const type = (as: string, text: string, channel = 'C0ML') =>
      workspace.act({ as, do: 'command', command: '/experiment', text, channel }).then((a) => a.response ?? a.error);
    expect(await type('U1', SEED, 'C0RANDOM')).toContain('I work in <#C0ML>, and in direct messages');
    expect(await type('U5', SEED)).toContain('Guests cannot');
    expect(await type('U1', 'help')).toContain('Describe an experiment');
    expect(await type('U1', 'stauts')).toContain('Did you mean /experiment status?');
    expect(await type('U1', 'list')).toContain('There is no experiment yet');
    expect(await type('U1', 'show e-none')).toContain('I know no experiment e-none');
    expect(await desk.log.reading.list('T1')).toHaveLength(0);
    await type('U1', SEED);
    const [about] = await desk.log.reading.list('T1');
    expect(await type('U4', 'list')).toContain(`${about?.alias} thinking: Run a training job`);
    expect(await type('U4', `stop ${about?.alias}`)).toContain('Only <@U1>');
    expect(await type('U1', `stop ${about?.alias}`)).toBe(`Stopping ${about?.alias}.`);
    expect((await eventsOf(about?.session ?? '')).at(-1)).toMatchObject({ type: 'told', kind: 'stop', by: 'U1' });
    for (let i = 0; i < 2; i++) await workspace.act({ as: 'U4', do: 'say', text: '@labmate hello', channel: 'C0RANDOM' });
    await until(() => whispersTo(workspace, 'U4').filter((t) => t.includes('I work in')).length > 0);
    expect(whispersTo(workspace, 'U4').filter((t) => t.includes('I work in'))).toHaveLength(1);
  });

  test('40,000 characters open a session whose thread holds the whole as a file', async () => {
    desk = await aDesk(mode);
    const prompt = `Train ${'with care '.repeat(4_000)}`.trimEnd();
    await desk.workspace.act({ as: 'U1', do: 'command', command: '/experiment', text: prompt, channel: 'C0ML' });
    const id = await only();
    await desk.tell(id);
    expect(await desk.tell(id)).toBeNull();
    const files = messages().flatMap((m) => m.files);
    expect(files.map((f) => f.name)).toEqual([expect.stringMatching(/^e-.*-prompt\.txt$/)]);
    expect(messages().find((m) => m.threadTs === null)?.text).toContain('more characters');
  });
});
