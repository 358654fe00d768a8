import { AnthropicError } from '@anthropic-ai/sdk/core/error';
import { answerOfError, SilentModel, UnreadableReply } from './claude-errors.ts';
import { messagesWire } from './claude-wire.ts';
import { messageReader, type StreamedMessage } from './message-stream.ts';
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
  const wire = messagesWire(options);
  const bodies = requestBodies(options.model);
  return async (request) => {
    const watch = silenceWatch(options.silenceMs ?? 120_000);
    try {
      return await turn(wire, bodies, request, watch);
    } catch (error) {
      if (request.signal.aborted) return { kind: 'aborted' };
      return answerOfError(watch.tripped() ? new SilentModel() : error, options);
    } finally {
      watch.close();
    }
  };
}

async function turn(wire: ReturnType<typeof messagesWire>, bodies: Bodies, request: ModelRequest, watch: SilenceWatch): Promise<ModelAnswer> {
  if (request.signal.aborted) return { kind: 'aborted' };
  const stopped = () => watch.stop(request.signal.reason);
  request.signal.addEventListener('abort', stopped, { once: true });
  try {
    const { requestId, isEvents, read } = await wire(bodies(request), watch.signal);
    if (!isEvents) throw new AnthropicError('the answer is no stream of events');
    const take = messageReader(watch.heard);
    let message: StreamedMessage | null = null;
    await read((text) => {
      message = take(text);
      return message !== null;
    });
    return reply(message as unknown as StreamedMessage, requestId);
  } finally {
    request.signal.removeEventListener('abort', stopped);
  }
}

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

function reply(message: StreamedMessage, requestId: string | null): ModelAnswer {
  const { stop, usage, stopDetails } = message;
  if (!stop) throw new UnreadableReply('it has no stop reason');
  if (stop === 'tool_use' && !message.inputsWhole) throw new UnreadableReply('the arguments of a tool call are not JSON');
  // A half call of a refused or otherwise ended reply must not run, and sent back without a result it would be rejected. One cut by max_tokens stays, so that the
  // caller sees what was cut and asks again.
  const keepsCalls = stop === 'tool_use' || stop === 'max_tokens';
  return {
    kind: 'reply',
    content: keepsCalls ? message.content : message.content.filter((block) => block['type'] !== 'tool_use'),
    stop,
    usage: {
      input: Number(usage['input_tokens'] ?? 0),
      output: Number(usage['output_tokens'] ?? 0),
      cache_read: Number(usage['cache_read_input_tokens'] ?? 0),
      cache_write: Number(usage['cache_creation_input_tokens'] ?? 0),
    },
    requestId,
    model: message.model,
    ...(stop === 'refusal' ? { refusal: stopDetails?.type === 'refusal' ? String(stopDetails.category ?? 'unnamed') : 'unnamed' } : {}),
  };
}

/** What `doctor` wants to know of the configured model. */
export type ModelFacts =
  | { known: true; id: string; name: string; lifecycle: string; retiresAt: string | null; maxInputTokens: number | null; maxTokens: number | null }
  | { known: false; why: string };

/** Looks a model up at the provider. An unknown model or a refused key is a value with a sentence for people. */
export async function modelFacts(options: ClaudeOptions, id = options.model): Promise<ModelFacts> {
  try {
    const info = await (await clientOf(options)).models.retrieve(id);
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
    const answer = answerOfError(error, { ...options, model: id });
    return { known: false, why: 'why' in answer ? answer.why : 'The look-up was aborted.' };
  }
}

async function clientOf(options: ClaudeOptions) {
  // Only `doctor` needs it; a worker is spared the loading.
  const { default: Anthropic } = await import('@anthropic-ai/sdk');
  return new Anthropic({
    apiKey: options.apiKey,
    ...(options.baseUrl ? { baseURL: options.baseUrl } : {}),
    // The SDK would sleep out any Retry-After inside the process.
    maxRetries: 0,
    timeout: 60_000,
    // It would print pieces of unreadable answers, and stdout belongs to MCP.
    logLevel: 'off',
  });
}

type SilenceWatch = { signal: AbortSignal; heard(): void; tripped(): boolean; stop(reason: unknown): void; close(): void };

/** A stream that falls silent would hold a worker for ever. */
function silenceWatch(ms: number): SilenceWatch {
  const controller = new AbortController();
  let silent = false;
  const timer = setTimeout(() => {
    silent = true;
    controller.abort();
  }, ms);
  return {
    signal: controller.signal,
    heard: () => void timer.refresh(),
    tripped: () => silent,
    stop: (reason) => controller.abort(reason),
    close: () => clearTimeout(timer),
  };
}
