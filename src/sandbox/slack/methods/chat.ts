import { changedEvent, messageEvent } from '../events.ts';
import { asSlackMessage, editMessage, findMessage, postMessage } from '../messages.ts';
import { removeMessage, TOMBSTONE } from '../remove.ts';
import { app } from '../seed.ts';
import { refuseBlocks } from '../validate-blocks.ts';
import type { Json } from '../world.ts';
import { type Answer, channelOf, flag, type Method, no, shut, text } from './method.ts';

const longestText = 40_000;

export const chat: Record<string, Method> = {
  'chat.postMessage': (call) => {
    const { world, args } = call;
    const channel = channelOf(call);
    if (!channel) return no('channel_not_found');
    const closed = shut(channel);
    if (closed) return closed;
    const refusal = refuseContent(args);
    if (refusal) return refusal;
    const threadTs = text(args, 'thread_ts');
    if (threadTs && !findMessage(world, channel.id, threadTs)) return no('thread_not_found');
    const message = postMessage(world, {
      channel: channel.id,
      user: app.bot,
      text: wordsOf(args),
      threadTs,
      blocks: blocksOf(args),
      metadata: args['metadata'],
    });
    call.emit(messageEvent(world, message));
    return { ok: true, channel: channel.id, ts: message.ts, message: asSlackMessage(world, message) };
  },

  'chat.update': (call) => {
    const { world, args } = call;
    const channel = channelOf(call);
    if (!channel) return no('channel_not_found');
    const closed = shut(channel);
    if (closed) return closed;
    const message = findMessage(world, channel.id, text(args, 'ts') ?? '');
    if (!message || message.onlyFor !== null || message.subtype === TOMBSTONE) return no('message_not_found');
    if (message.user !== app.bot) return no('cant_update_message');
    const refusal = refuseContent(args);
    if (refusal) return refusal;
    editMessage(world, message, { text: text(args, 'text'), blocks: blocksOf(args), metadata: args['metadata'] });
    call.emit(changedEvent(world, message));
    return { ok: true, channel: channel.id, ts: message.ts, text: message.text, message: asSlackMessage(world, message) };
  },

  'chat.delete': (call) => {
    const channel = channelOf(call);
    if (!channel) return no('channel_not_found');
    const message = findMessage(call.world, channel.id, text(call.args, 'ts') ?? '');
    if (!message || message.onlyFor !== null || message.subtype === TOMBSTONE) return no('message_not_found');
    if (message.user !== app.bot) return no('cant_delete_message');
    removeMessage(call.world, message, call.emit);
    return { ok: true, channel: channel.id, ts: message.ts };
  },

  'chat.postEphemeral': (call) => {
    const { world, args } = call;
    const channel = channelOf(call);
    if (!channel) return no('channel_not_found');
    const closed = shut(channel);
    if (closed) return closed;
    const user = text(args, 'user');
    if (!world.data.users.some((u) => u.id === user) || (channel.im && channel.im !== user)) return no('user_not_in_channel');
    const refusal = refuseContent(args);
    if (refusal) return refusal;
    const content = { text: wordsOf(args), threadTs: text(args, 'thread_ts'), blocks: blocksOf(args) };
    const message = postMessage(world, { channel: channel.id, user: app.bot, onlyFor: user, ...content });
    return { ok: true, message_ts: message.ts };
  },

  'chat.getPermalink': (call) => {
    const channel = channelOf(call);
    if (!channel) return no('channel_not_found');
    const message = findMessage(call.world, channel.id, text(call.args, 'message_ts') ?? '');
    if (!message || message.onlyFor !== null) return no('message_not_found');
    const thread = message.threadTs ? `?thread_ts=${message.threadTs}&cid=${channel.id}` : '';
    return { ok: true, channel: channel.id, permalink: `${call.origin()}/archives/${channel.id}/p${message.ts.replace('.', '')}${thread}` };
  },

  'reactions.add': (call) => {
    const { world, args } = call;
    const channel = channelOf(call);
    if (!channel) return no('channel_not_found');
    const message = findMessage(world, channel.id, text(args, 'timestamp') ?? '');
    if (!message) return no('message_not_found');
    const name = text(args, 'name') ?? '';
    const reaction = message.reactions.find((r) => r.name === name);
    if (reaction?.users.includes(app.bot)) return no('already_reacted');
    if (reaction) reaction.users.push(app.bot);
    else message.reactions.push({ name, users: [app.bot] });
    world.changed();
    return { ok: true };
  },
};

/** What is wrong with the text and blocks of a message, as Slack's answer. */
export function refuseContent(args: Json, { mayBeEmpty = false } = {}): Answer | null {
  const words = wordsOf(args);
  const blocks = args['blocks'];
  if (words.length > longestText) return no('msg_too_long');
  if (words === '' && (blocks === undefined || (Array.isArray(blocks) && blocks.length === 0)) && !mayBeEmpty) return no('no_text');
  const metadata = args['metadata'];
  if (metadata !== undefined && (typeof metadata !== 'object' || metadata === null || !('event_type' in metadata))) return no('invalid_metadata_format');
  if (flag(args, 'mrkdwn') && args['markdown_text'] !== undefined) return no('markdown_text_conflict');
  const refusal = blocks === undefined ? null : refuseBlocks(blocks);
  return refusal ? no(refusal.error, { errors: refusal.messages, response_metadata: { messages: refusal.messages.map((m) => `[ERROR] ${m}`) } }) : null;
}

export function blocksOf(args: Json): Json[] | undefined {
  return args['blocks'] as Json[] | undefined;
}

function wordsOf(args: Json): string {
  return text(args, 'text') ?? text(args, 'markdown_text') ?? '';
}
