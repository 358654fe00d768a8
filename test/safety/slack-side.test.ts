import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { sign } from '../../src/sandbox/slack/http-mode.ts';
import { asks, replied } from '../session/logs.ts';
import { aDesk, signingSecret, until, whispersTo } from '../slack/a-desk.ts';

/** What test/slack/door.test.ts does not hold already: loops, replay of a whole signed request, other workspaces' clicks, and bodies of every broken shape. */

let desk: Awaited<ReturnType<typeof aDesk>>;
afterEach(() => desk.close());

const JSON_TYPE = 'application/json';
const FORM = 'application/x-www-form-urlencoded';
const post = (body: string, type: string, headers = sign(body, signingSecret)) =>
  fetch(`http://127.0.0.1:${desk.port}/slack/events`, { method: 'POST', body, headers: { 'content-type': type, ...headers } }).then((r) => r.status);
const interaction = (payload: unknown) => `payload=${encodeURIComponent(JSON.stringify(payload))}`;

/** A session whose call waits for a yes. */
async function asked(id: string): Promise<string> {
  const { log, open, owner } = desk.log;
  await open(id);
  const lease = await log.claim(owner(id), 5_000);
  const events = [replied(1, [{ id: 'c1', tool: 'run_databricks_job' }]), asks('c1', `${id}/1`, new Date(Date.now() + 3_600_000).toISOString())];
  await log.commit(owner(id), lease!.fence, await log.tip(id), events, { is: '' });
  return `${id}/1`;
}

const click = (value: unknown, more: Record<string, unknown> = {}, user: Record<string, unknown> = { id: 'U2', team_id: 'T1' }) => ({
  type: 'block_actions',
  team: { id: 'T1' },
  user,
  container: { type: 'message', message_ts: '1.2', channel_id: 'C0ML' },
  channel: { id: 'C0ML' },
  trigger_id: `t.${Math.random()}`,
  response_url: '',
  actions: [{ type: 'button', action_id: 'approve_call', block_id: 'b', value, action_ts: `${Date.now() / 1000}` }],
  ...more,
});

describe('clicks that no approver made', () => {
  test('from another workspace, by a guest, a bot, somebody who has left, or on a value of any shape, change nothing', async () => {
    desk = await aDesk('http');
    const approval = await asked('s1');
    const forged = [
      click(approval, { team: { id: 'T2' } }, { id: 'U2', team_id: 'T2' }),
      click(approval, {}, { id: 'U4', team_id: 'T1' }),
      click(approval, {}, { id: 'U5', team_id: 'T1' }),
      click(approval, {}, { id: 'USLACKBOT', team_id: 'T1' }),
      click(approval, {}, { id: 'UNOBODY', team_id: 'T1' }),
      ...[
        '',
        ' ',
        `${approval} `,
        `${approval}/1`,
        's1',
        '/1',
        '../s1/1',
        '__proto__/1',
        's1/__proto__',
        `${approval}\u0000`,
        'x'.repeat(5_000),
        null,
        7,
        {},
        [approval],
      ].map((value) => click(value)),
    ];
    for (const payload of forged) {
      const body = interaction(payload);
      expect(await post(body, FORM)).toBeLessThan(500);
    }
    await sleep(300);
    const session = await desk.log.reading.session('s1');
    expect(session?.approvals.get(approval)).toMatchObject({ state: 'pending', votes: [] });
  });

  test('a yes of somebody who was known a second ago and is deactivated now is none', async () => {
    desk = await aDesk('http');
    const approval = await asked('s1');
    expect((await desk.slack.person('U2'))?.deleted).toBe(false);
    const user = desk.workspace.world.data.users.find((u) => u.id === 'U2');
    if (user) user.deleted = true;
    expect(await post(interaction(click(approval)), FORM)).toBe(200);
    const refused = await until(async () => (await desk.log.reading.session('s1'))?.refusedDecisions[0]);
    expect(refused).toMatchObject({ by: 'U2', why: 'This account is deactivated.' });
    expect((await desk.log.reading.session('s1'))?.approvals.get(approval)).toMatchObject({ state: 'pending', votes: [] });
  });

  test('the same signed click, replayed ten times, is one vote', async () => {
    desk = await aDesk('http');
    const approval = await asked('s1');
    const body = interaction(click(approval));
    const headers = sign(body, signingSecret);
    for (let i = 0; i < 10; i++) expect(await post(body, FORM, headers)).toBe(200);
    const votes = (await desk.log.log.read('s1')).filter((e) => e.event.type === 'approved');
    expect(votes).toHaveLength(1);
  });
});

test('signed bodies of every broken shape end neither the process nor a session', async () => {
  desk = await aDesk('http');
  const bodies: [string, string][] = [
    ...[
      '',
      'true',
      '"x"',
      '0',
      '[]',
      '[null]',
      '{"type":null}',
      '{"type":"event_callback"}',
      '{"type":"event_callback","event":null}',
      '{"type":"event_callback","event":[]}',
    ].map((b): [string, string] => [b, JSON_TYPE]),
    [`{"type":"event_callback","team_id":"T1","event":{"type":"message","ts":{},"text":7,"user":[],"channel":null}}`, JSON_TYPE],
    [`{"type":"event_callback","event":{"type":"__proto__"}}`, JSON_TYPE],
    ['\u0000\uFFFD\u0000', JSON_TYPE],
    ['{"a":'.repeat(5_000), JSON_TYPE],
    ['['.repeat(20_000) + ']'.repeat(20_000), JSON_TYPE],
    ['payload=', FORM],
    ['payload=%7B%7D', FORM],
    ['payload=%7B%22type%22%3A%22block_actions%22%7D', FORM],
    [interaction({ type: 'view_submission', view: null }), FORM],
    [interaction({ type: 'block_actions', actions: [null] }), FORM],
    [interaction({ type: 'block_actions', actions: [{ action_id: 'approve_call' }], user: null, team: null }), FORM],
    ['command=/experiment', FORM],
    ['command=/experiment&text=x&team_id=T1', FORM],
    ['%', FORM],
    ['command=%2Fexperiment&text=%ff%fe&user_id=U1&team_id=T1&channel_id=C0ML&trigger_id=', FORM],
  ];
  for (const [body, type] of bodies)
    expect({ body: body.slice(0, 60), status: await post(body, type) }).toEqual({ body: body.slice(0, 60), status: expect.any(Number) });
  const good = new URLSearchParams({
    team_id: 'T1',
    channel_id: 'C0ML',
    user_id: 'U1',
    command: '/experiment',
    text: 'train it',
    trigger_id: 'tr.9',
    response_url: '',
  });
  expect(await post(good.toString(), FORM)).toBe(200);
  await until(async () => (await desk.log.reading.list('T1')).length === 1);
});

test('two machines that answer each other in a thread are left alone after five experiments a minute', async () => {
  desk = await aDesk('http');
  const { workspace, log } = desk;
  await workspace.act({ as: 'U1', do: 'say', text: '@labmate train it', channel: 'C0ML' });
  const sessions = async () => log.reading.list('T1');
  const first = await until(async () => (await sessions())[0]);
  const end = async (id: string) => {
    const lease = await log.log.claim(log.owner(id), 5_000);
    await log.log.commit(log.owner(id), lease!.fence, await log.log.tip(id), [{ type: 'ended', outcome: 'done', text: '' }], { is: '' });
  };
  await end(first.session);
  for (let i = 1; i <= 8; i++) {
    await workspace.act({ as: 'U1', do: 'say', text: `thanks ${i}`, channel: 'C0ML', thread: first.thread ?? '' });
    await sleep(150);
    for (const { session, endedAt } of await sessions()) if (!endedAt) await end(session).catch(() => {});
  }
  await until(() => whispersTo(workspace, 'U1').find((t) => t.includes('faster than people write')));
  expect((await sessions()).length).toBeLessThanOrEqual(6);
  expect(whispersTo(workspace, 'U1').filter((t) => t.includes('faster than people write'))).toHaveLength(1);
}, 30_000);
