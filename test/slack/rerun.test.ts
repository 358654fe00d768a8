import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { EventOf, SessionEvent } from '../../src/session/events.ts';
import { narrate } from '../../src/slack/narrate.ts';
import { replied } from '../session/logs.ts';
import { aDesk, permissions, until, whispersTo } from './a-desk.ts';

const PROMPT = 'Run a training job using config base_config.json but with feature_set=v2.';

let desk: Awaited<ReturnType<typeof aDesk>>;
let first = { id: '', alias: '', ts: '' };
beforeEach(async () => {
  desk = await aDesk('http');
  await type(PROMPT);
  const [about] = await desk.log.reading.list('T1');
  const id = about?.session ?? '';
  await happens(id, replied(1, [{ id: 'c1', tool: 'list_databricks_jobs' }]), {
    type: 'call_finished',
    call: 'c1',
    outcome: { status: 'ok', text: 'none', data: {} },
  });
  await happens(id, replied(3), { type: 'ended', outcome: 'done', text: '' });
  await desk.tell(id);
  const root = desk.slots.now()['root'];
  await desk.log.redis.hset(desk.log.keys.slots(id), 'root', JSON.stringify(root));
  first = { id, alias: about?.alias ?? '', ts: root?.ts ?? '' };
});
afterEach(() => desk.close());

const type = async (text: string, as = 'U1', channel = 'C0ML') =>
  (await desk.workspace.act({ as, do: 'command', command: '/experiment', text, channel })).response ?? '';
const final = () => desk.workspace.world.data.messages.find((m) => JSON.stringify(m.blocks).includes('"rerun_session"'))?.ts ?? '';
const click = (as: string, actionId: string) => desk.workspace.act({ as, do: 'click', channel: 'C0ML', ts: final(), actionId });
const others = async () => (await desk.log.reading.list('T1')).filter((a) => a.session !== first.id);
const openedOf = async (id: string) => (await desk.log.log.read(id))[0]?.event as EventOf<'opened'>;

async function happens(id: string, ...events: SessionEvent[]) {
  const { log } = desk.log;
  const owner = desk.log.owner(id);
  const lease = await log.claim(owner, 5_000);
  if (!lease) throw new Error('no lease');
  for (const event of events) expect((await log.commit(owner, lease.fence, await log.tip(id), [event], { is: '' })).is).toBe('OK');
  await log.park(owner, lease.fence, await log.tip(id), null);
}

describe('an experiment that has ended', () => {
  test('runs again in its thread with the changes stated, and says which line it continues', async () => {
    expect(await type(`rerun ${first.alias} feature_set=v3 lr=0.01`, 'U4')).toMatch(
      new RegExp(`^Opened e-[a-z0-9]+, which repeats ${first.alias}, in the thread of ${first.alias}: https?://\\S+/archives/C0ML/p\\d+\\.$`),
    );
    const [about] = await others();
    const opened = await openedOf(about?.session ?? '');
    expect(opened).toMatchObject({
      by: 'U4',
      thread: first.ts,
      door: 'command',
      prompt: `Run it again with feature_set=v3 and lr=0.01. What was asked first:\n\n${PROMPT}`,
      rerun_of: { session: first.id, alias: first.alias, first: first.id, line: 2, earlier: [first.alias], changes: { feature_set: 'v3', lr: '0.01' } },
    });
    const session = await desk.log.reading.session(about?.session ?? '');
    if (!session) throw new Error('no session');
    const [root] = narrate(session, { approvers: permissions.approvers, channels: ['C0ML'] } as never);
    expect(JSON.stringify(root)).toContain(`Second of this line: ${first.alias} → ${about?.alias}.`);
    expect(await type(`show ${about?.alias}`)).toContain(`second of two in this line: ${first.alias} → ${about?.alias}`);
    expect(await type(`show ${first.alias}`)).toContain('first of 2 in this line');
  });

  test('with a parameter that its job does not have opens nothing, and says which there are', async () => {
    await type('Train job 101');
    const [about] = await others();
    await happens(about?.session ?? '', replied(1, [{ id: 'c1', tool: 'run_databricks_job', input: { job_id: '101' } }]), {
      type: 'call_finished',
      call: 'c1',
      outcome: { status: 'ok', text: 'started', data: { run_id: '7', declared: ['feature_set', 'lr'] } },
    });
    await happens(about?.session ?? '', replied(3), { type: 'ended', outcome: 'done', text: '' });
    expect(await type(`rerun ${about?.alias} nosuch=3 lr=1 featureset=v2`)).toBe(
      `Nothing was opened: job 101, which ${about?.alias} ran, has no parameter nosuch, featureset. It has feature_set, lr. Did you mean feature_set?`,
    );
    expect(await others()).toHaveLength(1);
    expect(await type(`rerun ${about?.alias} lr=1 config=other.json`)).toMatch(/^Opened e-/);
  });

  test('beside one that is at work in the thread, or asked for by an id that is nobody’s: a thread of its own, or a sentence', async () => {
    await type(`rerun ${first.alias}`);
    expect(await type(`rerun ${first.alias} lr=0.02`)).toContain('in a thread of its own');
    const [newest] = await others();
    expect(await openedOf(newest?.session ?? '')).toMatchObject({ thread: null, rerun_of: { line: 2 } });
    expect(await type('rerun e-none lr=1')).toMatch(/^I know no experiment e-none\./);
    expect(await type(`rerun ${first.alias}`, 'U5')).toContain('Guests cannot');
    expect(await others()).toHaveLength(2);
  });

  test('“Run again” is one experiment however often it is clicked, and belongs to who clicked', async () => {
    await Promise.all([click('U4', 'rerun_session'), click('U4', 'rerun_session'), click('U4', 'rerun_session')]);
    await until(() => whispersTo(desk.workspace, 'U4').length >= 3);
    const all = await others();
    expect(all).toHaveLength(1);
    expect(await openedOf(all[0]?.session ?? '')).toMatchObject({
      by: 'U4',
      prompt: PROMPT,
      door: 'button',
      thread: first.ts,
      rerun_of: { line: 2, changes: {} },
    });
    await click('U2', 'rerun_session');
    await until(() => whispersTo(desk.workspace, 'U2').find((t) => t.includes(`${all[0]?.alias} runs it again already`)));
    expect(whispersTo(desk.workspace, 'U2').at(-1)).toMatch(/asked for by <@U4>, thinking\)\. .*in a thread of its own: \/experiment rerun e-/);
    expect(await others()).toHaveLength(1);
    await click('U5', 'rerun_session');
    await until(() => whispersTo(desk.workspace, 'U5').find((t) => t.includes('Guests cannot')));

    await happens(all[0]?.session ?? '', replied(1), { type: 'ended', outcome: 'done', text: '' });
    await click('U4', 'rerun_session');
    await until(async () => (await others()).length === 2);
  });

  test('“Change something” shows what was asked, and runs what it is rewritten to', async () => {
    await click('U1', 'rerun_changed');
    const modal = await until(() => desk.workspace.world.data.modals.find((m) => m.user === 'U1' && JSON.stringify(m.view).includes('"initial_value"')));
    expect(modal.view).toMatchObject({ callback_id: 'new_experiment', private_metadata: first.id });
    expect(JSON.stringify(modal.view)).toContain(`"initial_value":${JSON.stringify(PROMPT)}`);
    const submit = (value: string) =>
      desk.workspace.act({ as: 'U1', do: 'submit', modal: modal.id, values: { prompt: { prompt: { type: 'plain_text_input', value } } } });
    expect(await submit('   ')).toMatchObject({ ok: false });
    expect(await others()).toHaveLength(0);
    expect(await submit('Run job 7 <now> & compare')).toMatchObject({ ok: true });
    const [about] = await others();
    expect(await openedOf(about?.session ?? '')).toMatchObject({
      prompt: 'Run job 7 <now> & compare',
      thread: first.ts,
      rerun_of: { alias: first.alias, line: 2, changes: {} },
    });
  });

  test('“Change something” beside one that is at work says by name whose it is, as a dialog shows no mention', async () => {
    await click('U1', 'rerun_changed');
    const modal = await until(() => desk.workspace.world.data.modals.find((m) => m.user === 'U1' && JSON.stringify(m.view).includes('"initial_value"')));
    await click('U4', 'rerun_session');
    await until(async () => (await others()).length === 1);
    const values = { prompt: { prompt: { type: 'plain_text_input', value: 'Run job 7' } } };
    await desk.workspace.act({ as: 'U1', do: 'submit', modal: modal.id, values });
    const [why = ''] = await until(() => Object.values(desk.workspace.world.data.modals.find((m) => m.id === modal.id)?.errors ?? {}));
    expect(why).toMatch(/asked for by (?!somebody)\w+, thinking/);
  });

  test('a request too long for a form says how to change it instead', async () => {
    const { form } = await import('../../src/slack/new-experiment.ts');
    const session = await desk.log.reading.session(first.id);
    if (!session) throw new Error('no session');
    session.opened.prompt = 'x'.repeat(3_001);
    expect(JSON.stringify(form(session))).toContain(`/experiment rerun ${first.alias} key=value`);
  });
});

test('an answer that did nothing offers no repetition', async () => {
  await type('thanks');
  const [about] = await others();
  await happens(about?.session ?? '', replied(1, [], 'I am no scheduler.'), { type: 'ended', outcome: 'done', text: '' });
  const session = await desk.log.reading.session(about?.session ?? '');
  if (!session) throw new Error('no session');
  expect(JSON.stringify(narrate(session, { approvers: permissions.approvers, channels: ['C0ML'] } as never))).not.toContain('rerun_session');
});
