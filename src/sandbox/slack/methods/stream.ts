import { changedEvent, messageEvent } from '../events.ts';
import { asSlackMessage, editMessage, findMessage, isJson, postMessage } from '../messages.ts';
import { app } from '../seed.ts';
import type { Json, Message } from '../world.ts';
import { blocksOf, refuseContent } from './chat.ts';
import { type Answer, type Call, channelOf, type Method, no, shut, text } from './method.ts';

/** A stream that is written to later than this after it was started answers message_not_in_streaming_state. */
const streamLivesMs = 5 * 60_000;

export const stream: Record<string, Method> = {
  'chat.startStream': (call) => {
    const { world, args } = call;
    const channel = channelOf(call);
    if (!channel) return no('channel_not_found');
    const closed = shut(channel);
    if (closed) return closed;
    const threadTs = text(args, 'thread_ts');
    if (!channel.im && (!text(args, 'recipient_team_id') || !text(args, 'recipient_user_id'))) return no('missing_recipient_user_id');
    if (threadTs && !findMessage(world, channel.id, threadTs)) return no('thread_not_found');
    const message = postMessage(world, { channel: channel.id, user: app.bot, text: '', threadTs, streaming: true });
    add(call, message);
    call.emit(messageEvent(world, message));
    return { ok: true, channel: channel.id, ts: message.ts };
  },

  'chat.appendStream': (call) => {
    const message = streaming(call);
    if ('error' in message) return message;
    add(call, message);
    return { ok: true, channel: message.channel, ts: message.ts };
  },

  'chat.stopStream': (call) => {
    const message = streaming(call);
    if ('error' in message) return message;
    const refusal = refuseContent(call.args, { mayBeEmpty: true });
    if (refusal) return refusal;
    add(call, message);
    message.streaming = false;
    const blocks = [...message.blocks, ...(blocksOf(call.args) ?? [])] as Json[];
    editMessage(call.world, message, { blocks, metadata: call.args['metadata'] });
    call.emit(changedEvent(call.world, message));
    return { ok: true, channel: message.channel, ts: message.ts, message: asSlackMessage(call.world, message) };
  },
};

function streaming(call: Call): Message | Extract<Answer, { ok: false }> {
  const channel = channelOf(call);
  if (!channel) return { ok: false, error: 'channel_not_found' };
  const message = findMessage(call.world, channel.id, text(call.args, 'ts') ?? '');
  if (!message) return { ok: false, error: 'message_not_found' };
  if (message.user !== app.bot) return { ok: false, error: 'message_not_owned_by_app' };
  const tooLate = Date.now() - Number(message.ts) * 1000 > streamLivesMs;
  return message.streaming && !tooLate ? message : { ok: false, error: 'message_not_in_streaming_state' };
}

/** Text is appended; the tasks of a plan are kept by id, so that an update takes the old one's place. */
function add({ world, args }: Call, message: Message): void {
  const chunks = [...(text(args, 'markdown_text') ? [{ type: 'markdown_text', text: text(args, 'markdown_text') }] : []), ...listOf(args['chunks'])];
  for (const chunk of chunks) {
    if (chunk['type'] === 'markdown_text') message.text += String(chunk['text'] ?? '');
    if (chunk['type'] === 'blocks') message.blocks.push(...listOf(chunk['blocks']));
    if (chunk['type'] === 'plan_update') planOf(message)['title'] = chunk['title'];
    if (chunk['type'] === 'task_update') keepTask(planOf(message), chunk);
  }
  world.changed();
}

function planOf(message: Message): Json {
  const plan = listOf(message.blocks).find((b) => b['type'] === 'plan');
  if (plan) return plan;
  const fresh: Json = { type: 'plan', title: '', tasks: [] };
  message.blocks.push(fresh);
  return fresh;
}

function keepTask(plan: Json, chunk: Json): void {
  const tasks = listOf(plan['tasks']);
  const task = { type: 'task_card', task_id: chunk['id'], title: chunk['title'], status: chunk['status'] };
  const at = tasks.findIndex((t) => t['task_id'] === chunk['id']);
  plan['tasks'] = at < 0 ? [...tasks, task] : tasks.map((t, i) => (i === at ? task : t));
}

function listOf(value: unknown): Json[] {
  return Array.isArray(value) ? value.filter(isJson) : [];
}
