import type { SandboxChannel } from '../../control-types.ts';
import { asSlackMessage, findMessage, threadOf } from '../messages.ts';
import { app, team } from '../seed.ts';
import type { Json, Message } from '../world.ts';
import { channelOf, flag, type Method, no, page, text } from './method.ts';

export const conversations: Record<string, Method> = {
  'conversations.replies': (call) => {
    const { world, args } = call;
    const channel = channelOf(call);
    if (!channel) return no('channel_not_found');
    const asked = findMessage(world, channel.id, text(args, 'ts') ?? '');
    if (!asked || asked.onlyFor !== null) return no('thread_not_found');
    const thread = asked.threadTs ? [asked] : threadOf(world, channel.id, asked.ts);
    // The root always comes along, however narrow the window is.
    const { items, ...rest } = page(
      args,
      thread.filter((m) => m === asked || within(args, m)),
      1000,
    );
    return { ok: true, messages: items.map((m) => asSlackMessage(world, m, { metadata: flag(args, 'include_all_metadata') })), ...rest };
  },

  'conversations.history': (call) => {
    const { world, args } = call;
    const channel = channelOf(call);
    if (!channel) return no('channel_not_found');
    const roots = world.data.messages.filter((m) => m.channel === channel.id && m.threadTs === null && m.onlyFor === null && within(args, m));
    const { items, ...rest } = page(args, roots.reverse(), 100);
    return { ok: true, messages: items.map((m) => asSlackMessage(world, m, { metadata: flag(args, 'include_all_metadata') })), ...rest };
  },

  'conversations.info': (call) => {
    const channel = channelOf(call);
    return channel ? { ok: true, channel: described(channel) } : no('channel_not_found');
  },

  'conversations.list': ({ world, args }) => {
    const types = (text(args, 'types') ?? 'public_channel').split(',');
    const wanted = world.data.channels.filter((c) => types.includes(c.im ? 'im' : 'public_channel'));
    const { items, response_metadata } = page(args, wanted, 100);
    return { ok: true, channels: items.map(described), response_metadata };
  },

  'conversations.open': ({ world, args }) => {
    const users = (text(args, 'users') ?? '').split(',');
    const channel = world.data.channels.find((c) => c.id === text(args, 'channel') || (c.im && users.length === 1 && c.im === users[0]));
    return channel ? { ok: true, channel: described(channel) } : no('user_not_found');
  },

  'conversations.members': (call) => {
    const channel = channelOf(call);
    if (!channel) return no('channel_not_found');
    const { items, response_metadata } = page(call.args, channel.im ? [channel.im, app.bot] : call.world.data.users.map((u) => u.id), 100);
    return { ok: true, members: items, response_metadata };
  },
};

function within(args: Json, message: Message): boolean {
  const oldest = text(args, 'oldest') ?? '0';
  const latest = text(args, 'latest') ?? '9999999999.999999';
  const inclusive = flag(args, 'inclusive');
  const after = inclusive ? message.ts >= oldest : message.ts > oldest;
  return after && (inclusive ? message.ts <= latest : message.ts < latest);
}

function described(channel: SandboxChannel): Json {
  const { id, archived = false, left = false } = channel;
  const common = { id, context_team_id: team.id, is_archived: archived, is_ext_shared: false, is_member: !left };
  if (channel.im) return { ...common, is_im: true, is_channel: false, user: channel.im };
  return { ...common, name: channel.name, is_channel: true, is_im: false, is_private: false, is_shared: false };
}
