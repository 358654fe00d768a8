import { randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Answered, type Asked, type Held, type OnTraffic, startStandIn } from '../stand-in.ts';
import { bentEvents, bentMessage, bentReply, type ClaudeFault, faultSchedule } from './faults.ts';
import type { Answer, MessagesRequest, Reply } from './messages-types.ts';
import { type Counted, prefixCache, tokens } from './prefix-cache.ts';
import { type ApiMessage, sseText, streamEvents } from './sse.ts';
import { invalidRequest } from './transcript-rules.ts';

/** The model's name in a sandbox: whoever reads a thread there must not take a fixed set of rules for Claude. */
export const STAND_IN_MODEL = 'sandbox-planner';

export type Journalled = {
  /** Counted from 1. */
  call: number;
  request: MessagesRequest;
  status: number;
  fault: string | null;
  reply: ApiMessage | null;
};

export type MessagesApi = {
  url: string;
  /** Adds a fault; null heals them all. */
  fault(fault: ClaudeFault | null): void;
  /** Every POST to /v1/messages so far, oldest first, rejected ones too. */
  requests: readonly Journalled[];
  /** Holds the next request to a path (default /v1/messages) before or after it was answered. */
  hold(match?: { path?: string; when?: 'before' | 'after' }): Held;
  close(): Promise<void>;
};

export type MessagesApiOptions = {
  answer: Answer;
  port?: number | undefined;
  onTraffic?: OnTraffic | undefined;
  /** The only key that is let in; any non-empty one where absent. */
  key?: string | undefined;
  /** Model ids it knows; its own and every id that begins with `claude-` where absent. */
  models?: readonly string[] | undefined;
  now?: (() => number) | undefined;
};

/**
 * Starts a stand-in for the Messages API on loopback: plain and streamed answers, count_tokens, models, prompt-cache accounting, the API's own
 * rejections and an exact schedule of faults. `answer` decides what is said and is not asked where the request is refused.
 */
export async function startMessagesApi(options: MessagesApiOptions): Promise<MessagesApi> {
  const journal: Journalled[] = [];
  const faults = faultSchedule();
  const cache = prefixCache({ now: options.now ?? Date.now });
  const paused = new Set<string>();
  const knows = (model: string) => (options.models ? options.models.includes(model) : model === STAND_IN_MODEL || model.startsWith('claude-'));

  async function messages(asked: Asked): Promise<Answered> {
    const request = asked.body as MessagesRequest;
    const entry: Journalled = { call: journal.length + 1, request, status: 200, fault: null, reply: null };
    journal.push(entry);
    const fault = faults.next(entry.call);
    entry.fault = fault?.kind ?? null;
    if (fault?.kind === 'slow') await sleep(fault.ms ?? 3000);
    const refused = fault?.kind === 'status' ? statusFault(fault) : rejected(asked);
    if (refused) return seen(asked, entry, refused);
    if (fault?.kind === 'hang' && fault.bytes === undefined) return { stream: hang };
    let reply: Reply;
    try {
      reply = bentReply(fault, await options.answer(request));
    } catch (error) {
      return seen(asked, entry, failure(500, 'api_error', error instanceof Error ? error.message : String(error)));
    }
    const message = apiMessage(request, reply, cache.count(request));
    if (message.stop_reason === 'pause_turn') paused.add(JSON.stringify(message.content.at(-1)));
    entry.reply = message;
    const headers = requestId();
    seen(asked, entry, { body: message, headers });
    return request.stream ? streamed(message, fault, headers) : plain(message, fault, headers);
  }

  function rejected(asked: Asked): Answered | null {
    const invalid = invalidRequest(asked.body, paused);
    if (invalid) return failure(400, 'invalid_request_error', invalid);
    const { model } = asked.body as MessagesRequest;
    return knows(model) ? null : failure(404, 'not_found_error', `model: ${model}`);
  }

  function seen(asked: Asked, entry: Journalled, answered: Answered): Answered {
    entry.status = answered.status ?? 200;
    const id = answered.headers?.['request-id'];
    const exchange = { what: `${asked.method} ${asked.path}`, body: asked.body, answer: answered.body, status: entry.status };
    options.onTraffic?.({ direction: 'in', ...exchange, ...(id === undefined ? {} : { id }) });
    return answered;
  }

  const standIn = await startStandIn({
    port: options.port,
    before: (asked) => (mayEnter(asked, options.key) ? null : failure(401, 'authentication_error', 'invalid x-api-key')),
    otherwise: () => failure(404, 'not_found_error', 'Not Found'),
    routes: {
      'POST /v1/messages': messages,
      'POST /v1/messages/count_tokens': ({ body }) => ({ body: { input_tokens: tokens(Buffer.byteLength(JSON.stringify(body))) }, headers: requestId() }),
      'GET /v1/models/:id': ({ params: { id = '' } }) =>
        knows(id) ? { body: modelInfo(id), headers: requestId() } : failure(404, 'not_found_error', `model: ${id}`),
    },
  });
  return {
    url: standIn.url,
    fault: faults.add,
    requests: journal,
    hold: (match) => standIn.hold({ path: match?.path ?? '/v1/messages', when: match?.when ?? 'before' }),
    close: standIn.close,
  };
}

/** The SDK sends `Authorization: Bearer`; other clients send `x-api-key`. */
function mayEnter({ headers }: Asked, key: string | undefined): boolean {
  const given = headers['x-api-key'] ?? headers.authorization?.replace(/^Bearer /, '');
  return typeof given === 'string' && given !== '' && (key === undefined || given === key);
}

function apiMessage(request: MessagesRequest, reply: Reply, counted: Counted): ApiMessage {
  const callsTool = reply.content.some((block) => block.type === 'tool_use');
  return {
    id: `msg_${randomBytes(12).toString('hex')}`,
    type: 'message',
    role: 'assistant',
    model: request.model,
    content: reply.content,
    stop_reason: reply.stop ?? (callsTool ? 'tool_use' : 'end_turn'),
    stop_sequence: null,
    stop_details: reply.stopDetails ?? null,
    usage: {
      ...counted,
      cache_creation: { ephemeral_5m_input_tokens: counted.cache_creation_input_tokens, ephemeral_1h_input_tokens: 0 },
      output_tokens: tokens(Buffer.byteLength(JSON.stringify(reply.content))),
    },
  };
}

function plain(message: ApiMessage, fault: ClaudeFault | null, headers: Record<string, string>): Answered {
  if (fault?.kind === 'malformed') return { type: 'application/json', body: JSON.stringify(message).slice(0, -20), headers };
  return { body: bentMessage(fault, message), headers };
}

function streamed(message: ApiMessage, fault: ClaudeFault | null, headers: Record<string, string>): Answered {
  const text = Buffer.from(sseText(bentEvents(fault, streamEvents(message))));
  const stops = fault?.kind === 'cut' || fault?.kind === 'hang';
  const end = stops && 'bytes' in fault ? (fault.bytes ?? Math.floor(text.length / 2)) : Math.floor(text.length / 2);
  return {
    stream: async (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache', ...headers });
      if (!stops) {
        response.end(text);
        return;
      }
      await new Promise<void>((written) => response.write(text.subarray(0, end), () => written()));
      if (fault?.kind === 'cut') response.destroy();
      else await hang(response);
    },
  };
}

/** Says nothing more until the client gives up. */
async function hang(response: ServerResponse): Promise<void> {
  await new Promise<void>((gone) => response.once('close', () => gone()));
}

function statusFault(fault: ClaudeFault & { kind: 'status' }): Answered {
  const answered = failure(fault.status, typeOf[fault.status] ?? 'api_error', `The stand-in was told to answer ${fault.status}.`);
  if (fault.retryAfterS !== undefined) answered.headers = { ...answered.headers, 'retry-after': String(fault.retryAfterS) };
  return answered;
}

const typeOf: Record<number, string> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  402: 'billing_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  529: 'overloaded_error',
};

function failure(status: number, type: string, message: string): Answered {
  const headers = requestId();
  return { status, headers, body: { type: 'error', error: { type, message }, request_id: headers['request-id'] } };
}

function requestId(): Record<string, string> {
  return { 'request-id': `req_${randomBytes(12).toString('hex')}` };
}

function modelInfo(id: string): Record<string, unknown> {
  const facts = { max_input_tokens: 200_000, max_tokens: 64_000, capabilities: null, line: null, created_at: '2026-01-01T00:00:00Z' };
  return { type: 'model', id, display_name: `${id} (local stand-in)`, lifecycle: 'active', deprecated_at: null, retires_at: null, ...facts };
}
