import * as http from 'node:http';
import * as https from 'node:https';
import { StringDecoder } from 'node:string_decoder';
import { AnthropicError, APIConnectionError, APIConnectionTimeoutError, APIError } from '@anthropic-ai/sdk/core/error';

/** No answer at all after so many ms. */
const HEADERS_MS = 60_000;
const LONGEST_ERROR = 64 * 1024;

/** One streamed answer. `read` gives its text as it comes, until `take` has all it wants; what follows then is let run out, so that the connection can be used again. */
export type Streamed = { requestId: string | null; isEvents: boolean; read(take: (text: string) => boolean): Promise<void> };

/**
 * Sends one request to the Messages API, as bytes that are ready, and gives the stream that comes back. The SDK's own way costs several times the processor time
 * of all else that a turn does; its errors are used all the same. Throws APIError and its kin. Never retries, but once over a connection that had died unnoticed.
 */
export function messagesWire({ apiKey, baseUrl = 'https://api.anthropic.com' }: { apiKey: string; baseUrl?: string | undefined }) {
  const url = new URL(`${baseUrl.replace(/\/+$/, '')}/v1/messages`);
  const client = url.protocol === 'https:' ? https : http;
  const agent = new client.Agent({ keepAlive: true });
  const headers = {
    accept: 'text/event-stream, application/json',
    'anthropic-version': '2023-06-01',
    authorization: `Bearer ${apiKey}`,
    'content-type': 'application/json',
    'user-agent': 'labmate',
  };
  const send = (body: Buffer, signal: AbortSignal): Promise<http.IncomingMessage> =>
    new Promise((resolve, reject) => {
      const request = client.request(url, { method: 'POST', agent, headers: { ...headers, 'content-length': body.length } });
      const late = setTimeout(() => request.destroy(new APIConnectionTimeoutError({})), HEADERS_MS);
      const abort = () => void request.destroy(signal.reason instanceof Error ? signal.reason : new Error('aborted'));
      signal.addEventListener('abort', abort, { once: true });
      request.once('close', () => {
        clearTimeout(late);
        signal.removeEventListener('abort', abort);
      });
      request.once('response', (response) => {
        clearTimeout(late);
        resolve(response);
      });
      request.once('error', (error: NodeJS.ErrnoException) => {
        // It had been closed at the other end while it lay idle: nobody has read this request.
        if (request.reusedSocket && error.code === 'ECONNRESET' && !signal.aborted) resolve(send(body, signal));
        else reject(error instanceof APIError ? error : new APIConnectionError({ cause: error }));
      });
      request.end(body);
    });
  return async (body: Buffer, signal: AbortSignal): Promise<Streamed> => {
    const response = await send(body, signal);
    const { statusCode: status = 0, headers: given } = response;
    if (status < 200 || status > 299) throw APIError.generate(status, await errorIn(response), undefined, headersOf(given));
    const requestId = given['request-id'];
    return {
      requestId: typeof requestId === 'string' ? requestId : null,
      isEvents: given['content-type']?.startsWith('text/event-stream') === true,
      read: (take) => read(response, take),
    };
  };
}

function read(response: http.IncomingMessage, take: (text: string) => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    const decoder = new StringDecoder('utf8');
    let over = false;
    const fail = (error: unknown) => {
      over = true;
      reject(error);
    };
    response.on('data', (piece: Buffer) => {
      if (over) return;
      try {
        over = take(decoder.write(piece));
        if (over) resolve();
      } catch (error) {
        fail(error);
        response.destroy();
      }
    });
    response.once('end', () => over || fail(new AnthropicError('the stream ended before its message did')));
    response.once('error', (cause) => over || fail(new AnthropicError('the stream broke off', { cause })));
  });
}

function headersOf(given: http.IncomingHttpHeaders): Headers {
  return new Headers(Object.entries(given).flatMap(([name, value]): [string, string][] => (typeof value === 'string' ? [[name, value]] : [])));
}

/** What the service says of its refusal, where that can be read. */
async function errorIn(response: AsyncIterable<Buffer>): Promise<object> {
  let text = '';
  try {
    for await (const piece of response) {
      text += piece.toString('utf8');
      if (text.length > LONGEST_ERROR) break;
    }
    const body: unknown = JSON.parse(text);
    return typeof body === 'object' && body !== null ? body : {};
  } catch {
    // A page of a proxy, or an answer that broke off: the status says enough.
    return {};
  }
}
