import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type SlackStandIn, startSlackStandIn } from '../../src/sandbox/slack/slack-stand-in.ts';
import { type SlackService, slackService, type View } from '../../src/services/slack.ts';

let workspace: SlackStandIn;
let slack: SlackService;
let calls: string[];
beforeEach(async () => {
  workspace = await startSlackStandIn({ mode: 'http', signingSecret: 's', botToken: 'xoxb-sandbox', appToken: 'xapp-1' });
  slack = slackService({ token: 'xoxb-sandbox', apiUrl: workspace.url });
  calls = [];
  workspace.onTraffic((seen) => calls.push(seen.what));
});
afterEach(() => workspace.close());

const mark = { session: 's1', slot: 'root' };

test('a message is posted once, even when its reply is lost or Slack answers 500', async () => {
  for (const kind of ['lost-reply', 'error-500'] as const) {
    workspace.fault({ target: 'slack', kind, method: 'chat.postMessage', times: 1 });
    await expect(slack.post({ channel: 'C0ML', text: 'x', mark })).rejects.toMatchObject({ upstream: 'Slack', transient: true });
  }
  expect(calls.filter((c) => c.includes('chat.postMessage'))).toHaveLength(2);
  expect(await slack.find({ channel: 'C0ML', mark })).toHaveLength(1);
  expect(await slack.find({ channel: 'C0ML', mark: { ...mark, slot: 'plan' } })).toEqual([]);
});

test('a rate limit is a wait that Slack names; it holds up no other channel', async () => {
  workspace.fault({ target: 'slack', kind: 'rate-limit', method: 'chat.postMessage', channel: 'C0ML', times: 1 });
  await expect(slack.post({ channel: 'C0ML', text: 'x', mark })).rejects.toMatchObject({ status: 429, transient: true, retryAfterMs: expect.any(Number) });
  const began = Date.now();
  await slack.post({ channel: 'C0RANDOM', text: 'y', mark });
  expect(Date.now() - began).toBeLessThan(500);
});

test('what Slack refuses for good is a sentence with a way out, and never a token', async () => {
  await expect(slack.post({ channel: 'CGONE', text: 'x', mark })).rejects.toMatchObject({
    code: 'channel_not_found',
    transient: false,
    message: expect.stringContaining('/invite'),
  });
  await expect(slack.post({ channel: 'C0ML', text: 'x', blocks: [{ type: 'nope' }], mark })).rejects.toMatchObject({
    code: 'invalid_blocks',
    transient: false,
  });
  const stranger = slackService({ token: 'xoxb-very-secret', apiUrl: workspace.url });
  const error = await stranger.self().catch((e: Error) => e);
  expect(String(error)).toContain('SLACK_BOT_TOKEN');
  expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain('very-secret');
});

test('people and groups are asked once a minute, and afresh where it matters', async () => {
  expect(await slack.person('U5')).toMatchObject({ id: 'U5', guest: true, bot: false, team: 'T1' });
  await slack.person('U5');
  expect(calls.filter((c) => c.includes('users.info'))).toHaveLength(1);
  expect(await slack.person('UNOBODY')).toBeNull();
  expect(await slack.groupMembers('S1')).toEqual(['U2', 'U3']);
  await slack.groupMembers('S1');
  await slack.groupMembers('S1', true);
  expect(calls.filter((c) => c.includes('usergroups.users.list'))).toHaveLength(2);
  expect(await slack.channelName('C0ML')).toBe('ml-experiments');
  expect(await slack.channelNamed('random')).toBe('C0RANDOM');
  expect(await slack.channelNamed('nowhere')).toBeNull();
});

test.each(['http://127.0.0.1:1/steal', 'https://hooks.slack.com.evil.example/x', 'http://hooks.slack.com/x', 'file:///etc/passwd', ''])(
  'nothing is sent to %j as a response_url',
  async (url) => {
    await expect(slack.respond(url, { text: 'x' })).rejects.toMatchObject({ upstream: 'Slack' });
  },
);

test('an edit takes old blocks away, and an aborted call ends at once', async () => {
  const { ts } = await slack.post({ channel: 'C0ML', text: 'x', blocks: [{ type: 'divider' }], mark });
  await slack.update({ channel: 'C0ML', ts, text: 'y', mark });
  expect(workspace.world.data.messages[0]).toMatchObject({ text: 'y', blocks: [], edited: true });
  workspace.fault({ target: 'slack', kind: 'slow', method: 'auth.test', ms: 3_000, times: 1 });
  const began = Date.now();
  await expect(slack.self(AbortSignal.timeout(50))).rejects.toThrow();
  expect(Date.now() - began).toBeLessThan(1_000);
});

/** A Slack that answers as it is told, for what the stand-in cannot do. */
async function against<T>(answer: RequestListener, work: (slack: SlackService) => Promise<T>): Promise<T> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    return await work(slackService({ token: 'xoxb-sandbox', apiUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/` }));
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

test('a message that was sent on a kept connection as that was closed is not sent again: it may have arrived', async () => {
  const served = new Map<unknown, number>();
  let posts = 0;
  const answer: RequestListener = (request, response) => {
    const before = served.get(request.socket) ?? 0;
    served.set(request.socket, before + 1);
    posts += 1;
    if (before > 0) return void request.socket.destroy();
    response.end('{"ok":true,"ts":"1.1"}');
  };
  await against(answer, async (there) => {
    await there.post({ channel: 'C0ML', text: 'x', mark });
    // A connection is used again a turn of the loop after its answer was read.
    await new Promise((resolve) => setTimeout(resolve, 20));
    await expect(there.post({ channel: 'C0ML', text: 'y', mark })).rejects.toMatchObject({ status: 0, transient: true });
  });
  expect(posts).toBe(2);
  expect([...served.values()]).toEqual([2]);
});

test.each([
  ['half of its answer', '{"ok":true,"ts":"1'],
  ["somebody's page", '<html><body>Please sign in</body></html>'],
])('%s says nothing of what was done: it is looked for, and nothing of it is shown', async (_what, body) => {
  await against(
    (_request, response) => void response.end(body),
    (there) =>
      expect(there.post({ channel: 'C0ML', text: 'x', mark })).rejects.toMatchObject({
        status: 0,
        code: 'NOT_JSON',
        transient: true,
        message: "Slack's answer to chat.postMessage could not be read.",
      }),
  );
});

test.each([301, 302, 307, 308])('a redirect (%i) is not followed: the token stays with Slack, and it is tried again later', async (status) => {
  const asked: string[] = [];
  await against(
    (request, response) => {
      asked.push(request.url ?? '');
      response.writeHead(status, { location: '/elsewhere' }).end();
    },
    (there) => expect(there.self()).rejects.toMatchObject({ status: 0, transient: true, message: 'Slack did not answer auth.test.' }),
  );
  expect(asked).toEqual(['/api/auth.test']);
});

test('requests that hang hold up no other, however many they are: a dialog opens beside them', async () => {
  const answer: RequestListener = (request, response) => {
    if (request.url?.endsWith('/views.open')) response.end('{"ok":true,"view":{"id":"V1"}}');
  };
  const dialog = { type: 'modal', title: { type: 'plain_text', text: 'x' }, blocks: [] } as unknown as View;
  const hanging: Promise<unknown>[] = [];
  await against(answer, async (there) => {
    for (let i = 0; i < 400; i++) hanging.push(there.update({ channel: 'C0ML', ts: `${i}.1`, text: 'x', mark }).catch(() => {}));
    expect(await there.openModal('1', dialog)).toBe('V1');
  });
  await Promise.all(hanging);
});
