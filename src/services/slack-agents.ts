import type { ChatStartStreamArguments, WebClient } from '@slack/web-api';
import type { Block, Mark } from './slack.ts';
import { slackError } from './slack-errors.ts';

type Call = <T>(method: string, work: () => Promise<T>, signal?: AbortSignal) => Promise<T>;

/** What a thread with the app says of itself: at work, the person's turn, waiting for something else, over. */
export type AgentStatus = 'processing' | 'active' | 'suspended' | 'closed';

/** One step of a plan that is streamed. Plain words: what stands in them is not read as Markdown. */
export type StreamedTask = { id: string; title: string; status: 'pending' | 'in_progress' | 'complete' | 'error'; details?: string | undefined };
type Streamed = { title?: string | undefined; tasks: readonly StreamedTask[]; blocks?: readonly Block[] | undefined };

/** The part of Slack that is for conversations with agents. A workspace may lack any of it. */
export type SlackAgents = {
  /** The title counts when the status of this thread is set for the first time. */
  setStatus(session: { channel: string; thread: string; status: AgentStatus; title: string; by: string }): Promise<void>;
  /** At most four, each with a short title and what is sent when it is chosen. */
  suggest(prompts: { channel: string; title: string; prompts: readonly { title: string; message: string }[] }): Promise<void>;
  /** A plan that grows in place. It carries no mark until it is stopped, and Slack ends it after five minutes. */
  startStream(message: { channel: string; thread: string } & Streamed): Promise<{ ts: string }>;
  appendStream(message: { channel: string; ts: string } & Streamed): Promise<void>;
  /** From now on it is a message like others. */
  stopStream(message: { channel: string; ts: string; mark: Mark }): Promise<void>;
};

export function slackAgents(web: WebClient, call: Call, metadata: (mark: Mark) => unknown): SlackAgents {
  return {
    async setStatus({ channel, thread, status, title, by }) {
      const session = { channel_id: channel, thread_ts: thread, status, title: title.slice(0, 200), initiator_user_id: by };
      await call('agents.sessions.setStatus', () => web.agents.sessions.setStatus(session));
    },
    async suggest({ channel, title, prompts }) {
      const offered = { channel_id: channel, title, prompts: prompts.slice(0, 4) };
      await call('assistant.threads.setSuggestedPrompts', () => web.apiCall('assistant.threads.setSuggestedPrompts', offered));
    },
    async startStream({ channel, thread, ...content }) {
      const stream = { channel, thread_ts: thread, task_display_mode: 'plan', chunks: chunksOf(content) };
      const answer = await call('chat.startStream', () => web.chat.startStream(stream as ChatStartStreamArguments));
      if (!answer.ts) throw slackError('chat.startStream', new Error('no ts in the answer'));
      return { ts: answer.ts };
    },
    async appendStream({ channel, ts, ...content }) {
      await call('chat.appendStream', () => web.apiCall('chat.appendStream', { channel, ts, chunks: chunksOf(content) }));
    },
    async stopStream({ channel, ts, mark }) {
      await call('chat.stopStream', () => web.apiCall('chat.stopStream', { channel, ts, metadata: metadata(mark) }));
    },
  };
}

function chunksOf({ title, tasks, blocks }: Streamed): unknown[] {
  return [
    ...(title === undefined ? [] : [{ type: 'plan_update', title }]),
    ...tasks.map(({ details, ...task }) => ({ type: 'task_update', ...task, ...(details ? { details } : {}) })),
    ...(blocks?.length ? [{ type: 'blocks', blocks }] : []),
  ];
}
