import { randomUUID } from 'node:crypto';
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocket, WebSocketServer } from 'ws';
import type { Ack, Envelope, Transport } from './deliver.ts';
import { app } from './seed.ts';
import type { SlackTraffic } from './slack-traffic.ts';
import type { Json } from './world.ts';

export type SocketMode = Transport & {
  /** The address that apps.connections.open hands out; each may be used once. */
  open(): string;
  /** Asks the app to renew its oldest connection, as Slack does every few hours. */
  refresh(): void;
  /** Cuts every connection without a word. */
  drop(): void;
  connections(): number;
  close(): void;
};

type Pending = { socket: WebSocket; settle(ack: Ack): void };

/** Slack's side of Socket Mode on the stand-in's own HTTP server. */
export function startSocketMode(server: Server, origin: () => string, onTraffic: SlackTraffic): SocketMode {
  const sockets = new WebSocketServer({ noServer: true });
  const tickets = new Set<string>();
  const live: WebSocket[] = [];
  const pending = new Map<string, Pending>();
  const awaiting = new Set<() => void>();
  let turn = 0;

  const upgrade = (request: IncomingMessage, stream: Duplex, head: Buffer) => {
    const ticket = new URL(request.url ?? '/', 'http://127.0.0.1').searchParams.get('ticket') ?? '';
    if (!tickets.delete(ticket)) return stream.destroy();
    sockets.handleUpgrade(request, stream, head, (socket) => join(socket));
  };
  server.on('upgrade', upgrade);

  function join(socket: WebSocket) {
    live.push(socket);
    socket.on('message', (data) => heard(String(data)));
    socket.on('error', () => socket.terminate());
    socket.on('close', () => {
      leave(socket);
      for (const p of pending.values()) if (p.socket === socket) p.settle({ ok: false, why: 'connection_failed' });
    });
    // Once the client has seen a server ping it expects one at least every 30 s.
    const ping = setInterval(() => socket.ping(), 10_000).unref();
    socket.on('close', () => clearInterval(ping));
    say(socket, { type: 'hello', num_connections: live.length, connection_info: { app_id: app.id }, debug_info: { host: 'sandbox' } });
    for (const wake of [...awaiting]) wake();
  }

  function heard(text: string) {
    const ack = parse(text);
    const id = ack?.['envelope_id'];
    if (typeof id === 'string') pending.get(id)?.settle({ ok: true, body: bodyOf(ack?.['payload']) });
  }

  function leave(socket: WebSocket) {
    const at = live.indexOf(socket);
    if (at >= 0) live.splice(at, 1);
  }

  function connection(withinMs: number): Promise<WebSocket | null> {
    const free = live.filter((s) => s.readyState === WebSocket.OPEN);
    turn += 1;
    if (free.length > 0) return Promise.resolve(free[turn % free.length] ?? null);
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        awaiting.delete(done);
        resolve(live.at(-1) ?? null);
      };
      const timer = setTimeout(done, withinMs);
      awaiting.add(done);
    });
  }

  async function send(envelope: Envelope, withinMs: number): Promise<Ack> {
    const began = Date.now();
    const socket = await connection(withinMs);
    const ack = socket
      ? await exchange(socket, envelope, Math.max(0, withinMs - (Date.now() - began)))
      : { ok: false as const, why: 'connection_failed' as const };
    onTraffic({ direction: 'out', what: `socket ${envelope.type}`, body: envelope, answer: ack, status: ack.ok ? 200 : 0, ms: Date.now() - began });
    return ack;
  }

  function exchange(socket: WebSocket, envelope: Envelope, withinMs: number): Promise<Ack> {
    const id = randomUUID();
    return new Promise((resolve) => {
      const settle = (ack: Ack) => {
        clearTimeout(timer);
        pending.delete(id);
        resolve(ack);
      };
      const timer = setTimeout(() => settle({ ok: false, why: 'http_timeout' }), withinMs);
      pending.set(id, { socket, settle });
      say(socket, {
        envelope_id: id,
        type: envelope.type,
        payload: envelope.payload,
        accepts_response_payload: envelope.type !== 'events_api',
        ...(envelope.retry ? { retry_attempt: envelope.retry.num, retry_reason: envelope.retry.reason } : {}),
      });
    });
  }

  return {
    send,
    open() {
      const ticket = randomUUID();
      tickets.add(ticket);
      return `${origin().replace(/^http/, 'ws')}/link/?ticket=${ticket}&app_id=${app.id}`;
    },
    refresh() {
      const oldest = live[0];
      if (!oldest) return;
      leave(oldest);
      say(oldest, { type: 'disconnect', reason: 'refresh_requested', debug_info: { host: 'sandbox' } });
    },
    drop() {
      for (const socket of [...live]) socket.terminate();
    },
    connections: () => live.length,
    close() {
      server.off('upgrade', upgrade);
      for (const wake of [...awaiting]) wake();
      for (const socket of sockets.clients) socket.terminate();
      sockets.close();
    },
  };
}

function say(socket: WebSocket, message: Json): void {
  if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
}

/** Bolt wraps a text ack as {text} and sends {} for an empty one. */
function bodyOf(payload: unknown): unknown {
  if (typeof payload !== 'object' || payload === null || Object.keys(payload).length === 0) return null;
  return payload;
}

function parse(text: string): Json | null {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return null;
  }
}
