import Anthropic from '@anthropic-ai/sdk';
import type { RawMessageStreamEvent } from '@anthropic-ai/sdk/resources/messages';
import type { Stream } from '@anthropic-ai/sdk/streaming';
import { httpFetch } from '../http-fetch.ts';
import { type Assembled, assembling } from './assemble-reply.ts';
import { childSignal } from './child-signal.ts';
import { answerOfError, SilentModel, UnreadableReply } from './claude-errors.ts';
import type { Model, ModelAnswer, ModelRequest } from './model.ts';

export type ClaudeOptions = {
  apiKey: string;
  baseUrl?: string | undefined;
  model: string;
  /** After so many ms without a byte that matters, the turn is given up and asked again later. */
  silenceMs?: number | undefined;
};

/**
 * Asks Claude for one turn over the Messages API. The whole transcript goes out each time: nothing is held at the provider, so the log stays
 * the only state. Never retries and never sleeps: a wait is a value, and the session stores it.
 */
export function claude(options: ClaudeOptions): Model {
  const client = clientOf(options);
  const bodies = requestBodies(options.model);
  return async (request) => {
    const watch = silenceWatch(options.silenceMs ?? 120_000, request.signal);
    try {
      return await turn(client, bodies(request), request, watch);
    } catch (error) {
      if (request.signal.aborted) return { kind: 'aborted' };
      return answerOfError(watch.tripped() ? new SilentModel() : error, options);
    } finally {
      watch.stop();
    }
  };
}

async function turn(client: Anthropic, body: Buffer, request: ModelRequest, watch: SilenceWatch): Promise<ModelAnswer> {
  if (request.signal.aborted) return { kind: 'aborted' };
  // The transcript is bytes already and goes out as exactly these: building it anew for each request would cost more than all else a turn does.
  const { data: stream, response } = await client
    .post<Stream<RawMessageStreamEvent>>('/v1/messages', { body, headers: JSON_BODY, stream: true, signal: watch.signal })
    .withResponse();
  const reply = assembling();
  for await (const event of stream) {
    watch.heard();
    // A page of something else is no event at all.
    if (typeof event !== 'object' || event === null) throw new UnreadableReply('a piece of it is no event');
    reply.take(event);
  }
  return answer(reply.done(), response.headers.get('request-id'));
}

const JSON_BODY = { 'content-type': 'application/json' };

type Bodies = (request: ModelRequest) => Buffer;

/**
 * The request as bytes. What stays the same for all sessions is written once; the messages come last but for the limit, so that each request of a session begins with
 * the bytes of the one before it.
 */
function requestBodies(model: string): Bodies {
  let known: { system: string; tools: ModelRequest['tools']; bytes: Buffer } | null = null;
  return ({ system, tools, messages, maxTokens }) => {
    if (known?.system !== system || known.tools !== tools) {
      // The mark is for the last cacheable block; the prefix before it is byte-stable because the log only grows.
      const head = JSON.stringify({ model, stream: true, cache_control: { type: 'ephemeral' }, system, tools });
      known = { system, tools, bytes: Buffer.from(`${head.slice(0, -1)},"messages":[`) };
    }
    return Buffer.concat([known.bytes, ...messages, Buffer.from(`],"max_tokens":${maxTokens}}`)]);
  };
}

function answer({ model, content, stop, category, usage, whole }: Assembled, requestId: string | null): ModelAnswer {
  if (!stop) throw new UnreadableReply('it has no stop reason');
  if (stop === 'tool_use' && !whole) throw new UnreadableReply('the arguments of a tool call are not JSON');
  if (typeof model !== 'string') throw new UnreadableReply('it does not say which model wrote it');
  if (content.some((block) => block['type'] === 'tool_use' && !/^\S+$/.test(String(block['id'] ?? '')))) throw new UnreadableReply('a tool call has no id');
  return {
    kind: 'reply',
    // A half call of a refused or otherwise ended reply must not run, and sent back without a result it would be rejected. One cut by max_tokens stays, so that the
    // caller sees what was cut and asks again.
    content: stop === 'tool_use' || stop === 'max_tokens' ? content : content.filter((block) => block['type'] !== 'tool_use'),
    stop,
    usage: {
      input: count(usage['input_tokens']),
      output: count(usage['output_tokens']),
      cache_read: count(usage['cache_read_input_tokens']),
      cache_write: count(usage['cache_creation_input_tokens']),
    },
    requestId,
    model,
    ...(stop === 'refusal' ? { refusal: category ?? 'unnamed' } : {}),
  };
}

/** What is no number would be recorded as none, and the record could not be read any more. */
function count(tokens: unknown): number {
  const n = Number(tokens ?? 0);
  if (!Number.isFinite(n)) throw new UnreadableReply('its token counts are no numbers');
  return n;
}

/** What `doctor` wants to know of the configured model. */
export type ModelFacts =
  | { known: true; id: string; name: string; lifecycle: string; retiresAt: string | null; maxInputTokens: number | null; maxTokens: number | null }
  | { known: false; why: string };

/** Looks the model up at the provider. An unknown one or a refused key is a value with a sentence for people; throws the signal's reason. */
export async function modelFacts(options: ClaudeOptions, signal?: AbortSignal): Promise<ModelFacts> {
  try {
    const info = await clientOf(options).models.retrieve(options.model, {}, { signal });
    return {
      known: true,
      id: info.id,
      name: info.display_name,
      lifecycle: info.lifecycle,
      retiresAt: info.retires_at,
      maxInputTokens: info.max_input_tokens,
      maxTokens: info.max_tokens,
    };
  } catch (error) {
    signal?.throwIfAborted();
    const answer = answerOfError(error, options);
    return { known: false, why: 'why' in answer ? answer.why : 'The look-up was aborted.' };
  }
}

function clientOf(options: ClaudeOptions): Anthropic {
  return new Anthropic({
    apiKey: options.apiKey,
    ...(options.baseUrl ? { baseURL: options.baseUrl } : {}),
    // The SDK would sleep out any Retry-After inside the process; the session stores that wait instead.
    maxRetries: 0,
    fetch: httpFetch({ again: true }),
    timeout: 60_000,
    // It would print pieces of unreadable answers, and stdout belongs to MCP.
    logLevel: 'off',
  });
}

type SilenceWatch = { signal: AbortSignal; heard(): void; tripped(): boolean; stop(): void };

/** The SDK's own timeout ends with the response's headers, so a stream that falls silent would hold a worker for ever. `signal` fires when it does, or when `stopped` does. */
function silenceWatch(ms: number, stopped: AbortSignal): SilenceWatch {
  const { signal, abort, release } = childSignal(stopped);
  let isSilent = false;
  const timer = setTimeout(() => {
    isSilent = true;
    abort();
  }, ms);
  return {
    signal,
    heard: () => void timer.refresh(),
    tripped: () => isSilent,
    stop() {
      clearTimeout(timer);
      release();
    },
  };
}
