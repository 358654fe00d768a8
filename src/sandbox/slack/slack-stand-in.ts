import type { Act, Fault } from '../control-types.ts';
import { type Answered, type Asked, html, type StandIn, startStandIn } from '../stand-in.ts';
import { type Acted, act } from './act.ts';
import { archivePage } from './archive-page.ts';
import { createDelivery, type DeliveryTimes, slackTimes } from './deliver.ts';
import { eventCallback } from './events.ts';
import { createHttpMode } from './http-mode.ts';
import type { Installed } from './methods/method.ts';
import { respond } from './response-url.ts';
import { createSlackFaults } from './slack-faults.ts';
import { type SlackTraffic, withoutSecrets } from './slack-traffic.ts';
import { startSocketMode } from './socket-mode.ts';
import { createTickets } from './tickets.ts';
import { argumentsOf, callMethod } from './web-api.ts';
import { openWorld, type World } from './world.ts';

export type SlackOptions = {
  mode: 'socket' | 'http';
  signingSecret: string;
  /** HTTP mode: where the product listens, its POST /slack/events. */
  eventsUrl?: string | undefined;
  botToken: string;
  appToken: string;
  dataDir?: string | undefined;
  port?: number | undefined;
  onTraffic?: SlackTraffic | undefined;
  /** Shorter than Slack's own only where a test must not wait. */
  times?: DeliveryTimes | undefined;
  now?: (() => number) | undefined;
};

export type SlackStandIn = {
  /** What SLACK_API_URL is set to; ends with /api/. */
  url: string;
  origin: string;
  world: World;
  act(what: Act): Promise<Acted>;
  fault(fault: Fault | null): void;
  /** Adds a listener; gives the function that takes it away again. */
  onTraffic(listener: SlackTraffic): () => void;
  /** From now on Socket Mode's address is given as there, for whoever cannot reach it under its own. */
  socketsAt(origin: string): void;
  /** Live Socket Mode connections. */
  connections(): number;
  hold: StandIn['hold'];
  /** The app as it is installed; may be changed. */
  installed: Installed;
  /** Sends the app an event of Slack's own, such as tokens_revoked. */
  emit(event: Record<string, unknown>): void;
  /** Back to the seed: no message, no modal, no fault. */
  reset(): void;
  close(): Promise<void>;
};

/** Reads the app's manifest, as one made at api.slack.com/apps does. */
export const CONFIG_TOKEN = 'xoxe-sandbox-config';

/** Starts a workspace on loopback that speaks Slack's protocols: the Web API, and Socket Mode or signed HTTP requests. */
export async function startSlackStandIn(options: SlackOptions): Promise<SlackStandIn> {
  const listeners = new Set<SlackTraffic>(options.onTraffic ? [options.onTraffic] : []);
  const report = withoutSecrets((seen) => {
    for (const listener of listeners) listener(seen);
  });
  const world = openWorld({ dataDir: options.dataDir, now: options.now });
  const tickets = createTickets(options.now ?? Date.now);
  const faults = createSlackFaults();
  const tokens = { bot: options.botToken, app: options.appToken, config: CONFIG_TOKEN };
  const installed: Installed = { scopes: null, manifest: null, revoked: false };
  let origin = '';
  let socketOrigin = '';

  const api = (asked: Asked): Promise<Answered> => {
    const method = asked.params['method'] ?? '';
    const socketUrl = () => socket?.open() ?? null;
    return faults.around(method, argumentsOf(asked) ?? {}, () =>
      callMethod(method, asked, tokens, { world, tickets, emit, origin: () => origin, socketUrl, installed }),
    );
  };
  const server = await startStandIn({
    port: options.port,
    onTraffic: report,
    routes: {
      'POST /api/:method': api,
      'GET /api/:method': api,
      'POST /response/:id': (asked) => respond(asked.params['id'] ?? '', asked, { world, tickets, emit }),
      'POST /upload/:id': (asked) => upload(world, asked),
      'GET /files/:id': (asked) => download(world, asked),
      'GET /files/:id/:name': (asked) => download(world, asked),
      'GET /archives/:channel/:message': (asked) => html(archivePage(world, asked.params['channel'] ?? '', asked.params['message'] ?? '')),
    },
  });
  origin = server.url;
  socketOrigin = origin;

  const socket = options.mode === 'socket' ? startSocketMode(server.server, () => socketOrigin, report) : null;
  const transport = socket ?? createHttpMode(options.eventsUrl ?? '', options.signingSecret, report, options.now);
  const delivery = createDelivery(transport, options.times ?? slackTimes);
  function emit(event: Record<string, unknown>): void {
    void delivery.event(eventCallback(world, event));
  }

  return {
    url: `${origin}/api/`,
    origin,
    world,
    act: (what) => act({ world, tickets, delivery, emit, origin: () => origin }, what),
    socketsAt: (at) => {
      socketOrigin = at;
    },
    fault(fault) {
      if (fault === null) faults.heal();
      else if (fault.target !== 'slack') return;
      else if (fault.kind === 'drop-socket') socket?.drop();
      else if (fault.kind === 'refresh') socket?.refresh();
      else if (fault.kind === 'redeliver') delivery.duplicate(fault.times ?? 1, fault.copies);
      else faults.add(fault);
    },
    onTraffic(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    connections: () => socket?.connections() ?? 0,
    hold: server.hold,
    installed,
    emit,
    reset() {
      faults.heal();
      world.reset();
    },
    async close() {
      delivery.close();
      socket?.close();
      world.close();
      await server.close();
    },
  };
}

async function upload(world: World, asked: Asked): Promise<Answered> {
  const file = world.data.files.find((f) => f.id === asked.params['id']);
  if (!file) return { status: 404, body: 'file_not_found' };
  const bytes = await uploadedBytes(asked);
  if (!bytes || bytes.byteLength !== file.size) return { status: 400, body: 'the bytes are not as many as announced' };
  file.base64 = bytes.toString('base64');
  return { body: `OK - ${file.size}` };
}

/** The official client sends a form with one part; others send the bytes alone. */
async function uploadedBytes(asked: Asked): Promise<Buffer | null> {
  const type = asked.headers['content-type'] ?? '';
  if (!type.includes('multipart/form-data')) return asked.raw;
  const form = await new Response(new Uint8Array(asked.raw), { headers: { 'content-type': type } }).formData();
  const part = [...form.values()].find((value) => typeof value !== 'string');
  return part ? Buffer.from(await part.arrayBuffer()) : null;
}

function download(world: World, asked: Asked): Answered {
  const file = world.data.files.find((f) => f.id === asked.params['id'] && f.base64 !== '');
  return file ? { type: file.mimetype, body: Buffer.from(file.base64, 'base64') } : { status: 404, body: 'file_not_found' };
}
