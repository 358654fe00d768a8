import { mkdtemp, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Control, startControl } from '../../src/sandbox/control.ts';
import type { Fault, Snapshot } from '../../src/sandbox/control-types.ts';
import { type SlackStandIn, startSlackStandIn } from '../../src/sandbox/slack/slack-stand-in.ts';
import { createTrafficLog } from '../../src/sandbox/traffic-log.ts';

let slack: SlackStandIn;
let control: Control;
const faults: (Fault | null)[] = [];
const traffic = createTrafficLog();

beforeAll(async () => {
  const secrets = { signingSecret: 's', botToken: 'xoxb-t', appToken: 'xapp-t' };
  slack = await startSlackStandIn({ mode: 'socket', ...secrets, onTraffic: (seen) => traffic.add('slack', seen) });
  const pageDir = await mkdtemp(join(tmpdir(), 'labmate-page-'));
  await writeFile(join(pageDir, 'index.html'), '<h1>the page</h1>');
  await writeFile(join(pageDir, 'secret.txt'), 'not part of the page');
  const about = { banner: 'Everything here is simulated.', simulated: [{ name: 'Slack', by: 'a stand-in' }] };
  control = await startControl({ slack, traffic, about, pageDir, fault: (fault) => faults.push(fault), reset: () => slack.reset() });
});
afterAll(async () => {
  await control.close();
  await slack.close();
});

/** node:http, because fetch does not let one lie about Host and Origin. */
function send(method: string, path: string, headers: Record<string, string> = {}, body?: string): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const { port } = new URL(control.url);
    const asking = request({
      host: '127.0.0.1',
      port,
      method,
      path,
      headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    });
    asking.on('error', reject);
    asking.on('response', (response) => {
      let text = '';
      response.on('data', (part) => {
        text += part;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
    });
    asking.end(body);
  });
}
const state = async () => JSON.parse((await send('GET', '/control/state')).text) as Snapshot;

describe('who may use the control API', () => {
  const say = JSON.stringify({ as: 'U1', do: 'say', text: 'hello', channel: 'C0ML' });
  const own = () => new URL(control.url).host;
  test.each([
    ['another host name, as in DNS rebinding', () => ({ host: 'evil.example' }), 403],
    ['our address with another port', () => ({ host: '127.0.0.1:1' }), 403],
    ['a website open in the same browser', () => ({ origin: 'https://evil.example' }), 403],
    ['another server on this machine', () => ({ origin: 'http://127.0.0.1:1' }), 403],
    ['a sandboxed frame', () => ({ origin: 'null' }), 403],
    ['a form, which needs no permission to be sent', () => ({ 'content-type': 'text/plain' }), 415],
    ['a tool on this machine', () => ({}), 200],
    ['the page itself', () => ({ origin: `http://${own()}` }), 200],
    [
      'the page by the name of localhost',
      () => ({ host: own().replace('127.0.0.1', 'localhost'), origin: `http://${own().replace('127.0.0.1', 'localhost')}` }),
      200,
    ],
  ])('%s', async (_who, headers, status) => {
    const before = (await state()).messages.length;
    expect((await send('POST', '/control/act', headers(), say)).status).toBe(status);
    expect((await state()).messages.length - before).toBe(status === 200 ? 1 : 0);
  });

  test('what is said in the workspace is not told to a foreign host either', async () => {
    const answer = await send('GET', '/control/state', { host: 'evil.example' });
    expect(answer.status).toBe(403);
    expect(answer.text).not.toContain('Priya');
  });
});

test('a snapshot shows the seeded workspace and what happened in it', async () => {
  await send('POST', '/control/reset', {}, '{}');
  await send('POST', '/control/act', {}, JSON.stringify({ as: 'U1', do: 'say', text: 'a < b', channel: 'C0ML' }));
  const snapshot = await state();
  expect(snapshot.users.map((u) => `${u.id} ${u.realName}, ${u.role}`)).toEqual([
    'U1 Priya, requester',
    'U2 Sam, approver',
    'U3 Alex, second approver',
    'U4 Oscar, outsider',
    'U5 Gwen, guest',
    'UBOT labmate, bot',
    'USLACKBOT Slackbot, bot',
  ]);
  expect(snapshot).toMatchObject({ team: 'T1', bot: 'UBOT', banner: 'Everything here is simulated.', modals: [], homes: {} });
  expect(snapshot.messages).toEqual([
    {
      channel: 'C0ML',
      ts: expect.any(String),
      threadTs: null,
      user: 'U1',
      bot: false,
      text: 'a &lt; b',
      blocks: [],
      onlyFor: null,
      edited: false,
      files: [],
      metadata: null,
    },
  ]);
});

test('input that is none is refused with a sentence', async () => {
  for (const body of [{}, { as: 'U1', do: 'fly' }, { as: 'U1', do: 'say', text: 1, channel: 'C0ML' }, { as: 'U1', do: 'home', extra: 1 }]) {
    const { status, text } = await send('POST', '/control/act', {}, JSON.stringify(body));
    expect([status, JSON.parse(text).error]).toEqual([400, expect.stringContaining('/control/act')]);
  }
  expect((await send('POST', '/control/act', {}, '{')).status).toBe(400);
  const nobody = JSON.parse((await send('POST', '/control/act', {}, JSON.stringify({ as: 'U9', do: 'home' }))).text);
  expect(nobody).toEqual({ ok: false, error: 'there is no person U9 in this workspace' });
});

test('a fault is handed on, and null heals', async () => {
  const fault = { target: 'databricks', kind: 'status', status: 500, times: 2 };
  expect((await send('POST', '/control/fault', {}, JSON.stringify(fault))).status).toBe(200);
  expect((await send('POST', '/control/fault', {}, 'null')).status).toBe(200);
  expect((await send('POST', '/control/fault', {}, JSON.stringify({ target: 'moon', kind: 'slow' }))).status).toBe(400);
  expect(faults).toEqual([fault, null]);
});

test('changes are announced, and the traffic can be read from where one left off', async () => {
  const stop = new AbortController();
  const events = await fetch(`${control.url}/control/events`, { signal: stop.signal });
  const reader = events.body?.pipeThrough(new TextDecoderStream()).getReader();
  const first = (await reader?.read())?.value ?? '';
  const last = traffic.since(0).at(-1)?.n ?? 0;
  await fetch(`${slack.url}chat.postMessage`, {
    method: 'POST',
    headers: { authorization: 'Bearer xoxb-t' },
    body: new URLSearchParams({ channel: 'C0ML', text: 'news' }),
  });
  const second = (await reader?.read())?.value ?? '';
  stop.abort();
  const version = (text: string) => Number(/^event: version\ndata: (\d+)\n/.exec(text)?.[1]);
  expect(version(second)).toBeGreaterThan(version(first));
  const seen = JSON.parse((await send('GET', `/control/traffic?since=${last}`)).text);
  expect(seen).toMatchObject([{ n: last + 1, with: 'slack', direction: 'in', what: 'POST /api/chat.postMessage', status: 200 }]);
});

test('the page is served, and nothing beside it', async () => {
  expect(await send('GET', '/')).toMatchObject({ status: 200, text: '<h1>the page</h1>' });
  for (const path of ['/secret.txt', '/../../etc/passwd', '/..%2f..%2fetc%2fpasswd.html', '/missing.js']) expect((await send('GET', path)).status).toBe(404);
});
