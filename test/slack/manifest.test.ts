import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { LISTENERS } from '../../src/slack/listeners.ts';
import { manifest, manifestYaml } from '../../src/slack/manifest.ts';

type Manifest = {
  features: { slash_commands: { command: string; should_escape: boolean; url?: string }[]; shortcuts: { callback_id: string }[] };
  oauth_config: { scopes: { bot: string[] } };
  settings: {
    event_subscriptions: { request_url?: string; bot_events: string[] };
    interactivity: { is_enabled: boolean; request_url?: string };
    socket_mode_enabled: boolean;
  };
  display_information: { description: string; long_description: string };
};

const SCOPE_OF: Record<string, string> = {
  app_mention: 'app_mentions:read',
  'message.channels': 'channels:history',
  'message.groups': 'groups:history',
  'message.im': 'im:history',
  'message.mpim': 'mpim:history',
};

test('manifest.yml is what the code asks for', async () => {
  expect(await readFile('manifest.yml', 'utf8')).toBe(manifestYaml());
});

test('every listener has its event, command, shortcut and scope', () => {
  const m = manifest() as Manifest;
  const events = m.settings.event_subscriptions.bot_events;
  for (const event of [...LISTENERS.events, LISTENERS.home, LISTENERS.stopped]) expect(events.some((e) => e === event || e.startsWith(`${event}.`))).toBe(true);
  for (const [event, scope] of Object.entries(SCOPE_OF)) if (events.includes(event)) expect(m.oauth_config.scopes.bot).toContain(scope);
  expect(m.features.slash_commands).toMatchObject([{ command: LISTENERS.command, should_escape: true }]);
  expect(m.features.shortcuts.map((s) => s.callback_id)).toEqual([LISTENERS.shortcuts.message, LISTENERS.shortcuts.global]);
  expect(m.settings.interactivity.is_enabled).toBe(true);
});

test('it keeps to Slack’s limits', () => {
  const m = manifest() as Manifest;
  expect(m.display_information.description.length).toBeLessThanOrEqual(140);
  expect(m.display_information.long_description.length).toBeGreaterThanOrEqual(175);
});

test('for HTTP every URL stands where Slack posts to, and Socket Mode is off', () => {
  const m = manifest('https://lab.example/') as Manifest;
  const url = 'https://lab.example/slack/events';
  expect([m.features.slash_commands[0]?.url, m.settings.event_subscriptions.request_url, m.settings.interactivity.request_url]).toEqual([url, url, url]);
  expect(m.settings.socket_mode_enabled).toBe(false);
  expect((manifest() as Manifest).settings.socket_mode_enabled).toBe(true);
});
