import { readdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { listensTo } from '../../src/slack/listen.ts';
import { LISTENERS } from '../../src/slack/listeners.ts';
import { EVENTS, manifest, manifestYaml, SCOPES } from '../../src/slack/manifest.ts';
import { manifestFaults, scopeFaults } from '../../src/slack/manifest-faults.ts';

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

/** What docs.slack.dev demands for each method the code calls and each event it hears; `null`: any token may. */
const SCOPES_OF: Record<string, string[] | null> = {
  'agents.sessions.setStatus': ['assistant:write'],
  'assistant.threads.setSuggestedPrompts': ['assistant:write'],
  'auth.test': null,
  'chat.appendStream': ['chat:write'],
  'chat.delete': ['chat:write'],
  'chat.getPermalink': null,
  'chat.postEphemeral': ['chat:write'],
  'chat.postMessage': ['chat:write'],
  'chat.startStream': ['chat:write'],
  'chat.stopStream': ['chat:write'],
  'chat.update': ['chat:write'],
  'conversations.history': ['channels:history', 'groups:history', 'im:history', 'mpim:history'],
  'conversations.info': ['channels:read', 'groups:read', 'im:read'],
  'conversations.list': ['channels:read', 'groups:read'],
  'conversations.replies': ['channels:history', 'groups:history', 'im:history', 'mpim:history'],
  'files.completeUploadExternal': ['files:write'],
  'usergroups.users.list': ['usergroups:read'],
  'users.info': ['users:read'],
  'views.open': null,
  'views.publish': null,
  'views.update': null,
};
const SCOPES_OF_EVENT: Record<string, string[] | null> = {
  agent_session_stopped: ['assistant:write'],
  app_home_opened: null,
  app_mention: ['app_mentions:read'],
  app_uninstalled: null,
  'message.channels': ['channels:history'],
  'message.groups': ['groups:history'],
  'message.im': ['im:history'],
  'message.mpim': ['mpim:history'],
  tokens_revoked: null,
};

const source = (folder: string, names: RegExp) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => names.test(file))
    .map((file) => readFileSync(join(folder, file), 'utf8'))
    .join('\n');
const slackCode = source('src/slack', /\.ts$/);
const clientCode = source('src/services', /^slack.*\.ts$/);

test('manifest.yml is what the code asks for', async () => {
  expect(await readFile('manifest.yml', 'utf8')).toBe(manifestYaml());
});

test('each listener has its event, command or shortcut in the manifest, and each of those its listener', () => {
  const m = manifest() as Manifest;
  const heard = Object.fromEntries(Object.entries(listensTo({} as never)).map(([kind, names]) => [kind, [...names.keys()].sort()]));
  expect([...new Set(m.settings.event_subscriptions.bot_events.map((event) => event.replace(/^message\..*/, 'message')))].sort()).toEqual(heard['event']);
  expect(m.features.slash_commands.map((c) => c.command)).toEqual(heard['command']);
  expect(m.features.shortcuts.map((s) => s.callback_id).sort()).toEqual(heard['shortcut']);
  expect([...LISTENERS.actions].sort()).toEqual(heard['action']);
  expect([...LISTENERS.views].sort()).toEqual(heard['view']);
});

test('each method that is called and each event has its scopes, and each scope its use', () => {
  const called = [...new Set([...clientCode.matchAll(/\b(?:call|apiCall)\(\s*'([a-zA-Z]+\.[a-zA-Z.]+)'/g)].map((found) => found[1] ?? ''))].sort();
  expect(called).toEqual(Object.keys(SCOPES_OF).sort());
  expect([...EVENTS].sort()).toEqual(Object.keys(SCOPES_OF_EVENT).sort());
  const needed = [...Object.values(SCOPES_OF), ...Object.values(SCOPES_OF_EVENT)].flatMap((scopes) => scopes ?? []);
  expect([...SCOPES].sort()).toEqual([...new Set([...needed, 'commands'])].sort());
});

test('each button and form that is listened to is shown somewhere', () => {
  const text = slackCode.replace(/export const LISTENERS[\s\S]*?as const;/, '');
  expect([...LISTENERS.actions, ...LISTENERS.views].filter((id) => !text.includes(`'${id}'`))).toEqual([]);
});

test('every listener has its event, command, shortcut and scope', () => {
  const m = manifest() as Manifest;
  const events = m.settings.event_subscriptions.bot_events;
  for (const event of [...LISTENERS.events, LISTENERS.home, LISTENERS.stopped]) expect(events.some((e) => e === event || e.startsWith(`${event}.`))).toBe(true);
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
  // Who gives the whole address means the same.
  for (const same of ['https://lab.example', 'https://lab.example/slack/events', 'https://lab.example/slack/events/']) expect(manifest(same)).toEqual(m);
  expect((manifest() as Manifest).settings.socket_mode_enabled).toBe(true);
});

test('an installed app that differs is told from the right one, each fault with its fix, both ways', () => {
  expect(manifestFaults(manifest(), manifest())).toEqual([]);
  expect(manifestFaults(manifest('https://a.b'), manifest('https://c.d'))).toEqual([]);
  const live = structuredClone(manifest()) as never as Manifest;
  live.settings.event_subscriptions.bot_events = [...live.settings.event_subscriptions.bot_events.filter((e) => e !== 'message.im'), 'reaction_added'];
  live.settings.interactivity.is_enabled = false;
  live.features.slash_commands = [
    { command: '/experiment', should_escape: false },
    { command: '/old', should_escape: true },
  ];
  live.features.shortcuts = [];
  expect(manifestFaults(manifest(), live).map(({ breaks, what, fix }) => `${breaks ? 'breaks' : 'more'}: ${what}. ${fix}`)).toMatchInlineSnapshot(`
    [
      "breaks: the app lacks the event message.im, which labmate uses. At api.slack.com/apps, choose the app, Event Subscriptions, Subscribe to bot events: add message.im.",
      "more: the app has the event reaction_added, which nothing here uses. At api.slack.com/apps, choose the app, Event Subscriptions, Subscribe to bot events: take reaction_added away.",
      "breaks: the app lacks the shortcut run_as_experiment (message), which labmate uses. At api.slack.com/apps, choose the app, Interactivity & Shortcuts: add run_as_experiment (message).",
      "breaks: the app lacks the shortcut new_experiment (global), which labmate uses. At api.slack.com/apps, choose the app, Interactivity & Shortcuts: add new_experiment (global).",
      "breaks: /experiment does not escape people and channels, so a name typed in a prompt stays a name. At api.slack.com/apps, choose the app, Slash Commands, /experiment: switch on "Escape channels, users, and links".",
      "more: the app has the command /old, which nothing here answers. At api.slack.com/apps, choose the app, Slash Commands: delete it.",
      "breaks: interactivity (no button works without it) is off. At api.slack.com/apps, choose the app, Interactivity & Shortcuts: switch it on.",
    ]
  `);
  expect(manifestFaults(manifest(), null).filter((f) => f.breaks).length).toBeGreaterThan(10);
  expect(scopeFaults(['a', 'b'], ['b', 'c'])).toMatchObject([
    { breaks: true, what: 'the bot token lacks a' },
    { breaks: false, what: 'the bot token may do more than is used: c' },
  ]);
});
