import { afterEach, describe, expect, test } from 'vitest';
import { slackService } from '../../src/services/slack.ts';
import { narrate } from '../../src/slack/narrate.ts';
import { makeShow } from '../../src/slack/reconcile.ts';
import { aDesk, botToken, inMemory, permissions, until } from './a-desk.ts';

let desk: Awaited<ReturnType<typeof aDesk>> | undefined;
afterEach(async () => {
  await desk?.close();
  desk = undefined;
});

/** A command as Priya types it; answers the session's id. */
async function opened(): Promise<string> {
  if (!desk) throw new Error('no desk');
  await desk.workspace.act({ as: 'U1', do: 'command', command: '/experiment', text: 'train it', channel: 'C0ML' });
  return until(async () => (await desk?.log.reading.list('T1'))?.[0]?.session);
}
const channel = () => desk?.workspace.world.data.channels.find((c) => c.id === 'C0ML') ?? {};
const roots = () => desk?.workspace.world.data.messages.filter((m) => m.bot && m.onlyFor === null) ?? [];

describe('a channel that is shut', () => {
  test.each([
    ['archived', { archived: true }],
    ['left', { left: true }],
  ])('%s: nothing is given up; the thread stands when it is open again', async (_what, how) => {
    desk = await aDesk('socket');
    const id = await opened();
    Object.assign(channel(), how);
    const again = await desk.tell(id);
    expect(again?.againInMs).toBeGreaterThanOrEqual(20_000);
    expect(roots()).toEqual([]);
    Object.assign(channel(), { archived: false, left: false });
    await desk.tell(id);
    expect(roots().length).toBeGreaterThan(0);
  });

  test('renamed: it goes on, because only the id counts', async () => {
    desk = await aDesk('socket');
    const id = await opened();
    Object.assign(channel(), { name: 'experiments-2027' });
    expect(await desk.slack.channelName('C0ML')).toBe('experiments-2027');
    await desk.tell(id);
    expect(roots().length).toBeGreaterThan(0);
  });
});

test('a token that was taken back is said once in the log and in readiness, and nothing is lost', async () => {
  const errors: string[] = [];
  const log = { debug() {}, info() {}, warn() {}, error: (_: object, text: string) => void errors.push(text) };
  desk = await aDesk('socket', { door: { log } });
  const id = await opened();
  desk.workspace.installed.revoked = true;
  desk.workspace.emit({ type: 'tokens_revoked', tokens: { oauth: [], bot: ['UBOT'] } });
  await until(() => desk?.door.ready().ok === false);
  expect(desk.door.ready().why).toContain('SLACK_BOT_TOKEN');
  expect(errors).toEqual([expect.stringContaining('install the app again')]);
  expect((await desk.tell(id))?.againInMs).toBeGreaterThanOrEqual(20_000);
  desk.workspace.installed.revoked = false;
  await desk.tell(id);
  expect(roots().length).toBeGreaterThan(0);
});

test('a limit on one channel holds up that channel and no other', async () => {
  desk = await aDesk('socket');
  const slack = slackService({ token: botToken, apiUrl: desk.workspace.url });
  desk.workspace.fault({ target: 'slack', kind: 'rate-limit', method: 'chat.postMessage', channel: 'C0ML', times: 50, ms: 30_000 });
  const began = performance.now();
  const mark = { session: 's', slot: 'root' };
  const [limited, other] = await Promise.allSettled([slack.post({ channel: 'C0ML', text: 'a', mark }), slack.post({ channel: 'C0RANDOM', text: 'b', mark })]);
  expect([limited.status, other.status]).toEqual(['rejected', 'fulfilled']);
  // A session of the limited channel is told to wait as long as Slack says; one elsewhere stands.
  const id = await opened();
  expect((await desk.tell(id))?.againInMs).toBe(30_000);
  expect(performance.now() - began).toBeLessThan(10_000);
});

test('blocks that Slack refuses are in the log, each of them, and the words are shown', async () => {
  desk = await aDesk('socket');
  const id = await opened();
  const session = await desk.log.reading.session(id);
  if (!session) throw new Error('no session');
  const lines: { facts: Record<string, unknown>; text: string }[] = [];
  const log = { debug() {}, info() {}, warn: (facts: object, text: string) => void lines.push({ facts: facts as never, text }), error() {} };
  const bad = { type: 'header', text: { type: 'plain_text', text: 'x'.repeat(151) } };
  const show = makeShow({
    slack: desk.slack,
    narrate: (s) =>
      narrate(s, { approvers: permissions.approvers }).map((slot) =>
        slot.name === 'root' && 'blocks' in slot ? { ...slot, blocks: [...slot.blocks, bad] } : slot,
      ),
    blob: async () => new Uint8Array(),
    log,
  });
  await show(session, inMemory(), async () => 0, Date.now());
  expect(lines.filter((line) => line.text.includes('refused the blocks'))).toMatchObject([{ facts: { slot: 'root', code: 'invalid_blocks', blocks: [bad] } }]);
  expect(
    roots()
      .map((m) => m.text)
      .join(),
  ).toContain('train it');
});
