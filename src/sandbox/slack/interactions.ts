import { asSlackMessage } from './messages.ts';
import { app, team } from './seed.ts';
import type { Json, Message, OpenModal, World } from './world.ts';

/** What every interaction carries: who, where, and the two short-lived permissions. */
export type Occasion = { user: string; trigger: string; responseUrl: string };

/** The payload of a slash command: flat, because over HTTP it is a form. */
export function commandPayload(world: World, occasion: Occasion, command: { command: string; text: string; channel: string }): Json {
  const channel = channelOf(world, command.channel);
  return {
    token: 'sandbox',
    team_id: team.id,
    team_domain: team.domain,
    channel_id: channel.id,
    channel_name: channel.name,
    user_id: occasion.user,
    user_name: nameOf(world, occasion.user),
    command: command.command,
    text: command.text,
    api_app_id: app.id,
    is_enterprise_install: 'false',
    response_url: occasion.responseUrl,
    trigger_id: occasion.trigger,
  };
}

/** A click on something in a message. An ephemeral message is named, but not shown to the app again. */
export function messageAction(world: World, occasion: Occasion, message: Message, action: Json): Json {
  const ephemeral = message.onlyFor !== null;
  const thread = message.threadTs ? { thread_ts: message.threadTs } : {};
  return {
    type: 'block_actions',
    ...common(world, occasion),
    response_url: occasion.responseUrl,
    container: { type: 'message', message_ts: message.ts, channel_id: message.channel, is_ephemeral: ephemeral, ...thread },
    channel: channelOf(world, message.channel),
    ...(ephemeral ? {} : { message: asSlackMessage(world, message) }),
    state: { values: {} },
    actions: [action],
  };
}

/** A click on something in a modal or on the Home tab. */
export function viewAction(world: World, occasion: Occasion, view: Json, action: Json): Json {
  return { type: 'block_actions', ...common(world, occasion), container: { type: 'view', view_id: view['id'] }, view, actions: [action] };
}

export function submission(world: World, occasion: Occasion, modal: OpenModal, values: Record<string, Record<string, Json>>): Json {
  return { type: 'view_submission', ...common(world, occasion), view: { ...modal.view, state: { values } }, response_urls: [] };
}

export function closing(world: World, occasion: Occasion, modal: OpenModal): Json {
  const { trigger_id: _, ...rest } = common(world, occasion);
  return { type: 'view_closed', ...rest, view: modal.view, is_cleared: false };
}

/** A shortcut on a message, or a global one. */
export function shortcut(world: World, occasion: Occasion, callbackId: string, message: Message | null): Json {
  const base = { ...common(world, occasion), callback_id: callbackId, action_ts: world.nextTs() };
  if (!message) return { type: 'shortcut', ...base };
  const where = { channel: channelOf(world, message.channel), message_ts: message.ts, message: asSlackMessage(world, message) };
  return { type: 'message_action', ...base, ...where, response_url: occasion.responseUrl };
}

function common(world: World, occasion: Occasion): Json {
  const name = nameOf(world, occasion.user);
  return {
    team: { id: team.id, domain: team.domain },
    user: { id: occasion.user, username: name, name, team_id: team.id },
    api_app_id: app.id,
    token: 'sandbox',
    trigger_id: occasion.trigger,
    enterprise: null,
    is_enterprise_install: false,
  };
}

function channelOf(world: World, id: string): { id: string; name: string } {
  const channel = world.data.channels.find((c) => c.id === id);
  return { id, name: channel?.im ? 'directmessage' : (channel?.name ?? id) };
}

function nameOf(world: World, user: string): string {
  return world.data.users.find((u) => u.id === user)?.name ?? user;
}
