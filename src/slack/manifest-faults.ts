/** One way in which a Slack app is not what this version needs. `breaks`: something will not work; else it only asks for more than it needs. */
export type ManifestFault = { breaks: boolean; what: string; fix: string };

const APP = 'At api.slack.com/apps, choose the app';
const AGAIN = 'then install it to the workspace again';

/** What a token may do against what this version asks for, both ways. */
export function scopeFaults(wanted: readonly string[], granted: readonly string[]): ManifestFault[] {
  const missing = wanted.filter((scope) => !granted.includes(scope));
  const more = granted.filter((scope) => !wanted.includes(scope));
  return [
    ...(missing.length > 0
      ? [
          {
            breaks: true,
            what: `the bot token lacks ${missing.join(', ')}`,
            fix: `${APP}, OAuth & Permissions, Bot Token Scopes: add ${missing.join(', ')}, ${AGAIN}.`,
          },
        ]
      : []),
    ...(more.length > 0
      ? [
          {
            breaks: false,
            what: `the bot token may do more than is used: ${more.join(', ')}`,
            fix: `${APP}, OAuth & Permissions: take away ${more.join(', ')}, ${AGAIN}.`,
          },
        ]
      : []),
  ];
}

/** What an installed app listens to and offers against what this version does, both ways. `live` is what Slack exports; it is read without trust. */
export function manifestFaults(wanted: unknown, live: unknown): ManifestFault[] {
  return [...listFaults(wanted, live), ...commandFaults(wanted, live), ...switchFaults(wanted, live)];
}

/** Lists in which each entry has its use here, and each use needs its entry. */
function listFaults(wanted: unknown, live: unknown): ManifestFault[] {
  const lists: { where: string; name: string; read: (manifest: unknown) => string[] }[] = [
    { where: 'Event Subscriptions, Subscribe to bot events', name: 'event', read: (m) => strings(at(m, 'settings', 'event_subscriptions', 'bot_events')) },
    {
      where: 'Interactivity & Shortcuts',
      name: 'shortcut',
      read: (m) => objects(at(m, 'features', 'shortcuts')).map((s) => `${s['callback_id']} (${s['type']})`),
    },
    { where: 'OAuth & Permissions, Bot Token Scopes', name: 'scope', read: (m) => strings(at(m, 'oauth_config', 'scopes', 'bot')) },
  ];
  return lists.flatMap(({ where, name, read }) => {
    const [here, there] = [read(wanted), read(live)];
    const reinstall = name === 'scope' ? `, ${AGAIN}` : '';
    return [
      ...here
        .filter((one) => !there.includes(one))
        .map((one) => ({ breaks: true, what: `the app lacks the ${name} ${one}, which labmate uses`, fix: `${APP}, ${where}: add ${one}${reinstall}.` })),
      ...there
        .filter((one) => !here.includes(one))
        .map((one) => ({ breaks: false, what: `the app has the ${name} ${one}, which nothing here uses`, fix: `${APP}, ${where}: take ${one} away.` })),
    ];
  });
}

function commandFaults(wanted: unknown, live: unknown): ManifestFault[] {
  const there = objects(at(live, 'features', 'slash_commands'));
  const here = objects(at(wanted, 'features', 'slash_commands'));
  return [
    ...here.flatMap((command): ManifestFault[] => {
      const name = String(command['command']);
      const found = there.find((one) => one['command'] === name);
      if (!found) return [{ breaks: true, what: `the app has no command ${name}`, fix: `${APP}, Slash Commands: create ${name}.` }];
      if (found['should_escape'] === true) return [];
      const what = `${name} does not escape people and channels, so a name typed in a prompt stays a name`;
      return [{ breaks: true, what, fix: `${APP}, Slash Commands, ${name}: switch on "Escape channels, users, and links".` }];
    }),
    ...there
      .filter((one) => !here.some((command) => command['command'] === one['command']))
      .map((one) => ({
        breaks: false,
        what: `the app has the command ${String(one['command'])}, which nothing here answers`,
        fix: `${APP}, Slash Commands: delete it.`,
      })),
  ];
}

const SWITCHES: { path: string[]; what: string; where: string }[] = [
  { path: ['settings', 'socket_mode_enabled'], what: 'Socket Mode', where: 'Socket Mode' },
  { path: ['settings', 'interactivity', 'is_enabled'], what: 'interactivity (no button works without it)', where: 'Interactivity & Shortcuts' },
  { path: ['features', 'app_home', 'home_tab_enabled'], what: 'the Home tab', where: 'App Home' },
  { path: ['features', 'app_home', 'messages_tab_enabled'], what: 'the Messages tab', where: 'App Home' },
  { path: ['features', 'app_home', 'messages_tab_read_only_enabled'], what: 'a read-only Messages tab', where: 'App Home' },
  { path: ['settings', 'token_rotation_enabled'], what: 'token rotation', where: 'OAuth & Permissions' },
];

function switchFaults(wanted: unknown, live: unknown): ManifestFault[] {
  const differing = SWITCHES.filter(({ path }) => (at(wanted, ...path) === true) !== (at(live, ...path) === true));
  const agent = at(wanted, 'features', 'agent_view') !== undefined && at(live, 'features', 'agent_view') === undefined;
  const addresses = ['event_subscriptions', 'interactivity'].filter((part) => {
    const [here, there] = [at(wanted, 'settings', part, 'request_url'), at(live, 'settings', part, 'request_url')];
    return here !== undefined && (typeof there !== 'string' || !there.endsWith('/slack/events'));
  });
  return [
    ...differing.map(({ path, what, where }) => {
      const on = at(wanted, ...path) === true;
      return { breaks: true, what: `${what} is ${on ? 'off' : 'on'}`, fix: `${APP}, ${where}: switch it ${on ? 'on' : 'off'}.` };
    }),
    ...(agent ? [{ breaks: true, what: 'the app is not declared an agent', fix: `${APP}, Agents: switch it on.` }] : []),
    ...addresses.map((part) => ({
      breaks: true,
      what: `${part === 'interactivity' ? 'clicks are' : 'events are'} not sent to /slack/events`,
      fix: `${APP}, ${part === 'interactivity' ? 'Interactivity & Shortcuts' : 'Event Subscriptions'}: set the request URL to https://<your host>/slack/events.`,
    })),
  ];
}

function at(value: unknown, ...path: string[]): unknown {
  return path.reduce<unknown>((inner, key) => (typeof inner === 'object' && inner !== null ? (inner as Record<string, unknown>)[key] : undefined), value);
}

function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [];
}

function objects(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === 'object' && one !== null) : [];
}
