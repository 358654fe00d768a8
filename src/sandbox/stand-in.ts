import { createServer, type IncomingHttpHeaders, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault, Traffic } from './control-types.ts';
import { exactJson, parseExactJson } from './exact-json.ts';

/** One request as a stand-in's route sees it. */
export type Asked = {
  method: string;
  path: string;
  /** What `:name` and `*name` of the route's pattern stood for, decoded. */
  params: Record<string, string>;
  query: URLSearchParams;
  headers: IncomingHttpHeaders;
  raw: Buffer;
  /** The body: JSON (integers of 16 digits and more as strings), a form as an object, else text; null without one. */
  body: unknown;
};

/** An object becomes JSON (bigints as bare digits), a string text, bytes bytes. `stream` writes the response itself, e.g. server-sent events. */
export type Answered = {
  status?: number;
  headers?: Record<string, string>;
  type?: string;
  body?: unknown;
  stream?: (response: ServerResponse) => Promise<void> | void;
};

/** `GET /repos/:owner/:repo/contents/*path`: `:name` is one part of the path, `*name` all that is left. The first match answers. */
export type Routes = Record<string, (asked: Asked) => Answered | Promise<Answered>>;

export type BackendFault = Extract<Fault, { target: 'databricks' | 'mlflow' | 'grafana' | 'github' }>;
export type OnTraffic = (seen: Omit<Traffic, 'n' | 'at' | 'with'>) => void;

/** A request that waits at the stand-in's door, so that a test can kill who sent it. `release` lets it go on, `drop` cuts it off. */
export type Held = { reached: Promise<void>; release(): void; drop(): void };

export type StandIn = {
  url: string;
  server: Server;
  /** Adds a fault; null heals them all. */
  fault(fault: Fault | null): void;
  /** Holds the next request whose path contains `path`: before it has acted, or after, with its answer unsent. */
  hold(match: { method?: string; path: string; when?: 'before' | 'after' }): Held;
  close(): Promise<void>;
};

type Waiting = { method: string | undefined; path: string; when: 'before' | 'after'; arrive: () => void; gate: Promise<'go' | 'drop'> };

/**
 * Starts an HTTP server on loopback that answers `routes` and misbehaves on request. Every exchange is reported to `onTraffic` without its credentials.
 * `before` may answer instead of the route (authentication); `otherwise` answers what no route matches.
 */
export async function startStandIn(options: {
  routes: Routes;
  port?: number | undefined;
  onTraffic?: OnTraffic | undefined;
  before?: ((asked: Asked) => Answered | null) | undefined;
  otherwise?: ((asked: Asked) => Answered) | undefined;
  /** A route that throws: the page or JSON this service shows for a crash. */
  crashed?: ((error: unknown) => Answered) | undefined;
}): Promise<StandIn> {
  const routes = Object.entries(options.routes).map(([pattern, answer]) => ({ matches: compile(pattern), answer }));
  let faults: BackendFault[] = [];
  let holds: Waiting[] = [];

  async function answer(asked: Asked): Promise<Answered> {
    const early = options.before?.(asked);
    if (early) return early;
    for (const route of routes) {
      const params = route.matches(asked.method, asked.path);
      if (params) return await route.answer({ ...asked, params });
    }
    return options.otherwise?.(asked) ?? { status: 404, body: { message: 'Not Found' } };
  }

  async function held(asked: Asked, when: 'before' | 'after'): Promise<'go' | 'drop'> {
    const hold = holds.find((h) => h.when === when && asked.path.includes(h.path) && (h.method ?? asked.method) === asked.method);
    if (!hold) return 'go';
    holds = holds.filter((h) => h !== hold);
    hold.arrive();
    return await hold.gate;
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const began = performance.now();
    const asked = await read(request);
    const report = (status: number, answered: unknown) =>
      options.onTraffic?.({
        direction: 'in',
        what: `${asked.method} ${asked.path}${asked.query.size ? `?${asked.query}` : ''}`,
        body: asked.body,
        answer: answered,
        status,
        ms: Math.round(performance.now() - began),
      });
    const fault = faults.find((f) => asked.path.includes(f.path ?? ''));
    if (fault?.times !== undefined && --fault.times <= 0) faults = faults.filter((f) => f !== fault);
    if (fault?.kind === 'slow') await sleep(fault.ms ?? 5000);
    const drop = () => {
      report(0, 'the connection was cut');
      response.destroy();
    };
    if ((await held(asked, 'before')) === 'drop') return drop();
    const spoilt = fault && misbehave(fault);
    const answered = spoilt ?? (await answer(asked).catch((error: unknown) => options.crashed?.(error) ?? crash(error)));
    if ((await held(asked, 'after')) === 'drop' || fault?.kind === 'lost-reply') return drop();
    if (answered.stream) {
      report(answered.status ?? 200, 'a stream');
      await answered.stream(response);
      return;
    }
    const { bytes, type, seen } = encode(answered);
    const status = answered.status ?? 200;
    response.writeHead(status, { ...(type ? { 'content-type': type } : {}), 'content-length': bytes.byteLength, ...answered.headers });
    response.end(asked.method === 'HEAD' ? undefined : bytes);
    report(status, seen);
  }

  const server = createServer((request, response) => {
    // A client that went away is no fault of the stand-in.
    serve(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, '127.0.0.1', () => resolve());
  });

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    server,
    fault(fault) {
      if (fault === null) faults = [];
      else if (fault.target !== 'slack' && fault.target !== 'claude') faults.push({ ...fault });
    },
    hold(match) {
      let arrive = () => {};
      let open: (how: 'go' | 'drop') => void = () => {};
      const reached = new Promise<void>((resolve) => {
        arrive = resolve;
      });
      const gate = new Promise<'go' | 'drop'>((resolve) => {
        open = resolve;
      });
      const hold: Waiting = { method: match.method, path: match.path, when: match.when ?? 'before', arrive, gate };
      holds.push(hold);
      const end = (how: 'go' | 'drop') => {
        holds = holds.filter((h) => h !== hold);
        open(how);
      };
      return { reached, release: () => end('go'), drop: () => end('drop') };
    },
    async close() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

export const html = (page: string, status = 200): Answered => ({ status, type: 'text/html; charset=utf-8', body: page });

/** Text made safe for a page. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}

function misbehave(fault: BackendFault): Answered | null {
  switch (fault.kind) {
    case 'status': {
      const status = fault.status ?? 500;
      const headers: Record<string, string> = status === 429 || status === 503 ? { 'retry-after': String(Math.ceil((fault.ms ?? 1000) / 1000)) } : {};
      return { status, headers, body: { error_code: `HTTP_${status}`, message: `The stand-in was told to answer ${status}.` } };
    }
    case 'html':
      return html('<html><body><pre>upstream connect error or disconnect/reset before headers</pre></body></html>', fault.status ?? 502);
    case 'empty':
      return { status: fault.status ?? 500 };
    case 'lost-reply':
    case 'slow':
      return null;
    default:
      return fault.kind satisfies never;
  }
}

function crash(error: unknown): Answered {
  return { status: 500, body: { message: error instanceof Error ? error.message : String(error) } };
}

function compile(pattern: string): (method: string, path: string) => Record<string, string> | null {
  const [method, template = ''] = pattern.split(' ');
  const source = template
    .split('/')
    .map((part) =>
      part.startsWith(':') ? `(?<${part.slice(1)}>[^/]+)` : part.startsWith('*') ? `(?<${part.slice(1)}>.*)` : part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'),
    )
    .join('/');
  const shape = new RegExp(`^${source}$`);
  return (asked, path) => {
    const found = asked === method || (asked === 'HEAD' && method === 'GET') ? shape.exec(path) : null;
    return found && Object.fromEntries(Object.entries(found.groups ?? {}).map(([name, value]) => [name, decode(value)]));
  };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

async function read(request: IncomingMessage): Promise<Asked> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const raw = Buffer.concat(chunks);
  const url = new URL(request.url ?? '/', 'http://127.0.0.1');
  const common = { method: request.method ?? 'GET', path: url.pathname, params: {}, query: url.searchParams, headers: request.headers, raw };
  return { ...common, body: readBody(raw, request.headers['content-type'] ?? '') };
}

function readBody(raw: Buffer, type: string): unknown {
  if (raw.length === 0) return null;
  const text = raw.toString('utf8');
  if (type.includes('x-www-form-urlencoded')) return Object.fromEntries(new URLSearchParams(text));
  if (!type.includes('json')) return type.startsWith('text/') ? text : `${raw.length} bytes of ${type || 'unknown type'}`;
  try {
    return parseExactJson(text);
  } catch {
    return text;
  }
}

function encode({ body, type }: Answered): { bytes: Buffer; type: string | undefined; seen: unknown } {
  if (body === undefined) return { bytes: Buffer.alloc(0), type, seen: null };
  if (body instanceof Uint8Array) return { bytes: Buffer.from(body), type, seen: `${body.byteLength} bytes of ${type ?? 'unknown type'}` };
  if (typeof body === 'string') return { bytes: Buffer.from(body), type: type ?? 'text/plain; charset=utf-8', seen: body.slice(0, 2000) };
  const text = exactJson(body);
  return { bytes: Buffer.from(text), type: type ?? 'application/json; charset=utf-8', seen: parseExactJson(text) };
}
