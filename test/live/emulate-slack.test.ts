import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../../src/sandbox/redis.ts';
import { slackService } from '../../src/services/slack.ts';
import { peers } from './peers.ts';

// What labmate sends to Slack, read by a Slack that somebody else wrote. It knows no socket, no click and no stream.

const peer = peers.emulate;
type Emulator = { url: string; close(): Promise<void> };
type Emulate = { createEmulator(options: object): Promise<Emulator> };
const token = 'xoxb-labmate-live';

describe.skipIf(peer.skipped !== undefined)("labmate's outgoing calls at emulate's Slack", () => {
  let hub: Emulator;
  const slack = () => slackService({ token, apiUrl: `${hub.url}/api/` });
  beforeAll(async () => {
    if (peer.skipped !== undefined) return;
    const { createEmulator } = (await import(pathToFileURL(peer.entry).href)) as Emulate;
    const seed = { slack: { team: { name: 'Peer' }, users: [{ name: 'ana', email: 'ana@peer.example' }], channels: [{ name: 'ml-experiments' }] } };
    hub = await createEmulator({
      service: 'slack',
      port: await freePort(),
      seed: { ...seed, tokens: { [token]: { login: 'U000000001', scopes: ['chat:write'] } } },
    });
  });
  afterAll(async () => hub?.close());

  test('posts, edits, finds by its mark and deletes a message, in a channel and in its thread', async () => {
    const channel = (await slack().channelNamed('ml-experiments')) ?? '';
    expect(channel).toMatch(/^C/);
    const mark = { session: 's-1', slot: 'root' };
    const blocks = [{ type: 'section', text: { type: 'plain_text', text: 'val_f1 0.7342', emoji: false } }];
    const root = await slack().post({ channel, text: 'an experiment', blocks, mark });
    const reply = await slack().post({ channel, thread: root.ts, text: 'its plan', mark: { ...mark, slot: 'plan' } });
    expect((await slack().replies({ channel, thread: root.ts })).map((m) => m.text)).toEqual(['an experiment', 'its plan']);
    await slack().update({ channel, ts: reply.ts, text: 'its plan, done', mark: { ...mark, slot: 'plan' } });
    expect((await slack().replies({ channel, thread: root.ts })).at(-1)?.text).toBe('its plan, done');
    await slack().remove({ channel, ts: reply.ts });
    expect(await slack().replies({ channel, thread: root.ts })).toHaveLength(1);
  });

  test('says in a sentence what it refuses', async () => {
    await expect(slack().post({ channel: 'C404', text: 'x', mark: { session: 's', slot: 'root' } })).rejects.toThrow(
      /Slack does not show this channel|refused/,
    );
    await expect(slack().update({ channel: 'C404', ts: '1.2', text: 'x', mark: { session: 's', slot: 'root' } })).rejects.toThrow();
  });
});
