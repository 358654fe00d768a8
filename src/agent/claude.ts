import Anthropic from '@anthropic-ai/sdk';
import type { Message, MessageStreamEvent } from '@anthropic-ai/sdk/resources/messages';
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
    const watch = silenceWatch(options.silenceMs ?? 120_000);
    try {
      return await turn(client, options.model, bodies(request), request, watch);
    } catch (error) {
      if (request.signal.aborted) return { kind: 'aborted' };
      return answerOfError(watch.tripped() ? new SilentModel() : error, options);
    } finally {
      watch.stop();
    }
  };
}

async function turn(client: Anthropic, model: string, body: Buffer<ArrayBuffer>, request: ModelRequest, watch: SilenceWatch): Promise<ModelAnswer> {
  if (request.signal.aborted) return { kind: 'aborted' };
  // The transcript is bytes already, and must go out as exactly these: building it anew for each request would cost more than all else a turn does.
  const asBytes = client.withOptions({ fetch: (url, init) => globalThis.fetch(url, { ...init, body }) });
  const stream = asBytes.messages.stream({ model, max_tokens: request.maxTokens, messages: [] }, { signal: AbortSignal.any([request.signal, watch.signal]) });
  const inputs = toolInputs();
  stream.on('streamEvent', (event) => {
    watch.heard();
    inputs.hear(event);
  });
  const message = await stream.finalMessage();
  return reply(message, inputs, stream.request_id ?? null);
}

type Bodies = (request: ModelRequest) => Buffer<ArrayBuffer>;

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

function reply(message: Message, inputs: ToolInputs, requestId: string | null): ModelAnswer {
  if (!message.stop_reason) throw new UnreadableReply('it has no stop reason');
  if (message.stop_reason === 'tool_use' && !inputs.whole()) throw new UnreadableReply('the arguments of a tool call are not JSON');
  if (typeof message.model !== 'string') throw new UnreadableReply('it does not say which model wrote it');
  if (message.content.some((block) => block.type === 'tool_use' && !block.id)) throw new UnreadableReply('a tool call has no id');
  const { usage } = message;
  return {
    kind: 'reply',
    content: plainBlocks(message),
    stop: message.stop_reason,
    usage: {
      input: count(usage.input_tokens),
      output: count(usage.output_tokens),
      cache_read: count(usage.cache_read_input_tokens),
      cache_write: count(usage.cache_creation_input_tokens),
    },
    requestId,
    model: message.model,
    ...(message.stop_reason === 'refusal'
      ? { refusal: message.stop_details?.type === 'refusal' ? (message.stop_details.category ?? 'unnamed') : 'unnamed' }
      : {}),
  };
}

/** What is no number would be recorded as none, and the record could not be read any more. */
function count(tokens: unknown): number {
  const n = Number(tokens ?? 0);
  if (!Number.isFinite(n)) throw new UnreadableReply('its token counts are no numbers');
  return n;
}

/**
 * The blocks as JSON shows them: the SDK's own carry getters and hidden fields. A half call of a refused or otherwise ended reply is left out: it must not
 * run, and sent back without a result it would be rejected. One cut by max_tokens stays, so that the caller sees what was cut and asks again.
 */
function plainBlocks({ content, stop_reason: stop }: Message): unknown[] {
  const blocks = stop === 'tool_use' || stop === 'max_tokens' ? content : content.filter((block) => block.type !== 'tool_use');
  return JSON.parse(JSON.stringify(blocks)) as unknown[];
}

/** What `doctor` wants to know of the configured model. */
export type ModelFacts =
  | { known: true; id: string; name: string; lifecycle: string; retiresAt: string | null; maxInputTokens: number | null; maxTokens: number | null }
  | { known: false; why: string };

/** Looks a model up at the provider. An unknown model or a refused key is a value with a sentence for people. */
export async function modelFacts(options: ClaudeOptions, id = options.model): Promise<ModelFacts> {
  try {
    const info = await clientOf(options).models.retrieve(id);
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

function clientOf(options: ClaudeOptions): Anthropic {
  return new Anthropic({
    apiKey: options.apiKey,
    ...(options.baseUrl ? { baseURL: options.baseUrl } : {}),
    // The SDK would sleep out any Retry-After inside the process; the session stores that wait instead.
    maxRetries: 0,
    timeout: 60_000,
    // It would print pieces of unreadable answers, and stdout belongs to MCP.
    logLevel: 'off',
  });
}

type SilenceWatch = { signal: AbortSignal; heard(): void; tripped(): boolean; stop(): void };

/** The SDK's own timeout ends with the response's headers, so a stream that falls silent would hold a worker for ever. */
function silenceWatch(ms: number): SilenceWatch {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), ms);
  return {
    signal: controller.signal,
    heard: () => void timer.refresh(),
    tripped: () => controller.signal.aborted,
    stop: () => clearTimeout(timer),
  };
}

type ToolInputs = { hear(event: MessageStreamEvent): void; whole(): boolean };

/** The SDK repairs cut JSON without a word, which would run a call with half of its arguments; so the pieces are kept and read strictly. */
function toolInputs(): ToolInputs {
  const pieces = new Map<number, string>();
  return {
    hear(event) {
      if (event.type !== 'content_block_delta' || event.delta.type !== 'input_json_delta') return;
      pieces.set(event.index, (pieces.get(event.index) ?? '') + event.delta.partial_json);
    },
    whole: () => [...pieces.values()].every((text) => text === '' || isJson(text)),
  };
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
