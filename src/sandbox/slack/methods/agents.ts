import { findMessage, isJson } from '../messages.ts';
import type { AgentStatus, Json } from '../world.ts';
import { type Answer, type Call, channelOf, type Method, no, text } from './method.ts';

const statuses = ['processing', 'active', 'suspended', 'closed'];

/** What shows beside a thread while the app works: the newer agent sessions, and the older assistant threads that write to the same place. */
export const agents: Record<string, Method> = {
  'agents.sessions.setStatus': (call) => {
    const status = text(call.args, 'status') ?? '';
    if (!statuses.includes(status)) return no('invalid_arguments');
    const channel = channelOf(call, 'channel_id');
    if (!channel) return no('channel_not_found');
    const refusal = refuseThread(call, channel.id);
    if (refusal) return refusal;
    // The title counts when the session begins; later only `rename` changes it.
    if (known(call, channel.id)) return { ok: true, session: keep(call, channel.id, { status }) };
    return { ok: true, session: keep(call, channel.id, { status, ...(text(call.args, 'title') ? { title: text(call.args, 'title') } : {}) }) };
  },

  'agents.sessions.rename': (call) => {
    const channel = channelOf(call, 'channel_id');
    const title = text(call.args, 'title');
    if (!channel) return no('channel_not_found');
    const refusal = refuseThread(call, channel.id);
    if (refusal) return refusal;
    return title && title.length <= 200 ? { ok: true, session: keep(call, channel.id, { title }) } : no('invalid_arguments');
  },

  'assistant.threads.setStatus': (call) => {
    const channel = channelOf(call, 'channel_id');
    if (!channel) return no('channel_not_found');
    keep(call, channel.id, { status: text(call.args, 'status') ?? '' });
    return { ok: true };
  },

  'assistant.threads.setTitle': (call) => {
    const channel = channelOf(call, 'channel_id');
    if (!channel) return no('channel_not_found');
    keep(call, channel.id, { title: text(call.args, 'title') ?? '' });
    return { ok: true };
  },

  'assistant.threads.setSuggestedPrompts': (call) => {
    const prompts = call.args['prompts'];
    if (!Array.isArray(prompts) || prompts.length === 0 || prompts.length > 4 || !prompts.every(isPrompt)) return no('invalid_arguments');
    const channel = channelOf(call, 'channel_id');
    if (!channel) return no('channel_not_found');
    const threadTs = text(call.args, 'thread_ts') ?? null;
    const { data } = call.world;
    const others = data.prompts.filter((p) => p.channel !== channel.id || p.threadTs !== threadTs);
    data.prompts = [...others, { channel: channel.id, threadTs, title: text(call.args, 'title') ?? null, prompts }];
    call.world.changed();
    return { ok: true };
  },
};

/** A session belongs to one thread, and the thread has to be there. */
function refuseThread({ world, args }: Call, channel: string): Answer | null {
  const threadTs = text(args, 'thread_ts');
  if (!threadTs) return no('invalid_arguments', { response_metadata: { messages: ['[ERROR] thread_ts is required'] } });
  return findMessage(world, channel, threadTs) ? null : no('thread_not_found');
}

function isPrompt(value: unknown): value is { title: string; message: string } {
  return isJson(value) && typeof value['title'] === 'string' && value['title'] !== '' && typeof value['message'] === 'string' && value['message'] !== '';
}

function known({ world, args }: Call, channel: string): AgentStatus | undefined {
  const threadTs = text(args, 'thread_ts') ?? null;
  return world.data.statuses.find((s) => s.channel === channel && s.threadTs === threadTs);
}

function keep(call: Call, channel: string, change: Json): Json {
  const { world, args } = call;
  const threadTs = text(args, 'thread_ts') ?? null;
  const before = known(call, channel);
  const now = { ...(before ?? { channel, threadTs, status: 'active', title: null }), ...change } as AgentStatus;
  world.data.statuses = [...world.data.statuses.filter((s) => s !== before), now];
  world.changed();
  return { channel_id: channel, thread_ts: threadTs, status: now.status, title: now.title };
}
