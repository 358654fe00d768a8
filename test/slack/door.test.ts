import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import type { Command, Deliver, Delivered } from '../../src/runtime/commands.ts';
import { makePeople } from '../../src/runtime/people.ts';
import { sign } from '../../src/sandbox/slack/http-mode.ts';
import { slackService } from '../../src/services/slack.ts';
import { startSlack } from '../../src/slack/app.ts';
import { aDesk, botToken, permissions, signingSecret, silent, until, whispersTo } from './a-desk.ts';

let desk: Awaited<ReturnType<typeof aDesk>> | undefined;
afterEach(async () => {
  await desk?.close();
  desk = undefined;
});

const FORM = 'application/x-www-form-urlencoded';
const now = () => Math.floor(Date.now() / 1000);
const post = (body: string, headers: Record<string, string>, type = FORM) =>
  fetch(`http://127.0.0.1:${desk?.port}/slack/events`, { method: 'POST', body, headers: { 'content-type': type, ...headers } }).then((r) => r.status);
const command = (text: string, trigger = 'tr.1') =>
  new URLSearchParams({ team_id: 'T1', channel_id: 'C0ML', user_id: 'U1', command: '/experiment', text, trigger_id: trigger, response_url: '' }).toString();

/** A deliver that writes down what it was given and answers as told. */
function recording(answer: (n: number) => Promise<Delivered>) {
  const seen: { key: string; command: Command }[] = [];
  const deliver: Deliver = (key, given) => {
    seen.push({ key, command: given });
    return answer(seen.length);
  };
  return { seen, deliver };
}

const stored: Delivered = { is: 'stored', session: 's', seq: 1, alias: 'e-test' };

test.each(['socket', 'http'] as const)(
  'over %s, whoever gives a command waits until it is stored, and no longer; who is not Slack counts for nobody',
  async (mode) => {
    const people = makePeople();
    let alone: boolean | undefined;
    const { deliver } = recording(async () => {
      alone = await Promise.race([people.gone().then(() => true), sleep(100).then(() => false)]);
      return stored;
    });
    desk = await aDesk(mode, { door: { deliver, people } });
    expect((await desk.workspace.act({ as: 'U1', do: 'command', command: '/experiment', text: 'train it with care', channel: 'C0ML' })).ok).toBe(true);
    expect(alone).toBe(false);
    await sleep(1_000);
    const gone = () => Promise.race([people.gone().then(() => 'gone'), sleep(500).then(() => 'here')]);
    expect(await gone()).toBe('gone');
    if (mode === 'http') {
      // A body that never ends, of a request that nobody has signed yet.
      const stranger = connect(desk.port, '127.0.0.1');
      await new Promise((resolve) => stranger.write('POST /slack/events HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nx', resolve));
      await sleep(50);
      let drawn = false;
      void people.gone().then(() => {
        drawn = true;
      });
      await sleep(0);
      expect(drawn).toBe(true);
      stranger.destroy();
    }
  },
);

describe('requests that no honest Slack sends', () => {
  test('are refused before anything happens, and do not end the process', async () => {
    const { seen, deliver } = recording(async () => stored);
    desk = await aDesk('http', { door: { deliver } });
    for (const [body, type] of [
      ['null', 'application/json'],
      ['payload=null', FORM],
      ['[]', 'application/json'],
      ['payload=1', FORM],
      ['{', 'application/json'],
    ] as const) {
      expect(await post(body, sign(body, signingSecret), type)).toBe(400);
      expect(await post(body, {}, type)).toBe(401);
    }
    const body = command('train it');
    expect(await post(body, {})).toBe(401);
    expect(await post(body, sign(body, 'another secret'))).toBe(401);
    expect(await post(body, sign(body, signingSecret, now() - 400))).toBe(401);
    expect(await post(body, sign(body, signingSecret, now() + 90))).toBe(401);
    expect(await post(`${body}&ssl_check=1`, {})).toBe(200);
    expect(await post('x'.repeat(5 * 1024 * 1024), {})).toBe(413);
    expect(seen).toEqual([]);
    expect(await post(body, sign(body, signingSecret, now() + 30))).toBe(200);
    expect(seen).toHaveLength(1);
  });

  test('a command of another workspace, and a click on an id that is nobody’s, change nothing', async () => {
    const { seen, deliver } = recording(async () => stored);
    desk = await aDesk('http', { door: { deliver } });
    const other = command('train it').replace('team_id=T1', 'team_id=T2');
    expect(await post(other, sign(other, signingSecret))).toBe(200);
    const click = `payload=${encodeURIComponent(
      JSON.stringify({
        type: 'block_actions',
        team: { id: 'T1' },
        user: { id: 'U2', team_id: 'T1' },
        container: { type: 'message', message_ts: '1.2', channel_id: 'C0ML' },
        channel: { id: 'C0ML' },
        trigger_id: 't',
        response_url: 'https://evil.example/steal',
        actions: [{ type: 'button', action_id: 'approve_call', block_id: 'b', value: 'nobody/1', action_ts: '1.3' }],
      }),
    )}`;
    expect(await post(click, sign(click, signingSecret))).toBe(200);
    expect(seen).toEqual([]);
  });
});

describe('store, then ack', () => {
  test('one command that arrives four times has one key, and names one session', async () => {
    const { seen, deliver } = recording(async (n) => (n === 1 ? stored : { is: 'duplicate', session: 's', seq: 1 }));
    desk = await aDesk('http', { door: { deliver } });
    const body = command('train it', 'tr.55.x');
    for (let i = 0; i < 4; i++) expect(await post(body, sign(body, signingSecret))).toBe(200);
    expect(new Set(seen.map((s) => `${s.key} ${s.command.do === 'open' && s.command.session}`))).toEqual(new Set(['cmd:tr.55.x T1-C0ML-tr.55.x']));
  });

  test.each(['socket', 'http'] as const)('over %s a command that came too late, or is not known to be stored, says so', async (mode) => {
    let answer: () => Promise<Delivered> = async () => ({ is: 'late' });
    const { deliver } = recording(() => answer());
    desk = await aDesk(mode, { door: { deliver } });
    const type = () => desk?.workspace.act({ as: 'U1', do: 'command', command: '/experiment', text: 'train it', channel: 'C0ML' }).then((a) => a.response);
    expect(await type()).toBe('I could not store this within 2 seconds, so nothing was done. Please repeat it.');

    let calls = 0;
    answer = async () => {
      calls += 1;
      if (calls === 1) throw new Error('the connection is gone');
      return { is: 'duplicate', session: 's', seq: 1 };
    };
    expect(await type()).toContain('I could not confirm within 2 seconds');
    await until(() => desk && whispersTo(desk.workspace, 'U1').find((t) => t.includes('It was stored after all')));

    const began = Date.now();
    answer = async () => {
      await sleep(2_700);
      return { is: 'late' };
    };
    expect(await type()).toContain('I could not confirm within 2 seconds');
    expect(Date.now() - began).toBeLessThan(2_900);
    await until(() => desk && whispersTo(desk.workspace, 'U1').find((t) => t.includes('It was not stored')));
  });

  test.each(['socket', 'http'] as const)('over %s an event that could not be stored is not acknowledged, so Slack sends it again', async (mode) => {
    const { seen, deliver } = recording(async (n) => (n < 3 ? { is: 'late' } : stored));
    desk = await aDesk(mode, { door: { deliver } });
    await desk.workspace.act({ as: 'U1', do: 'say', text: '@labmate train it', channel: 'C0ML' });
    await until(() => seen.length >= 4);
    expect(new Set(seen.map((s) => s.key)).size).toBe(1);
    await sleep(200);
    // Two deliveries of the one post, each sent again until it was stored.
    expect(seen.length).toBeLessThanOrEqual(5);
  });

  test('bots, ourselves, edits and strangers are left alone', async () => {
    const { seen, deliver } = recording(async () => stored);
    desk = await aDesk('http', { door: { deliver } });
    const event = (more: object) => ({
      type: 'message',
      channel: 'C0ML',
      user: 'U1',
      text: '<@UBOT> train',
      ts: `${now()}.${Math.random().toString().slice(2, 8)}`,
      ...more,
    });
    const send = async (more: object) => {
      const body = JSON.stringify({ type: 'event_callback', team_id: 'T1', event_id: 'Ev1', event: event(more) });
      expect(await post(body, sign(body, signingSecret), 'application/json')).toBe(200);
    };
    for (const more of [
      { bot_id: 'B9', subtype: 'bot_message' },
      { bot_id: 'B9' },
      { user: 'UBOT' },
      { user: undefined },
      { subtype: 'message_changed' },
      { subtype: 'channel_join' },
      { user_team: 'T2' },
      { text: 'no mention' },
    ]) {
      await send(more);
    }
    expect(seen).toEqual([]);
    await send({});
    expect(seen).toHaveLength(1);
  });
});

describe('at start', () => {
  const options = (apiUrl: string) => ({
    botToken,
    signingSecret,
    apiUrl,
    port: 0,
    deliver: recording(async () => stored).deliver,
    reading: {} as never,
    permissions,
    slack: slackService({ token: botToken, apiUrl }),
    channels: ['C0ML'],
    log: silent,
  });

  test('an unreachable Slack is a clear sentence in time', async () => {
    await expect(startSlack({ ...options('http://127.0.0.1:9/api/'), startWithinMs: 700 })).rejects.toThrow(
      /Slack at http:\/\/127\.0\.0\.1:9\/api\/ did not answer within 0\.7 s/,
    );
  });

  test('a port that is taken names the variable', async () => {
    desk = await aDesk('http');
    const { port, workspace } = desk;
    const taken = startSlack({ ...options(workspace.url), slack: slackService({ token: botToken, apiUrl: workspace.url }), port });
    await expect(taken).rejects.toThrow(new Error(`PORT ${port} cannot be opened (EADDRINUSE): choose another with PORT.`));
  });

  test('a wrong token names the variable', async () => {
    desk = await aDesk('http');
    const slack = slackService({ token: 'xoxb-wrong', apiUrl: desk.workspace.url });
    await expect(startSlack({ ...options(desk.workspace.url), slack })).rejects.toThrow('SLACK_BOT_TOKEN');
  });

  test('a dropped connection is not ready, and comes back by itself', async () => {
    desk = await aDesk('socket');
    expect(desk.door.ready()).toEqual({ ok: true });
    await until(() => desk?.workspace.connections() === 2);
    desk.workspace.fault({ target: 'slack', kind: 'drop-socket' });
    await until(() => desk?.door.ready().ok === false);
    await until(() => desk?.door.ready().ok === true, 8_000);
    expect(await desk.workspace.act({ as: 'U1', do: 'command', command: '/experiment', text: 'help', channel: 'C0ML' })).toMatchObject({ ok: true });
  });
});
