import type { Readable } from 'node:stream';
import { type Dispatcher, request } from 'undici';
import { wayInUse } from './proxy.ts';

export type HttpFetchOptions = {
  /** What was sent on a connection that turns out to be closed is sent once more. It may have arrived: only for what may be asked twice. */
  again?: boolean;
};

/**
 * `fetch` as far as the SDKs of Claude and Slack use it, over undici's `request`: an eighth of the processor time, as no body goes through web streams. Bodies are bytes
 * or text; no redirect is followed. Rejects as fetch does: with a TypeError whose cause is the connection's error, or with what its signal says.
 */
export function httpFetch({ again = false }: HttpFetchOptions = {}): typeof fetch {
  return async (input, init = {}) => {
    const url = new URL(input instanceof Request ? input.url : input);
    const { body, signal } = init;
    if (body !== undefined && body !== null && typeof body !== 'string' && !(body instanceof Uint8Array))
      throw new TypeError('only text and bytes can be sent');
    const headers = ['accept-encoding', 'identity'];
    for (const [name, value] of init.headers instanceof Headers ? init.headers : new Headers(init.headers)) headers.push(name, value);
    const asked = { method: (init.method ?? 'GET') as Dispatcher.HttpMethod, headers, body: body ?? null, signal: signal ?? null };
    const ask = () => request(url, { ...asked, dispatcher: wayInUse() });
    const began = performance.now();
    const got = await ask()
      .catch((error: unknown) => {
        if (again && performance.now() - began < AT_ONCE_MS && isClosed(error)) return ask();
        throw error;
      })
      .catch((error: unknown) => {
        throw signal?.aborted ? error : new TypeError('fetch failed', { cause: error });
      });
    // What nobody reads any more may break off; whoever reads it is told by the read.
    got.body.on('error', () => {});
    if (init.redirect === 'error' && REDIRECTS.has(got.statusCode)) {
      got.body.destroy();
      throw new TypeError('fetch failed', { cause: new Error('unexpected redirect') });
    }
    return asResponse(got, url.href);
  };
}

/** Node's own fetch where somebody may be silent for longer than the five minutes that undici gives them, before an answer and within it. */
export function patientFetch(silenceMs: number): typeof fetch {
  const dispatcher: Pick<Dispatcher, 'dispatch'> = {
    dispatch: (request, handler) => wayInUse().dispatch({ ...request, headersTimeout: silenceMs, bodyTimeout: silenceMs }, handler),
  };
  return (input, init) => fetch(input, { ...init, dispatcher } as RequestInit);
}

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** A kept connection that the server has closed shows that as soon as something is sent. */
const AT_ONCE_MS = 1_000;

function isClosed(error: unknown): boolean {
  return ['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE'].includes((error as NodeJS.ErrnoException).code ?? '');
}

/** What the SDKs read of a response. A real one would put its body through a web stream. */
function asResponse({ statusCode, statusText, headers, body }: Dispatcher.ResponseData, url: string): Response {
  const all = Object.entries(headers).map(([name, value]): [string, string] => [name, Array.isArray(value) ? value.join(', ') : (value ?? '')]);
  const byName = new Map(all);
  const seen = {
    status: statusCode,
    ok: statusCode >= 200 && statusCode < 300,
    statusText,
    url,
    headers: {
      get: (name: string) => byName.get(name.toLowerCase()) ?? null,
      has: (name: string) => byName.has(name.toLowerCase()),
      entries: () => all.values(),
    },
    body: pieces(body),
    text: () => body.text().catch(brokenOff),
    json: () => body.json().catch(brokenOff),
  };
  return seen as unknown as Response;
}

/** The bytes as they come. Throws a TypeError where the connection breaks before the end, as fetch's body does. */
function pieces(body: Readable): AsyncIterable<Uint8Array> {
  return {
    [Symbol.asyncIterator]() {
      const each = body[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
      return {
        next: () => each.next().catch(brokenOff),
        async return() {
          body.destroy();
          return { done: true, value: undefined };
        },
      };
    },
  };
}

function brokenOff(cause: Error): never {
  // JSON that is none is not the connection's doing.
  throw cause.name === 'AbortError' || cause instanceof SyntaxError ? cause : new TypeError('terminated', { cause });
}
