import { z } from 'zod';
import { richWords } from '../policy/model-words.ts';
import { named, plain } from '../policy/outside-text.ts';
import { UpstreamError } from '../services/http.ts';
import type { Block, SlackService } from '../services/slack.ts';
import { done, type SessionFacts, type ToolAnswer, type ToolContext, ToolError, writeTool } from './define-tool.ts';

const MOST = 3_500;
/** Slack takes some 13,000 characters in a message; the line below the text needs a few of them. */
const MOST_SHOWN = 12_500;

const input = z.strictObject({
  text: z.string().min(1).max(MOST).describe('Markdown; no mentions, links only to pages seen here'),
  channel: z.string().optional().describe('#name or id; left out: the own thread'),
  thread_ts: z
    .string()
    .refine((ts) => /^\d+\.\d+$/.test(ts), "a message's ts")
    .optional(),
});

/** What is approved, and exactly what is sent. Without `thread_ts` it goes to the channel itself. */
const argumentsSchema = z.object({ channel: z.string(), thread_ts: z.string().optional(), text: z.string() });

export const postToSlack = writeTool({
  name: 'post_to_slack',
  title: 'Post to Slack',
  description:
    "Posts to a Slack channel, or to this experiment's own thread. " +
    'Use when the task says to post, or a result concerns more people than those in the thread. ' +
    'Not for your final answer or progress (shown by themselves) or a question (ask_person).',
  input,
  output: z.looseObject({ channel: z.string(), ts: z.string(), permalink: z.string().nullable() }),
  needs: ['slack'],
  destructive: false,
  idempotent: false,
  recovery: 'look-up',
  timeoutMs: 6_000,

  async plan({ text, channel, thread_ts }, ctx) {
    const session = sessionOf(ctx);
    const { slack } = ctx.services;
    mustFit(text);
    const target = channel === undefined ? session.channel : await resolve(channel, session, slack, ctx.signal);
    const thread = thread_ts ?? (channel === undefined ? session.thread : null);
    if (target === '') throw new ToolError('NO_CHANNEL', 'A call from an MCP client has no thread of its own.', 'name a channel.').about('channel');
    if (channel === undefined && thread === null) {
      throw new UpstreamError("The experiment's thread is not there yet.", { upstream: 'the thread', status: 0, transient: true });
    }
    // Another thread is another conversation, even in the own channel.
    const own = target === session.channel && (thread === null || thread === session.thread);
    const place = !own ? 'elsewhere' : thread === null ? 'own-channel' : 'own-thread';
    const name = (await slack.channelName(target, ctx.signal)) ?? target;
    const where = whereIs(name, thread, session);
    return {
      kind: 'plan',
      arguments: { channel: target, ...(thread === null ? {} : { thread_ts: thread }), text },
      touches: { channel: target, place },
      preview: {
        summary: `Post to ${where}`,
        facts: [
          { label: 'Channel', value: `#${name} (${target})` },
          ...(thread !== null && !own ? [{ label: 'Thread', value: thread }] : []),
          { label: 'Text', value: text },
        ],
        changes: [],
        adds: [`a line below the text: ${below(session)}`, 'a mark nobody sees, by which the post is found again'],
      },
    };
  },

  async run(plan, ctx, key) {
    const session = sessionOf(ctx);
    const { slack } = ctx.services;
    const { channel, thread_ts: thread, text } = argumentsSchema.parse(plan.arguments);
    const message = { channel, thread, text: plain(text), blocks: blocksOf(text, session), mark: markOf(session, key) };
    const { ts } = await slack.post(message, ctx.signal);
    return posted(slack, { channel, thread, ts }, ctx);
  },

  async find(plan, ctx, key) {
    const session = sessionOf(ctx);
    const { slack } = ctx.services;
    const { channel, thread_ts: thread } = argumentsSchema.parse(plan.arguments);
    // The mark holds the effect's key, so nothing else of this session can be taken for it; a day back is ample for a post that was cut off.
    const oldest = thread ? {} : { oldest: String(Math.floor(ctx.now() / 1000) - 86_400) };
    const [ts] = await slack.find({ channel, thread, mark: markOf(session, key), ...oldest }, ctx.signal);
    return ts === undefined ? null : posted(slack, { channel, thread, ts }, ctx);
  },
});

/** A channel's id from what the model was told: an id, Slack's own reference, or a name. */
async function resolve(channel: string, session: SessionFacts, slack: SlackService, signal: AbortSignal): Promise<string> {
  const reference = channel.match(/^<#([CG][A-Z0-9]+)(?:\|[^>]*)?>$/)?.[1];
  if (reference) return reference;
  if (/^[CG][A-Z0-9]{2,}$/.test(channel)) return channel;
  const name = channel.replace(/^#/, '').toLowerCase();
  if ((await slack.channelName(session.channel, signal)) === name) return session.channel;
  const id = await slack.channelNamed(name, signal);
  if (id) return id;
  throw new ToolError(
    'NO_SUCH_CHANNEL',
    `The app sees no channel #${name}.`,
    'check the name with the person, or leave channel out to post in this thread.',
  ).about('channel');
}

async function posted(slack: SlackService, post: { channel: string; thread: string | undefined; ts: string }, ctx: ToolContext): Promise<ToolAnswer> {
  const { channel, thread, ts } = post;
  // The post is there; a link to it and a name are courtesies that must not turn it into a failure.
  const [permalink, name] = await Promise.all(
    [slack.permalink({ channel, ts }, ctx.signal), slack.channelName(channel, ctx.signal)].map((p) => p.catch(() => null)),
  );
  const where = whereIs(name ?? null, thread ?? null, sessionOf(ctx), channel);
  const data = { channel, ...(name ? { channel_name: name } : {}), ts, permalink: permalink ?? null };
  return done(`Posted to ${where}${permalink ? `: ${permalink}` : '.'}`, data);
}

/** A place as people call it; by its id only where Slack does not tell its name. */
function whereIs(name: string | null, thread: string | null, session: SessionFacts, id = ''): string {
  if (thread !== null && thread === session.thread) return 'this thread';
  const channel = name === null ? id : `#${name}`;
  return thread === null ? channel : `a thread of ${channel}`;
}

/** What is approved is posted whole: where Slack would not take it nothing is cut off, nobody is asked. */
function mustFit(text: string): void {
  const length = plain(named(text)).length;
  if (length <= MOST_SHOWN) return;
  throw new ToolError(
    'TEXT_TOO_LONG',
    `Written for Slack, this text has ${length} characters, and Slack takes ${MOST_SHOWN}: each & counts as 5, each < and > as 4, and what cannot be seen as 5 or more.`,
    'write it with fewer of them, or as two posts.',
  ).about('text');
}

/** Rich text, where nothing is parsed, and a line of ours that says whose words these are. */
function blocksOf(text: string, session: SessionFacts): Block[] {
  return [
    { type: 'rich_text', elements: richWords(named(text), session.links(), MOST_SHOWN) },
    { type: 'context', elements: [{ type: 'plain_text', text: below(session), emoji: false }] },
  ];
}

function below({ alias }: SessionFacts): string {
  return `From experiment ${alias}, in the model's words`;
}

function markOf(session: SessionFacts, key: string) {
  return { session: session.id, slot: `effect:${key.slice(0, 32)}` };
}

function sessionOf({ session }: ToolContext): SessionFacts {
  if (session) return session;
  throw new ToolError('NO_SESSION', 'There is no experiment here whose thread or channel could be posted to.', 'start one in Slack.');
}
