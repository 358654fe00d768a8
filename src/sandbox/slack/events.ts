import { asSlackMessage } from './messages.ts';
import { app, team } from './seed.ts';
import type { Json, Message, World } from './world.ts';

/** Sends one event to the app, wrapped the way the Events API does. */
export type Emit = (event: Json) => void;

/** Wraps an event; the id stays the same over every redelivery. */
export function eventCallback(world: World, event: Json): Json {
  return {
    token: 'sandbox',
    team_id: team.id,
    api_app_id: app.id,
    event,
    type: 'event_callback',
    event_id: world.nextId('Ev'),
    event_time: Math.floor(Date.now() / 1000),
    authorizations: [{ enterprise_id: null, team_id: team.id, user_id: app.bot, is_bot: true, is_enterprise_install: false }],
    is_ext_shared_channel: false,
  };
}

export function messageEvent(world: World, message: Message): Json {
  const parent = message.threadTs ? world.data.messages.find((m) => m.channel === message.channel && m.ts === message.threadTs) : undefined;
  return {
    ...asSlackMessage(world, message),
    channel: message.channel,
    channel_type: channelType(world, message.channel),
    event_ts: message.ts,
    ...(parent ? { parent_user_id: parent.user } : {}),
  };
}

export function mentionEvent(world: World, message: Message): Json {
  const { channel_type: _, ...event } = messageEvent(world, message);
  return { ...event, type: 'app_mention' };
}

/** `before`: the message as it was, where a person edited it. */
export function changedEvent(world: World, message: Message, before?: Json): Json {
  const ts = world.nextTs();
  const common = { channel: message.channel, channel_type: channelType(world, message.channel), ts, event_ts: ts, hidden: true };
  const previous = before ? { previous_message: before } : {};
  return { type: 'message', subtype: 'message_changed', message: asSlackMessage(world, message), ...previous, ...common };
}

export function deletedEvent(world: World, message: Message): Json {
  const ts = world.nextTs();
  const common = { channel: message.channel, channel_type: channelType(world, message.channel), ts, event_ts: ts, hidden: true };
  return { type: 'message', subtype: 'message_deleted', deleted_ts: message.ts, previous_message: asSlackMessage(world, message), ...common };
}

export function homeOpenedEvent(world: World, user: string, tab: 'home' | 'messages' = 'home'): Json {
  const im = world.data.channels.find((c) => c.im === user);
  const view = tab === 'home' ? world.data.homes[user] : undefined;
  return { type: 'app_home_opened', user, channel: im?.id ?? '', tab, event_ts: world.nextTs(), ...(view ? { view } : {}) };
}

/** Somebody pressed Slack's own stop button. `streams` are the messages that Slack itself has stopped for it. */
export function sessionStoppedEvent(world: World, session: { user: string; channel: string; thread: string; streams: string[] }): Json {
  const { user, channel, thread, streams } = session;
  return { type: 'agent_session_stopped', user, channel, thread_ts: thread, streaming_message_ts: streams, event_ts: world.nextTs() };
}

function channelType(world: World, channel: string): string {
  return world.data.channels.find((c) => c.id === channel)?.im ? 'im' : 'channel';
}
