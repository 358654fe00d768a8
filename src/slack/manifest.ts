import { stringify } from 'yaml';
import { LISTENERS } from './listeners.ts';

/** What the bot token may do; Slack shows these to whoever installs the app. */
export const SCOPES = [
  'app_mentions:read',
  'assistant:write',
  'channels:history',
  'channels:read',
  'chat:write',
  'commands',
  'files:write',
  'groups:history',
  'groups:read',
  'im:history',
  // Whose direct messages a command was typed in.
  'im:read',
  'mpim:history',
  'usergroups:read',
  'users:read',
];
/** What Slack tells us of. Each has a listener. */
export const EVENTS = [
  'agent_session_stopped',
  'app_home_opened',
  'app_mention',
  'app_uninstalled',
  'message.channels',
  'message.groups',
  'message.im',
  'message.mpim',
  'tokens_revoked',
];

/** The Slack app. Without `httpUrl` for Socket Mode; with it, Slack posts everything to `<httpUrl>/slack/events`. */
export function manifest(httpUrl?: string): Record<string, unknown> {
  const url = httpUrl ? { url: `${httpUrl.replace(/\/+$/, '').replace(/\/slack\/events$/, '')}/slack/events` } : {};
  const request = httpUrl ? { request_url: url.url } : {};
  return {
    display_information: {
      name: 'labmate',
      description: 'Describe an ML experiment in a sentence; approve what matters; get a verdict and a record.',
      long_description:
        'labmate takes an experiment in a sentence, plans the steps, runs the training job, waits for it, compares runs with honest arithmetic, asks a person before anything that matters, ' +
        'opens the pull request and leaves a record that anyone can check. Who may approve what is set by its operator.',
      background_color: '#1d3a4a',
    },
    features: {
      app_home: { home_tab_enabled: true, messages_tab_enabled: true, messages_tab_read_only_enabled: false },
      agent_view: { agent_description: 'Runs ML experiments from a sentence, with approvals and a record.' },
      bot_user: { display_name: 'labmate', always_online: true },
      slash_commands: [
        {
          command: LISTENERS.command,
          ...url,
          description: 'Run an experiment, or ask about one',
          usage_hint: 'SENTENCE | status | list | find WORDS | show ID | compare A B | rerun ID key=value | stop ID | help',
          // People and channels then arrive as ids, which cannot be mistaken.
          should_escape: true,
        },
      ],
      shortcuts: [
        { name: 'Run as experiment', type: 'message', callback_id: LISTENERS.shortcuts.message, description: 'Runs this message as an experiment' },
        { name: 'New experiment', type: 'global', callback_id: LISTENERS.shortcuts.global, description: 'A form for the usual ablation' },
      ],
    },
    oauth_config: { scopes: { bot: SCOPES } },
    settings: {
      event_subscriptions: { ...request, bot_events: EVENTS },
      interactivity: { is_enabled: true, ...request },
      org_deploy_enabled: false,
      socket_mode_enabled: httpUrl === undefined,
      token_rotation_enabled: false,
    },
  };
}

/** As manifest.yml holds it. */
export function manifestYaml(httpUrl?: string): string {
  return stringify(manifest(httpUrl), { lineWidth: 140 });
}
