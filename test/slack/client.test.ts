import { afterEach, beforeEach, expect, test } from 'vitest';
import { aboutOf } from '../../src/runtime/about.ts';
import type { SessionEvent } from '../../src/session/events.ts';
import { asks, replied } from '../session/logs.ts';
import { aDesk, permissions, until, whispersTo } from './a-desk.ts';

// What an MCP client asks for has no thread: its card stands where approvers are asked, which need be no channel that labmate works in.
const CARDS = 'C0RANDOM';
const approvers = { default: { users: [], groups: ['S1'], quorum: 1, requesterMayApprove: false, expiresAfterMs: 86_400_000, channel: CARDS } };
const ID = 'm0123456789abcdef01234567';

let desk: Awaited<ReturnType<typeof aDesk>>;
let alias: string;
let card: string;
beforeEach(async () => {
  desk = await aDesk('http', { door: { permissions: { ...permissions, approvers } } });
  await desk.log.deliver('door', {
    do: 'open',
    session: ID,
    team: 'T1',
    channel: CARDS,
    thread: null,
    place: 'p',
    by: 'U1',
    prompt: 'Calls of an MCP client over http',
    door: 'mcp',
  });
  const { log, redis, keys } = desk.log;
  const lease = await log.claim(desk.log.owner(ID), 5_000);
  const asked = [replied(1, [{ id: 'c1', tool: 'run_databricks_job', input: { job_id: '101' } }]), asks('c1', `${ID}/1`, '2099-01-01T00:00:00.000Z')];
  await log.commit(desk.log.owner(ID), lease?.fence ?? 0, await log.tip(ID), asked satisfies SessionEvent[], { is: '' });
  const session = await desk.log.reading.session(ID);
  if (!session) throw new Error('no session');
  ({ alias } = session.opened);
  await redis.hset(keys.about('T1'), ID, JSON.stringify(aboutOf(session, null)));
  await desk.tell(ID);
  card = desk.slots.now()['card:2']?.ts ?? '';
  await redis.hset(keys.slots(ID), 'card:2', JSON.stringify(desk.slots.now()['card:2']));
  // What the runtime does when a card stands outside a thread.
  await redis.set(keys.thread('T1', CARDS, card), ID);
});
afterEach(() => desk.close());

const type = async (as: string, text: string) => (await desk.workspace.act({ as, do: 'command', command: '/experiment', text, channel: 'C0ML' })).response;
const say = (as: string, text: string, channel = CARDS) => desk.workspace.act({ as, do: 'say', text, channel, thread: card });

test('is listed, found and waits for those who may, wherever its card stands', async () => {
  expect(await type('U2', 'approvals')).toContain(`${alias}: Run job 101`);
  expect(await type('U1', 'list')).toContain(alias);
  expect(await type('U1', `show ${alias}`)).toContain('Calls of an MCP client');
  expect(await type('U1', `show <https://acme-ml.slack.com/archives/${CARDS}/p${card.replace('.', '')}>`)).toContain('Calls of an MCP client');
});

test('has a record without a thread, and nothing that could be run again or be asked once more', async () => {
  expect(await type('U1', `record ${alias}`)).toMatch(/so far has 3 lines, head \w+\. It belongs to what an MCP client did, so it has no thread to go into/);
  expect(await type('U1', `rerun ${alias} lr=0.1`)).toContain('so there is no request to run again');
  expect(await desk.log.reading.list('T1')).toHaveLength(1);
  const [about] = await desk.log.reading.list('T1');
  const over = JSON.stringify({ ...about, session: 'm-over', endedAt: new Date().toISOString() });
  await desk.log.redis.hset(desk.log.keys.about('T1'), 'm-over', over);
  await desk.workspace.act({ as: 'U1', do: 'home', tab: 'messages' });
  const offered = await until(() => desk.workspace.world.data.prompts.find((p) => p.channel === 'D1'));
  const titles = offered.prompts.map((p) => p.title);
  expect(titles).toContain('See the jobs');
  expect(titles).not.toContain('Ask for the last one again');
});

test('can only be decided, on Home too', async () => {
  await desk.workspace.act({ as: 'U2', do: 'home' });
  const home = JSON.stringify(await until(() => desk.workspace.world.data.homes['U2']));
  expect(home).toMatch(/Asked by the MCP client.*approve_call.*deny_call/);
  expect(home).not.toContain('edit_call');
});

test('whoever speaks to it under its card is told once that nobody reads along; other talk is left alone', async () => {
  await say('U4', 'what is this?');
  await say('U2', 'with seed 7 please');
  const told = await until(() => whispersTo(desk.workspace, 'U2').find((t) => t.includes('Nobody reads replies here')));
  expect(told).toContain(`To stop all of it: /experiment stop ${alias}`);
  await say('U2', 'and quickly');
  await say('U4', '@labmate what is this?');
  await until(() => whispersTo(desk.workspace, 'U4').find((t) => t.includes('an MCP client asks this')));
  expect([whispersTo(desk.workspace, 'U2').length, whispersTo(desk.workspace, 'U4').length]).toEqual([1, 1]);
  expect((await desk.log.reading.session(ID))?.told).toEqual([]);
});
