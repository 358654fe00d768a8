import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { freePort } from '../../../src/sandbox/redis.ts';
import { slackTimes } from '../../../src/sandbox/slack/deliver.ts';
import { type SlackOptions, type SlackStandIn, startSlackStandIn } from '../../../src/sandbox/slack/slack-stand-in.ts';

const bolt = createRequire(import.meta.url)('@slack/bolt') as typeof import('@slack/bolt');
type App = import('@slack/bolt').App;

const signingSecret = 'a-secret-for-signing';
const botToken = 'xoxb-sandbox';
const appToken = 'xapp-1-sandbox';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** A real Bolt app before a fresh workspace, over one of the two transports. */
async function start(mode: 'socket' | 'http', listen: (app: App) => void, options: Partial<SlackOptions> = {}): Promise<{ slack: SlackStandIn; app: App }> {
  const port = await freePort();
  const slack = await startSlackStandIn({ mode, signingSecret, botToken, appToken, eventsUrl: `http://127.0.0.1:${port}/slack/events`, ...options });
  closing.push(() => slack.close());
  const logger = { debug() {}, info() {}, warn() {}, error() {}, setLevel() {}, getLevel: () => bolt.LogLevel.ERROR, setName() {} };
  const clientOptions = { slackApiUrl: slack.url, retryConfig: { retries: 0 } };
  const receiver =
    mode === 'socket'
      ? new bolt.SocketModeReceiver({ appToken, clientPingTimeout: 500, installerOptions: { clientOptions: { ...clientOptions } }, logger } as never)
      : new bolt.HTTPReceiver({ signingSecret, processBeforeResponse: true, logger });
  const app = new bolt.App({ token: botToken, receiver, clientOptions: { ...clientOptions }, logger });
  listen(app);
  await (mode === 'socket' ? app.start() : app.start({ port, host: '127.0.0.1' } as never));
  closing.push(() => app.stop());
  return { slack, app };
}

async function until<T>(look: () => T | null | undefined | false, ms = 4000): Promise<T> {
  const end = Date.now() + ms;
  while (Date.now() < end) {
    const found = look();
    if (found) return found;
    await sleep(10);
  }
  throw new Error(`it did not happen within ${ms} ms`);
}

describe.each(['socket', 'http'] as const)('real Bolt over %s', (mode) => {
  test('a command is acked with a text that only its person sees, and carries names in its references', async () => {
    const heard: string[] = [];
    const { slack } = await start(mode, (app) => {
      app.command('/experiment', async ({ command, ack }) => {
        heard.push(`${command.user_id} in ${command.channel_name}: ${command.text}`);
        await ack('Taken down.');
      });
    });
    const acted = await slack.act({ as: 'U1', do: 'command', command: '/experiment', text: 'Compare a < b & tell #ml-experiments and @sam', channel: 'C0ML' });
    expect(acted).toMatchObject({ ok: true, response: 'Taken down.' });
    expect(heard).toEqual(['U1 in ml-experiments: Compare a &lt; b &amp; tell <#C0ML|ml-experiments> and <@U2|sam>']);
    expect(slack.world.data.messages).toMatchObject([{ text: 'Taken down.', onlyFor: 'U1', user: 'UBOT' }]);
  });

  test('a mention arrives twice, as message and as app_mention, and a reply in the thread once', async () => {
    const heard: { type: string; text: string; thread: string | undefined }[] = [];
    const { slack } = await start(mode, (app) => {
      const note = async ({ event }: { event: unknown }) => {
        const e = event as { type: string; text: string; thread_ts?: string };
        heard.push({ type: e.type, text: e.text, thread: e.thread_ts });
      };
      app.event('message', note);
      app.event('app_mention', note);
    });
    const asked = await slack.act({ as: 'U1', do: 'say', text: '@labmate run job 101', channel: 'C0ML' });
    await until(() => heard.length === 2);
    expect(heard.map((h) => h.type).sort()).toEqual(['app_mention', 'message']);
    expect(heard[0]?.text).toBe('<@UBOT> run job 101');
    await slack.act({ as: 'U2', do: 'say', text: 'and then?', channel: 'C0ML', thread: asked.ts });
    await until(() => heard.length === 3);
    expect(heard[2]).toEqual({ type: 'message', text: 'and then?', thread: asked.ts });
  });

  test('a click opens a modal, the modal refuses a reason that is too short, then takes one and closes', async () => {
    const reasons: unknown[] = [];
    const { slack, app } = await start(mode, (app) => {
      app.action('deny_call', async ({ ack, body, client, respond }) => {
        await ack();
        await client.views.open({ trigger_id: (body as { trigger_id: string }).trigger_id, view: denyModal });
        await respond({ text: `denied by ${body.user.id}`, response_type: 'ephemeral' });
      });
      app.view('deny_reason', async ({ ack, view }) => {
        const reason = view.state.values['reason']?.['text']?.value;
        if ((reason ?? '').length < 5) return await ack({ response_action: 'errors', errors: { reason: 'Say a little more.' } });
        reasons.push(reason, view.private_metadata, view.state.values['note']?.['text']?.value);
        await ack();
      });
    });
    const root = await app.client.chat.postMessage({ channel: 'C0ML', text: 'A card', blocks: card });
    expect(await slack.act({ as: 'U2', do: 'click', channel: 'C0ML', ts: root.ts ?? '', actionId: 'deny_call' })).toEqual({ ok: true });
    const modal = await until(() => slack.world.data.modals[0]);
    await until(() => slack.world.data.messages.some((m) => m.onlyFor === 'U2' && m.text === 'denied by U2'));

    const submit = (text: string) => slack.act({ as: 'U2', do: 'submit', modal: modal.id, values: { reason: { text } } });
    expect(await submit('')).toMatchObject({ ok: false });
    expect(slack.world.data.modals[0]?.errors).toEqual({ reason: 'Please complete this required field.' });
    expect(await submit('no')).toMatchObject({ ok: false });
    expect(slack.world.data.modals[0]?.errors).toEqual({ reason: 'Say a little more.' });
    expect(await submit('too expensive today')).toEqual({ ok: true });
    expect(slack.world.data.modals).toEqual([]);
    expect(reasons).toEqual(['too expensive today', 'ap-1', null]);
  });

  test('a command nobody answers fails after three seconds, and its person is told', async () => {
    const { slack } = await start(mode, () => {}, { times: { ...slackTimes, ackMs: 200 } });
    expect(await slack.act({ as: 'U1', do: 'command', command: '/experiment', text: 'x', channel: 'C0ML' })).toEqual({ ok: false, error: 'dispatch_failed' });
    expect(slack.world.data.messages).toMatchObject([{ onlyFor: 'U1', text: '/experiment failed with the error "dispatch_failed"' }]);
  });

  test('an event that is not acked in time is sent again with the same id and a retry number', async () => {
    const seen: { id: string; retry: number | undefined }[] = [];
    const { slack } = await start(
      mode,
      (app) => {
        app.use(async ({ body, context, next }) => {
          seen.push({ id: (body as { event_id: string }).event_id, retry: context.retryNum });
          if (seen.length === 1) await sleep(400);
          await next();
        });
        app.event('message', async () => {});
      },
      { times: { ackMs: 200, retryAfterMs: [0, 60_000] } },
    );
    // Bolt acks events over a socket before anybody has seen them, so there the ack is lost on the way instead.
    if (mode === 'socket') slack.fault({ target: 'slack', kind: 'redeliver' });
    await slack.act({ as: 'U1', do: 'say', text: 'hello', channel: 'C0ML' });
    await until(() => seen.length === 2);
    expect(seen[1]).toEqual({ id: seen[0]?.id, retry: 1 });
  });
});

test('a refreshed connection loses no event: what happened meanwhile arrives on the next one', async () => {
  const heard: string[] = [];
  const { slack } = await start('socket', (app) => {
    app.event('message', async ({ event }) => void heard.push((event as { text: string }).text));
  });
  slack.fault({ target: 'slack', kind: 'refresh' });
  expect(slack.connections()).toBe(0);
  await slack.act({ as: 'U1', do: 'say', text: 'while you were away', channel: 'C0ML' });
  await until(() => heard.length === 1);
  expect(heard).toEqual(['while you were away']);
  slack.fault({ target: 'slack', kind: 'drop-socket' });
  await slack.act({ as: 'U1', do: 'say', text: 'and again', channel: 'C0ML' });
  // At least once: an event whose ack was on its way when the connection broke comes again.
  await until(() => heard.includes('and again'));
});

test('a workspace with another signing secret does not reach the listeners', async () => {
  let heard = 0;
  const listen = (app: App) =>
    app.command('/experiment', async ({ ack }) => {
      heard += 1;
      await ack();
    });
  const ask = (slack: SlackStandIn) => slack.act({ as: 'U1', do: 'command', command: '/experiment', text: 'x', channel: 'C0ML' });
  expect(await ask((await start('http', listen)).slack)).toEqual({ ok: true });
  expect(await ask((await start('http', listen, { signingSecret: 'not-the-one' })).slack)).toEqual({ ok: false, error: 'dispatch_failed' });
  expect(heard).toBe(1);
});

test('what the traffic shows holds no token', async () => {
  const { slack, app } = await start('socket', () => {});
  const seen: unknown[] = [];
  slack.onTraffic((traffic) => seen.push(traffic));
  await app.client.auth.test({ token: botToken });
  await app.client.chat.postMessage({ channel: 'C0ML', text: 'hello' });
  expect(seen.length).toBeGreaterThan(1);
  expect(JSON.stringify(seen)).not.toMatch(/xoxb|xapp/);
});

test('a duplicated delivery is the same command twice, and the first ack counts', async () => {
  const triggers: string[] = [];
  const { slack } = await start('http', (app) => {
    app.command('/experiment', async ({ command, ack }) => {
      triggers.push(command.trigger_id);
      await ack(`answer ${triggers.length}`);
    });
  });
  slack.fault({ target: 'slack', kind: 'redeliver', times: 1 });
  expect(await slack.act({ as: 'U1', do: 'command', command: '/experiment', text: 'x', channel: 'C0ML' })).toMatchObject({ ok: true, response: 'answer 1' });
  expect(triggers.length).toBe(2);
  expect(triggers[0]).toBe(triggers[1]);
});

test('the Home tab, a button on it, a shortcut on a message and the end of a form reach the app', async () => {
  const heard: string[] = [];
  const { slack } = await start('socket', (app) => {
    app.event('app_home_opened', async ({ event, client }) => {
      await client.views.publish({ user_id: event.user, view: { type: 'home', blocks: card } });
    });
    app.action('approve_call', async ({ ack, body, action, client }) => {
      await ack();
      heard.push(`${body.type} ${(action as { value: string }).value} by ${body.user.id}`);
      await client.views.open({ trigger_id: (body as { trigger_id: string }).trigger_id, view: { ...denyModal, notify_on_close: true } });
    });
    app.view({ callback_id: 'deny_reason', type: 'view_closed' }, async ({ ack, view }) => {
      await ack();
      heard.push(`closed ${view.callback_id}`);
    });
    app.shortcut('run_as_experiment', async ({ ack, shortcut }) => {
      await ack();
      heard.push(`shortcut on ${(shortcut as { message: { text: string } }).message.text}`);
    });
  });
  expect(await slack.act({ as: 'U2', do: 'home' })).toEqual({ ok: true });
  const home = await until(() => slack.world.data.homes['U2']);
  expect(await slack.act({ as: 'U2', do: 'click', channel: '', ts: '', view: String(home['id']), actionId: 'approve_call' })).toEqual({ ok: true });
  const modal = await until(() => slack.world.data.modals[0]);
  expect(await slack.act({ as: 'U1', do: 'close', modal: modal.id })).toMatchObject({ ok: false });
  expect(await slack.act({ as: 'U2', do: 'close', modal: modal.id })).toEqual({ ok: true });
  const said = await slack.act({ as: 'U1', do: 'say', text: 'run job 101', channel: 'C0ML' });
  expect(await slack.act({ as: 'U1', do: 'shortcut', callbackId: 'run_as_experiment', channel: 'C0ML', ts: said.ts })).toEqual({ ok: true });
  await until(() => heard.length === 3);
  expect(heard).toEqual(['block_actions ap-1 by U2', 'closed deny_reason', 'shortcut on run job 101']);
});

test('a view keeps what was filled in while another is pushed over it', async () => {
  const { slack, app } = await start('socket', (app) => {
    app.action('deny_call', async ({ ack, body, client }) => {
      await ack();
      await client.views.open({ trigger_id: (body as { trigger_id: string }).trigger_id, view: denyModal });
    });
    app.view('deny_reason', async ({ ack }) => await ack({ response_action: 'push', view: { ...denyModal, callback_id: 'sure' } }));
  });
  const root = await app.client.chat.postMessage({ channel: 'C0ML', text: 'A card', blocks: card });
  await slack.act({ as: 'U2', do: 'click', channel: 'C0ML', ts: root.ts ?? '', actionId: 'deny_call' });
  const form = await until(() => slack.world.data.modals[0]);
  const values = { reason: { text: { type: 'plain_text_input', value: 'too expensive' } }, note: { text: { type: 'plain_text_input', value: null } } };
  expect(await slack.act({ as: 'U2', do: 'submit', modal: form.id, values })).toEqual({ ok: true });
  const over = await until(() => slack.world.data.modals[1]);
  expect(over.view['state']).toEqual({ values: {} });
  expect(await slack.act({ as: 'U2', do: 'close', modal: over.id })).toEqual({ ok: true });
  expect(slack.world.data.modals).toMatchObject([{ id: form.id, view: { state: { values } } }]);
});

test('people can do only what they could do in Slack', async () => {
  const { slack, app } = await start('socket', () => {});
  const whisper = await app.client.chat.postEphemeral({ channel: 'C0ML', user: 'U1', text: 'for you', blocks: card });
  const click = (as: string, ts: string, actionId = 'approve_call') => slack.act({ as, do: 'click', channel: 'C0ML', ts, actionId });
  expect(await click('U2', whisper.message_ts ?? '')).toMatchObject({ ok: false, error: expect.stringContaining('sees no message') });
  expect(await click('U1', whisper.message_ts ?? '', 'not_there')).toMatchObject({ ok: false, error: 'there is no not_there to click there' });
  expect(await slack.act({ as: 'U2', do: 'say', text: 'hi', channel: 'D1' })).toMatchObject({ ok: false });
  expect(await slack.act({ as: 'U1', do: 'say', text: 'hi', channel: 'C0ML', thread: '1.1' })).toMatchObject({ ok: false });
  expect(await slack.act({ as: 'U1', do: 'command', command: '/other', text: '', channel: 'C0ML' })).toEqual({ ok: false, error: 'invalid_command' });
});

test('messages survive a restart, and ids given later are new ones', async () => {
  const { mkdtemp } = await import('node:fs/promises');
  const dataDir = await mkdtemp(`${(await import('node:os')).tmpdir()}/labmate-slack-`);
  const options = { mode: 'socket', signingSecret, botToken, appToken, dataDir } as const;
  const before = await startSlackStandIn(options);
  const first = await before.act({ as: 'U1', do: 'say', text: 'still here tomorrow', channel: 'C0ML' });
  await before.close();
  const after = await startSlackStandIn(options);
  closing.push(() => after.close());
  const second = await after.act({ as: 'U1', do: 'say', text: 'and more', channel: 'C0ML', thread: first.ts });
  expect(after.world.data.messages.map((m) => [m.text, m.ts])).toEqual([
    ['still here tomorrow', first.ts],
    ['and more', second.ts],
  ]);
  expect(Number(second.ts)).toBeGreaterThan(Number(first.ts));
});

describe('the Web API through the official client', () => {
  const client = async (options: Partial<SlackOptions> = {}) => {
    const { slack, app } = await start('socket', () => {}, options);
    return { slack, web: app.client };
  };
  const error = (call: Promise<unknown>) =>
    call.then(
      () => 'no error',
      (e: { data?: { error: string }; code: string }) => e.data?.error ?? e.code,
    );

  test('a thread gives back its metadata only where it is asked for', async () => {
    const { web } = await client();
    const root = await web.chat.postMessage({ channel: 'C0ML', text: 'root' });
    const metadata = { event_type: 'labmate_slot', event_payload: { session: 's1', slot: 'plan' } };
    await web.chat.postMessage({ channel: 'C0ML', text: 'reply', thread_ts: root.ts ?? '', metadata });
    const plain = await web.conversations.replies({ channel: 'C0ML', ts: root.ts ?? '' });
    const full = await web.conversations.replies({ channel: 'C0ML', ts: root.ts ?? '', include_all_metadata: true });
    expect(plain.messages?.map((m) => [m.text, m.metadata])).toEqual([
      ['root', undefined],
      ['reply', undefined],
    ]);
    expect(full.messages?.[1]).toMatchObject({ text: 'reply', thread_ts: root.ts, bot_id: 'B1', metadata });
    const history = await web.conversations.history({ channel: 'C0ML' });
    expect(history.messages?.map((m) => m.text)).toEqual(['root']);
  });

  test('an edit replaces the blocks, and text alone takes them away', async () => {
    const { slack, web } = await client();
    const { ts = '' } = await web.chat.postMessage({ channel: 'C0ML', text: 'a', blocks: card });
    await web.chat.update({ channel: 'C0ML', ts, text: 'b' });
    expect(slack.world.data.messages[0]).toMatchObject({ text: 'b', blocks: [], edited: true });
    await web.chat.delete({ channel: 'C0ML', ts });
    expect(slack.world.data.messages).toEqual([]);
  });

  test('an upload shows up in the thread with its title, its alt text and its bytes', async () => {
    const { slack, web } = await client();
    const root = await web.chat.postMessage({ channel: 'C0ML', text: 'root' });
    const picture = { file: Buffer.from('not really a picture'), filename: 'loss.png', title: 'The loss', alt_text: 'it falls' };
    await web.filesUploadV2({ channel_id: 'C0ML', thread_ts: root.ts ?? '', initial_comment: 'See:', ...picture });
    const message = slack.world.data.messages.at(-1);
    expect(message).toMatchObject({
      threadTs: root.ts,
      text: 'See:',
      files: [{ name: 'loss.png', title: 'The loss', alt: 'it falls', mimetype: 'image/png' }],
    });
    expect(await (await fetch(message?.files[0]?.url ?? '')).text()).toBe('not really a picture');
  });

  test('what does not exist, or not any more, is answered in Slack’s own words', async () => {
    let now = Date.now();
    const { slack, web } = await client({ now: () => now, times: { ...slackTimes, ackMs: 300 } });
    expect(await error(web.apiCall('chat.sing'))).toBe('unknown_method');
    expect(await error(web.chat.postMessage({ channel: 'C404', text: 'x' }))).toBe('channel_not_found');
    expect(await error(web.auth.test({ token: 'xoxb-other' }))).toBe('invalid_auth');
    expect(await error(web.auth.test({ token: appToken }))).toBe('not_allowed_token_type');
    expect(await error(web.users.info({ user: 'U404' }))).toBe('user_not_found');
    expect(
      await error(web.chat.postMessage({ channel: 'C0ML', text: 'x', blocks: [{ type: 'header', text: { type: 'plain_text', text: 'y'.repeat(151) } }] })),
    ).toBe('invalid_blocks');
    expect(await error(web.views.open({ trigger_id: 'never-given', view: denyModal }))).toBe('invalid_trigger_id');
    expect((await web.usergroups.users.list({ usergroup: 'S1' })).users).toEqual(['U2', 'U3']);
    expect((await web.users.info({ user: 'U5' })).user).toMatchObject({ is_restricted: true, team_id: 'T1' });

    const triggers: string[] = [];
    slack.onTraffic(({ body }) => {
      const trigger = (body as { payload?: { trigger_id?: string } } | null)?.payload?.trigger_id;
      if (trigger) triggers.push(trigger);
    });
    const { ts = '' } = await web.chat.postMessage({ channel: 'C0ML', text: 'card', blocks: card });
    const click = () => slack.act({ as: 'U2', do: 'click', channel: 'C0ML', ts, actionId: 'deny_call' });
    void click();
    void click();
    await until(() => triggers.length === 2);
    await web.views.open({ trigger_id: triggers[0] ?? '', view: denyModal });
    expect(await error(web.views.open({ trigger_id: triggers[0] ?? '', view: denyModal }))).toBe('exchanged_trigger_id');
    now += 3001;
    expect(await error(web.views.open({ trigger_id: triggers[1] ?? '', view: denyModal }))).toBe('expired_trigger_id');
  });

  test('faults strike the method and channel they name, so often as they say', async () => {
    const { slack, web } = await client();
    slack.fault({ target: 'slack', kind: 'rate-limit', method: 'chat.postMessage', channel: 'C0ML', ms: 2000, times: 1 });
    const post = (channel: string, text: string) =>
      fetch(`${slack.url}chat.postMessage`, { method: 'POST', headers: { authorization: `Bearer ${botToken}` }, body: new URLSearchParams({ channel, text }) });
    expect((await post('C0RANDOM', 'free')).status).toBe(200);
    const limited = await post('C0ML', 'limited');
    expect([limited.status, limited.headers.get('retry-after')]).toEqual([429, '2']);
    slack.fault({ target: 'slack', kind: 'lost-reply', times: 1 });
    expect(await error(web.chat.postMessage({ channel: 'C0ML', text: 'done, but you never hear of it' }))).toBe('slack_webapi_request_error');
    expect(slack.world.data.messages.map((m) => m.text)).toEqual(['free', 'done, but you never hear of it']);
    slack.fault({ target: 'slack', kind: 'error-500' });
    expect(await error(web.chat.postMessage({ channel: 'C0ML', text: 'x' }))).toBe('slack_webapi_http_error');
    slack.fault(null);
    expect((await web.chat.postMessage({ channel: 'C0ML', text: 'x' })).ok).toBe(true);
  });

  test('a stream is written until it is stopped, and needs a recipient in a channel', async () => {
    const { slack, web } = await client();
    const root = await web.chat.postMessage({ channel: 'C0ML', text: 'root' });
    const place = { channel: 'C0ML', thread_ts: root.ts ?? '' };
    expect(await error(web.chat.startStream(place))).toBe('missing_recipient_user_id');
    const { ts = '' } = await web.chat.startStream({ ...place, recipient_team_id: 'T1', recipient_user_id: 'U1', markdown_text: 'one ' });
    await web.chat.appendStream({ channel: 'C0ML', ts, chunks: [{ type: 'task_update', id: 't', title: 'Train', status: 'in_progress' }] });
    await web.chat.appendStream({ channel: 'C0ML', ts, chunks: [{ type: 'task_update', id: 't', title: 'Train', status: 'complete' }] });
    await web.chat.stopStream({ channel: 'C0ML', ts, markdown_text: 'two' });
    expect(slack.world.data.messages.at(-1)).toMatchObject({
      text: 'one two',
      streaming: false,
      blocks: [{ type: 'plan', tasks: [{ task_id: 't', status: 'complete' }] }],
    });
    expect(await error(web.chat.appendStream({ channel: 'C0ML', ts, markdown_text: 'late' }))).toBe('message_not_in_streaming_state');
  });

  test('an agent session has one of four states and no free text', async () => {
    const { slack, web } = await client();
    const root = await web.chat.postMessage({ channel: 'C0ML', text: 'root' });
    const session = { channel_id: 'C0ML', thread_ts: root.ts ?? '' };
    await web.apiCall('agents.sessions.setStatus', { ...session, status: 'suspended', title: 'An ablation' });
    expect(await error(web.apiCall('agents.sessions.setStatus', { ...session, status: 'thinking hard' }))).toBe('invalid_arguments');
    await web.apiCall('agents.sessions.rename', { ...session, title: 'A better name' });
    expect(slack.world.data.statuses).toEqual([{ channel: 'C0ML', threadTs: root.ts, status: 'suspended', title: 'A better name' }]);
  });

  test('a permalink opens the thread as plain text', async () => {
    const { web } = await client();
    const root = await web.chat.postMessage({ channel: 'C0ML', text: 'the root &amp; more' });
    const reply = await web.chat.postMessage({ channel: 'C0ML', text: 'a reply', thread_ts: root.ts ?? '' });
    const { permalink = '' } = await web.chat.getPermalink({ channel: 'C0ML', message_ts: reply.ts ?? '' });
    const page = await (await fetch(permalink)).text();
    expect(page).toContain('the root &#38; more');
    expect(page).toContain('a reply');
  });

  test('a response_url works five times and not a sixth', async () => {
    let url = '';
    const { slack } = await start('socket', (app) => {
      app.command('/experiment', async ({ command, ack }) => {
        url = command.response_url;
        await ack();
      });
    });
    await slack.act({ as: 'U1', do: 'command', command: '/experiment', text: 'x', channel: 'C0ML' });
    const answer = () => fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ text: 'hi' }) });
    const statuses: number[] = [];
    for (let i = 0; i < 6; i++) statuses.push((await answer()).status);
    expect(statuses).toEqual([200, 200, 200, 200, 200, 404]);
    expect(slack.world.data.messages.every((m) => m.onlyFor === 'U1')).toBe(true);
  });
});

const card = [
  { type: 'section', text: { type: 'mrkdwn', text: 'Run job 101?' } },
  {
    type: 'actions',
    elements: [
      { type: 'button', action_id: 'approve_call', text: { type: 'plain_text', text: 'Approve' }, value: 'ap-1' },
      { type: 'button', action_id: 'deny_call', text: { type: 'plain_text', text: 'Deny' }, value: 'ap-1' },
    ],
  },
] as import('@slack/bolt').types.KnownBlock[];

const denyModal: import('@slack/bolt').types.ModalView = {
  type: 'modal',
  callback_id: 'deny_reason',
  private_metadata: 'ap-1',
  title: { type: 'plain_text', text: 'Deny' },
  submit: { type: 'plain_text', text: 'Deny' },
  blocks: [
    { type: 'input', block_id: 'reason', label: { type: 'plain_text', text: 'Why?' }, element: { type: 'plain_text_input', action_id: 'text' } },
    {
      type: 'input',
      block_id: 'note',
      optional: true,
      label: { type: 'plain_text', text: 'A note' },
      element: { type: 'plain_text_input', action_id: 'text' },
    },
  ],
};
