import type { IncomingMessage, ServerResponse } from 'node:http';
import { type App, HTTPReceiver, isValidSlackRequest, type Logger, type Receiver, type ReceiverEvent, SocketModeReceiver } from '@slack/bolt';
import type { People } from '../runtime/people.ts';
import { within } from '../within.ts';
import type { Log } from './log.ts';

/** Slack's clock may run ahead of ours by this much. */
const AHEAD_S = 60;
const MOST_BYTES = 4 * 1024 * 1024;

/** HTTP: Bolt's receiver, answering only after the listener is done, with a guard in front of it. */
export function httpReceiver({
  signingSecret,
  port,
  logger,
  other,
  people,
  acked,
}: {
  signingSecret: string;
  port: number;
  logger: Logger;
  other?: Other | undefined;
  people: People;
  acked: Acked;
}): HTTPReceiver {
  const receiver = new HTTPReceiver({ signingSecret, port, logger, endpoints: ['/slack/events'], processBeforeResponse: true });
  const init = receiver.init.bind(receiver);
  receiver.init = (app) => init({ processEvent: counted({ people, acked }, (event) => app.processEvent(event)) } as App);
  const bolt = receiver.requestListener;
  receiver.requestListener = (req, res) => {
    if (other?.(req, res)) return;
    guard(signingSecret, req)
      .then((status) => (status === null ? bolt(req, res) : res.writeHead(status, { connection: 'close' }).end()))
      .catch(() => res.writeHead(404).end());
  };
  return receiver;
}

/** Is told of each delivery how long it waited for its acknowledgement; false: it was left to Slack to send again. */
export type Acked = (kind: string, ms: number, ok: boolean) => void;

/**
 * Whoever sent this waits until it is handled, as acknowledging is the last thing that is done. Only what is known to be Slack's gets so far: what anybody may send must
 * not hold up work.
 */
function counted(
  { people, acked }: { people: People; acked: Acked },
  handle: (event: ReceiverEvent) => Promise<void>,
): (event: ReceiverEvent) => Promise<void> {
  return async (event) => {
    const began = performance.now();
    const leaves = people.comes();
    let ok = false;
    try {
      await handle(event);
      ok = true;
    } finally {
      leaves();
      acked(kindOf(event.body), performance.now() - began, ok);
    }
  };
}

function kindOf(body: ReceiverEvent['body']): string {
  if ('command' in body) return 'command';
  return body['type'] === 'event_callback' ? 'event' : String(body['type']);
}

/** Takes requests that are not Slack's; true where it did. */
export type Other = (req: IncomingMessage, res: ServerResponse) => boolean;

/**
 * The status that answers what Bolt must not see, or null. Bolt takes any signed timestamp of the future, and a signed body that parses to null ends its process.
 * The body is read here; Bolt takes it from `rawBody`.
 */
async function guard(signingSecret: string, req: IncomingMessage): Promise<number | null> {
  const at = Number(req.headers['x-slack-request-timestamp']);
  if (at > Date.now() / 1000 + AHEAD_S) return 401;
  const raw = await bodyOf(req);
  if (!raw) return 413;
  (req as IncomingMessage & { rawBody: Buffer }).rawBody = raw;
  const body = raw.toString();
  if (isObject(payloadOf(body, req.headers['content-type']))) return null;
  const signature = req.headers['x-slack-signature'];
  const headers = { 'x-slack-signature': typeof signature === 'string' ? signature : '', 'x-slack-request-timestamp': at };
  return isValidSlackRequest({ signingSecret, body, headers }) ? 400 : 401;
}

/** Null: longer than anything Slack sends. An iterator would cost a command as much as Bolt's check of its signature. */
function bodyOf(req: IncomingMessage): Promise<Buffer | null> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    req.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > MOST_BYTES) resolve(null);
      else chunks.push(chunk);
    });
    let whole = false;
    req.on('end', () => {
      whole = true;
      resolve(Buffer.concat(chunks));
    });
    req.on('error', reject);
    // Every request closes: an error is made only where it says something.
    req.on('close', () => whole || reject(new Error('it broke off')));
  });
}

function payloadOf(body: string, contentType: string | undefined): unknown {
  try {
    if (!contentType?.startsWith('application/x-www-form-urlencoded')) return JSON.parse(body);
    // A command has none, and need not be taken apart twice.
    if (!body.includes('payload=')) return {};
    const payload = new URLSearchParams(body).get('payload');
    return payload === null ? {} : JSON.parse(payload);
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export type SocketOptions = {
  appToken: string;
  apiUrl?: string | undefined;
  logger: Logger;
  log: Log;
  connections: number;
  /** Leads WebSockets and requests another way, such as through a proxy. */
  dispatcher?: { dispatch(options: unknown, handler: unknown): boolean } | undefined;
  people: People;
  acked: Acked;
  times?: Partial<Times> | undefined;
};

/** In ms. */
type Times = {
  /** Until a line that does not come about is dropped. */
  openWithin: number;
  /** Until one that was refused is opened again. */
  again: number;
  /** Until a line without an answer to a ping is renewed; the client waits longer by this at each try. */
  ping: number;
  /** But never longer than this. */
  longest: number;
};
const TIMES: Times = { openWithin: 10_000, again: 5_000, ping: 2_000, longest: 10_000 };

/**
 * Socket Mode, with two connections by default: Slack renews each every few hours, and a connection that renews is deaf for a while. Bolt acknowledges an event
 * before its listener runs; here the acknowledgement is held until the listener has stored it.
 */
export class StoreThenAckReceiver implements Receiver {
  readonly #lines: SocketModeReceiver[];
  readonly #log: Log;
  readonly #tell: { people: People; acked: Acked };
  readonly #times: Times;
  #stopping = false;
  #connected = new Set<SocketModeReceiver>();

  constructor({ appToken, apiUrl, logger, log, connections, dispatcher, people, acked, times }: SocketOptions) {
    this.#log = log;
    this.#tell = { people, acked };
    this.#times = { ...TIMES, ...times };
    this.#lines = Array.from({ length: connections }, () => {
      // Each its own copy: the client writes into what it is given. Reconnecting is tried for ever; a start has its own limit.
      const clientOptions = {
        ...(apiUrl ? { slackApiUrl: apiUrl } : {}),
        retryConfig: { forever: true, minTimeout: 300, maxTimeout: 5_000, factor: 1.5 },
        timeout: 5_000,
      };
      // The ping timeout is also how long a dropped connection stays deaf before it reconnects.
      return new SocketModeReceiver({
        appToken,
        clientPingTimeout: this.#times.ping,
        logger,
        installerOptions: { clientOptions },
        ...(dispatcher ? { dispatcher } : {}),
      });
    });
    for (const line of this.#lines) {
      line.client.on('connected', () => this.#connected.add(line));
      for (const gone of ['close', 'reconnecting', 'disconnected']) line.client.on(gone, () => this.#connected.delete(line));
      this.#openSoon(line);
      this.#neverLonger(line);
    }
  }

  init(app: App): void {
    const processEvent = async (event: ReceiverEvent) => {
      if (event.body['type'] !== 'event_callback') return app.processEvent(event);
      let acknowledged = false;
      await app.processEvent({
        ...event,
        ack: async () => {
          acknowledged = true;
        },
      });
      // A listener that threw has not stored the event: without an acknowledgement Slack sends it again.
      if (acknowledged) await event.ack();
    };
    for (const line of this.#lines) line.init({ processEvent: counted(this.#tell, processEvent) } as App);
  }

  /** Resolves when the first connection stands; the others follow. */
  async start(): Promise<unknown> {
    const starts = this.#lines.map((line) => line.start());
    for (const line of this.#lines) this.#surviveRefusals(line);
    for (const [i, line] of this.#lines.entries())
      starts[i]?.catch((error: unknown) => {
        this.#log.error({ connection: i, why: String(error) }, 'a Socket Mode connection could not be opened; trying again');
        void this.#later(() => line.client.start());
      });
    return Promise.any(starts);
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    // A line that is between two connections never says that it stopped.
    await within(1_000, Promise.all(this.#lines.map((line) => line.stop())), () => {});
  }

  connected(): boolean {
    return this.#connected.size > 0;
  }

  /** The client calls both from timers and drops their promises: a refusal there would end the process. */
  #surviveRefusals({ client }: SocketModeReceiver): void {
    client.start = this.#untilDone(client.start.bind(client));
    client['retrieveWSSURL'] = this.#untilDone(client['retrieveWSSURL'].bind(client));
  }

  #untilDone<T>(work: () => Promise<T>): () => Promise<T> {
    const attempt = (): Promise<T> =>
      work().catch((error: unknown) => {
        if (!this.#stopping) this.#log.error({ why: String(error) }, 'Slack refuses the Socket Mode connection; trying again');
        return this.#later(attempt);
      });
    return attempt;
  }

  /** The client waits longer at each "no" that comes with HTTP 200, without an end: after hours of trouble it would be deaf for minutes. */
  #neverLonger({ client }: SocketModeReceiver): void {
    const delay = client['delayReconnectAttempt'].bind(client);
    const most = Math.max(1, Math.floor(this.#times.longest / this.#times.ping));
    client['delayReconnectAttempt'] = (again: () => Promise<unknown>) => {
      client['numOfConsecutiveReconnectionFailures'] = Math.min(client['numOfConsecutiveReconnectionFailures'], most - 1);
      return delay(again);
    };
  }

  /** Never, where it is stopped meanwhile. */
  #later<T>(work: () => Promise<T>): Promise<T> {
    return new Promise((resolve) => {
      setTimeout(() => (this.#stopping ? undefined : resolve(work())), this.#times.again).unref();
    });
  }

  /**
   * A network that swallows the handshake would leave the line deaf for the five minutes that the WebSocket waits for an answer. The WebSocket itself is closed: told to
   * disconnect before it is open, the client's wrapper says `close` a second time 30 s later, which counts as the end of the line that has taken its place.
   */
  #openSoon({ client }: SocketModeReceiver): void {
    let opening: NodeJS.Timeout | undefined;
    client.on('connecting', () => {
      clearTimeout(opening);
      opening = setTimeout(() => client.websocket?.['websocket']?.close(), this.#times.openWithin).unref();
    });
    for (const over of ['connected', 'close', 'disconnecting']) client.on(over, () => clearTimeout(opening));
  }
}
