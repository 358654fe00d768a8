import type { AgentStatus, Json } from '../world.ts';
import { type Call, channelOf, type Method, no, text } from './method.ts';

const statuses = ['processing', 'active', 'suspended', 'closed'];

/** What shows beside a thread while the app works: the newer agent sessions, and the older assistant threads that write to the same place. */
export const agents: Record<string, Method> = {
  'agents.sessions.setStatus': (call) => {
    const status = text(call.args, 'status') ?? '';
    if (!statuses.includes(status)) return no('invalid_arguments');
    const channel = channelOf(call, 'channel_id');
    if (!channel) return no('channel_not_found');
    return { ok: true, session: keep(call, channel.id, { status, ...(text(call.args, 'title') ? { title: text(call.args, 'title') } : {}) }) };
  },

  'agents.sessions.rename': (call) => {
    const channel = channelOf(call, 'channel_id');
    const title = text(call.args, 'title');
    if (!channel) return no('channel_not_found');
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
    if (!Array.isArray(prompts) || prompts.length === 0 || prompts.length > 4) return no('invalid_arguments');
    return channelOf(call, 'channel_id') ? { ok: true } : no('channel_not_found');
  },
};

function keep({ world, args }: Call, channel: string, change: Json): Json {
  const threadTs = text(args, 'thread_ts') ?? null;
  const known = world.data.statuses.find((s) => s.channel === channel && s.threadTs === threadTs);
  const now = { ...(known ?? { channel, threadTs, status: 'active', title: null }), ...change } as AgentStatus;
  world.data.statuses = [...world.data.statuses.filter((s) => s !== known), now];
  world.changed();
  return { channel_id: channel, thread_ts: threadTs, status: now.status, title: now.title };
}
