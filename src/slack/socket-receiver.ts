import { type App, type Logger, type Receiver, type ReceiverEvent, SocketModeReceiver } from '@slack/bolt';
import type { People } from '../runtime/people.ts';
import { within } from '../within.ts';
import { type Acked, counted } from './counted.ts';
import type { Log } from './log.ts';

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
