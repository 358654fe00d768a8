import type { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { type Attributes, type Context, type Span, SpanKind, SpanStatusCode, type Tracer } from '@opentelemetry/api';

/** What undici says of a request as it goes: ours, and that in Node's own fetch. */
type Request = { method: string; origin: string | URL; path: string };
type Said = { request: Request; response?: { statusCode: number }; error?: Error };

/** A span for every HTTP request that is made inside a step, heard from undici itself: no client has to know of it. */
export function requestSpans(tracer: Tracer, inside: AsyncLocalStorage<Context>): { stop(): void } {
  const open = new WeakMap<Request, Span>();
  const end = (said: Said, error?: Error) => {
    const span = open.get(said.request);
    open.delete(said.request);
    if (span && error) failed(span, error);
    span?.end();
  };
  const listeners: Record<string, (said: Said) => void> = {
    'undici:request:create': ({ request }) => {
      const parent = inside.getStore();
      if (parent) open.set(request, tracer.startSpan(request.method, { kind: SpanKind.CLIENT, attributes: requestAttributes(request) }, parent));
    },
    'undici:request:headers': ({ request, response }) => {
      const span = open.get(request);
      if (span) answered(span, response?.statusCode ?? 0);
    },
    'undici:request:trailers': (said) => end(said),
    'undici:request:error': (said) => end(said, said.error),
  };
  const all = Object.entries(listeners);
  for (const [channel, listener] of all) subscribe(channel, listener as never);
  return {
    stop() {
      for (const [channel, listener] of all) unsubscribe(channel, listener as never);
    },
  };
}

function answered(span: Span, status: number): void {
  span.setAttribute('http.response.status_code', status);
  if (status < 400) return;
  span.setAttribute('error.type', String(status));
  span.setStatus({ code: SpanStatusCode.ERROR });
}

function failed(span: Span, error: Error | undefined): void {
  span.setAttribute('error.type', (error as NodeJS.ErrnoException | undefined)?.code ?? error?.name ?? 'unknown');
  span.setStatus({ code: SpanStatusCode.ERROR });
}

/** Without the query: names of runs and of people may stand there. */
function requestAttributes({ method, origin, path }: Request): Attributes {
  const url = addressOf(origin, path.split('?')[0] ?? '/');
  return {
    'http.request.method': method,
    'server.address': url.hostname,
    'server.port': Number(url.port || (url.protocol === 'https:' ? 443 : 80)),
    'url.full': url.href,
  };
}

/** Set and not resolved: a path that begins with `//` would name another host. To a proxy that forwards, it is the whole address. */
function addressOf(origin: string | URL, path: string): URL {
  if (/^https?:\/\//i.test(path) && URL.canParse(path)) return new URL(path);
  const url = new URL(origin);
  url.pathname = path;
  return url;
}
