import { type ChildProcess, spawn } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readConversation } from '../../src/sandbox/claude/conversation.ts';
import { startMessagesApi } from '../../src/sandbox/claude/messages-api.ts';
import type { Answer } from '../../src/sandbox/claude/messages-types.ts';
import { type Product, startProduct } from '../../src/sandbox/product.ts';
import { freePort, type RunningRedis, startRedis } from '../../src/sandbox/redis.ts';
import { sandboxConfig } from '../../src/sandbox/sandbox-config.ts';
import { interactiveElements } from '../../src/sandbox/slack/messages.ts';
import { type StandIns, startStandIns } from '../../src/sandbox/stand-ins.ts';
import { memoryFolder } from '../memory-folder.ts';
import { peers } from './peers.ts';

// The whole product in a Slack that somebody else wrote. It has no streams, no agent sessions and no user groups: what labmate does without them is seen here.

const peer = peers.localSlack;

type Message = { ts: string; thread_ts?: string; user: string; text: string; blocks?: unknown[]; ephemeral_to?: string; bot_id?: string };

/** One job, then an answer; a conversation in direct messages gets words alone. */
const answer: Answer = (request) => {
  const asked = JSON.stringify(request.messages).includes('"tool_use"');
  if (asked || !readConversation(request).prompt.includes('train')) return { content: [{ type: 'text', text: 'Everything is said.' }] };
  return { content: [{ type: 'tool_use', id: 'call_1', name: 'run_databricks_job', input: { job_id: '101', parameters: { feature_set: 'v2' } } }] };
};

describe.skipIf(peer.skipped !== undefined)('labmate in local-slack', () => {
  let redis: RunningRedis;
  let slack: ChildProcess;
  let standIns: StandIns;
  let product: Product;
  let url = '';
  let dir = '';

  const control = async (path: string, body?: unknown) => {
    const init = body === undefined ? {} : { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
    return (await (await fetch(`${url}/_control/${path}`, init)).json()) as Record<string, unknown>;
  };
  const messages = async (channel = 'C0ML') => (await control(`messages/${channel}`))['messages'] as Message[];
  async function until<T>(what: string, look: () => Promise<T | undefined | null | false>): Promise<T> {
    for (const end = Date.now() + 40_000; Date.now() < end; await sleep(100)) {
      const found = await look();
      if (found) return found;
    }
    throw new Error(`waited 40 s for ${what}. The channel shows: ${JSON.stringify(await messages()).slice(0, 3_000)}`);
  }
  const says = (words: RegExp, channel?: string) =>
    until(`a message that says ${words}`, async () => (await messages(channel)).findLast((m) => words.test(JSON.stringify([m.text, m.blocks]))));
  const button = (m: Message, action: string) => interactiveElements(m.blocks ?? []).find(({ element }) => element['action_id'] === action);
  const card = (action: string) => until(`a card with ${action}`, async () => (await messages()).findLast((m) => button(m, action)));
  const click = async (user: string, m: Message, action: string) => {
    const found = button(m, action);
    await control('interact', {
      channel: 'C0ML',
      messageTs: m.ts,
      user,
      action: { ...found?.element, block_id: found?.block['block_id'] ?? 'b', action_ts: m.ts },
    });
  };

  beforeAll(async () => {
    if (peer.skipped !== undefined) return;
    dir = await memoryFolder('labmate-local-slack-');
    const tokens = { bot: 'xoxb-a-peer-of-ours', app: 'xapp-a-peer-of-ours' };
    const config = {
      workspace: { name: 'Peer', domain: 'peer', teamId: 'T1' },
      app: { appId: 'A1', botUserId: 'UBOT', botName: 'labmate', botToken: tokens.bot, appToken: tokens.app, signingSecret: 'secret', mode: 'socket' },
      users: ['U1', 'U2', 'U4'].map((id) => ({ id, name: id.toLowerCase(), real_name: `Person ${id}` })),
      channels: [{ id: 'C0ML', name: 'ml-experiments', members: ['U1', 'U2', 'U4', 'UBOT'] }],
    };
    await writeFile(join(dir, 'slack.json'), JSON.stringify(config));
    const port = await freePort();
    url = `http://127.0.0.1:${port}`;
    slack = spawn(peer.entry, ['--config', join(dir, 'slack.json'), '--port', String(port), '--base-host', '127.0.0.1', '--files-dir', join(dir, 'files')], {
      stdio: 'ignore',
    });
    await until('local-slack to answer', async () => (await fetch(`${url}/_control/state`).catch(() => null))?.ok);
    redis = await startRedis({ purpose: 'this test', dir: join(dir, 'redis') });
    standIns = await startStandIns({
      ...{ mode: 'socket', eventsUrl: '', real: ['slack'], dir, trainingSeconds: 1, ports: {}, onTraffic: () => {} },
      startClaude: (wish) => startMessagesApi({ answer, ...wish }) as never,
    });
    const file = join(dir, 'labmate.json');
    const approvers = { default: { users: ['U2'], groups: [], quorum: 1, requesterMayApprove: false, expiresAfter: '1h', channel: 'C0ML' } };
    await writeFile(file, JSON.stringify({ ...sandboxConfig(), approvers }));
    const variables = {
      PATH: process.env['PATH'] ?? '',
      HOME: dir,
      ...standIns.variables,
      ...{ SLACK_API_URL: `${url}/api/`, SLACK_BOT_TOKEN: tokens.bot, SLACK_APP_TOKEN: tokens.app },
      ...{ REDIS_URL: redis.url, REDIS_PREFIX: 'peer', LABMATE_CONFIG: file, PORT: String(await freePort()) },
    };
    product = await startProduct({ variables, dir, say: () => {} });
  });
  afterAll(async () => {
    await product?.stop();
    await standIns?.close();
    await redis?.stop();
    slack?.kill();
    if (dir) await rm(dir, { recursive: true, force: true });
  });

  test('a command opens a thread; a stranger to the card changes nothing, an approver lets the run go, and the thread ends with its record', async () => {
    await control('command', { channel: 'C0ML', user: 'U1', command: '/experiment', text: 'train it with feature_set=v2' });
    const root = await says(/train it with feature_set=v2/);
    const asked = await card('approve_call');
    expect(asked.thread_ts).toBe(root.ts);
    await click('U4', asked, 'approve_call');
    await sleep(1_000);
    expect(standIns.training.launches()).toEqual([]);
    await click('U2', asked, 'approve_call');
    await says(/record: \d+ lines/);
    expect(standIns.training.launches().map((l) => l.parameters['feature_set'])).toEqual(['v2']);
    // What is decided loses its buttons there as well; the final words may come before the card's edit.
    await until('the decided card without its buttons', async () => {
      const decided = (await messages()).find((m) => m.ts === asked.ts);
      return decided && !button(decided, 'approve_call');
    });
  });

  test('a mention opens one in its own thread, and a reply there reaches it', async () => {
    await control('message', { channel: 'C0ML', user: 'U1', text: '<@UBOT> look around' });
    const mention = await says(/look around/);
    await until('the answer in its thread', async () => (await messages()).some((m) => m.thread_ts === mention.ts && m.user === 'UBOT'));
  });

  test('direct messages, where there are no streams: the answer comes all the same, by plain messages', async () => {
    const tried = async () => JSON.stringify((await control('log'))['log']);
    await control('message', { channel: 'U1', user: 'U1', text: 'hello, what can you do?' });
    const state = (await control('state')) as { channels: { id: string; is_im: boolean; members: string[] }[] };
    const direct = state.channels.find((c) => c.is_im && c.members.includes('U1'))?.id ?? '';
    await until('an answer', async () => (await messages(direct)).some((m) => m.user === 'UBOT' && m.text.includes('Everything is said')));
    expect(await tried()).toContain('agents.sessions.setStatus');
  });
});
