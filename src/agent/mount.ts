import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { ErrorCode, McpError, ToolListChangedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';
import { visible } from '../policy/outside-text.ts';
import { type Definition, readDefinition } from '../tools/foreign-definition.ts';
import { MountFailure } from '../tools/mounted-tool.ts';
import { version } from '../version.ts';
import { within } from '../within.ts';

/** One server of mcpServers, with what mounts says of it. */
export type MountedServer = {
  /** As labmate.json calls it. */
  name: string;
  /** As its tools' names have it. */
  key: string;
  address:
    | { is: 'stdio'; command: string; args: readonly string[]; env: Readonly<Record<string, string>>; cwd?: string }
    | { is: 'http' | 'sse'; url: string; headers: Readonly<Record<string, string>> };
  trusted: boolean;
  timeoutMs: number;
  oauth?: { issuer: string; clientId: string; scope?: string } & ({ clientSecret: string } | { privateKey: string; algorithm: string });
};

/** What a server offers: what it listed, and what of it was no tool, in words. */
export type Offer = { tools: readonly Definition[]; unread: readonly string[] };

/** A connection to one server, made when it is needed, kept, and made anew when it is lost. */
export type Mount = {
  server: MountedServer;
  /** What it offers now: listed at connecting, and again when it says so or a minute has passed. Throws MountFailure `away`. */
  offer(): Promise<Offer>;
  /** Sends a call, once. Throws MountFailure. */
  call(tool: string, args: Record<string, unknown>, signal: AbortSignal): Promise<unknown>;
  /** Is there anybody? No connection is made. */
  connected(): boolean;
  close(): Promise<void>;
};

/** A child may have to be installed first by the command that starts it. */
const START_MS = { stdio: 30_000, http: 10_000, sse: 10_000 } as const;
const LIST_MS = 10_000;
const PING_MS = 3_000;
/** An answer younger than this needs no proof of life. */
const FRESH_MS = 5_000;
const LIST_AGAIN_MS = 60_000;
const MOST_PAGES = 20;
const MOST_TOOLS = 200;
const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 60_000;

const NOTHING: Offer = { tools: [], unread: [] };

type Connection = { client: Client; offer: Offer; listedAt: number; heardAt: number; stale: boolean /** Calls on their way. */; busy: number };
type Deps = {
  now: () => number;
  /** The server says that its list has changed. */
  changed: () => void;
  /** What a child writes on stderr. */
  said: (line: string) => void;
  /** It writes far more than anybody can want, and is read more slowly. */
  crowded: () => void;
};

const pageSchema = z.looseObject({ tools: z.array(z.unknown()), nextCursor: z.string().optional() });
/** Read by ourselves afterwards: what happened must not look failed because a word of the answer is odd. */
const anySchema = z.looseObject({});

export function makeMount(server: MountedServer, { now, changed, said, crowded }: Deps): Mount {
  let connection: Connection | null = null;
  let working: Promise<Connection> | null = null;
  let failures = 0;
  let notBefore = 0;
  let lastWhy = '';
  let closed = false;

  async function open(): Promise<Connection> {
    if (closed) throw new MountFailure(`The MCP server ${server.name} is not used any more.`, { is: 'away' });
    if (now() < notBefore) throw new MountFailure(lastWhy, { is: 'away' });
    // Loaded by whoever mounts something.
    const { transportTo } = await import('./mount-transport.ts');
    let lastWords = '';
    const heard = (line: string) => {
      lastWords = line;
      said(line);
    };
    const transport = transportTo(server, { said: heard, crowded });
    // Nothing is offered to it: no sampling, no roots, no questions to people.
    const client = new Client({ name: 'labmate', version: version() }, { capabilities: {} });
    try {
      const limit = START_MS[server.address.is];
      await within(limit, client.connect(transport, { timeout: limit }), () => {
        throw new Error('it did not answer in time');
      });
      const made: Connection = { client, offer: NOTHING, listedAt: 0, heardAt: 0, stale: false, busy: 0 };
      client.onclose = () => {
        if (connection === made) connection = null;
      };
      client.setNotificationHandler(ToolListChangedNotificationSchema, () => {
        made.stale = true;
        changed();
      });
      made.offer = await list(client);
      made.listedAt = made.heardAt = now();
      failures = 0;
      if (closed) throw new Error('closed meanwhile');
      connection = made;
      return made;
    } catch (error) {
      void client.close().catch(() => {});
      void transport.close().catch(() => {});
      failures += 1;
      notBefore = now() + Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (failures - 1));
      const words = visible(lastWords.trim().split('\n').at(-1) ?? '').slice(0, 300);
      lastWhy = `The MCP server ${server.name} can't be reached: ${inWords(error)}${words ? ` Its last words: ${JSON.stringify(words)}.` : ''}`;
      throw new MountFailure(lastWhy, { is: 'away', cause: error });
    }
  }

  async function list(client: Client): Promise<Offer> {
    if (!client.getServerCapabilities()?.tools) return NOTHING;
    const tools: Definition[] = [];
    const unread: string[] = [];
    let cursor: string | undefined;
    for (let page = 0; page < MOST_PAGES; page++) {
      // Not the SDK's own listTools: it compiles the server's schemas, and one that can't be compiled would hide all.
      const params = cursor === undefined ? {} : { cursor };
      const { tools: listed, nextCursor } = await client.request({ method: 'tools/list', params }, pageSchema, { timeout: LIST_MS });
      for (const given of listed) {
        const read = readDefinition(given);
        if ('why' in read) unread.push(read.why);
        else if (tools.some((t) => t.name === read.definition.name)) unread.push(`${JSON.stringify(read.definition.name)} a second time`);
        else if (tools.length >= MOST_TOOLS) unread.push(`more than ${MOST_TOOLS} tools`);
        else tools.push(read.definition);
      }
      if (nextCursor === undefined || nextCursor === cursor || unread.length > MOST_TOOLS) break;
      cursor = nextCursor;
    }
    return { tools, unread: [...new Set(unread)].slice(0, MOST_TOOLS) };
  }

  async function current(): Promise<Connection> {
    const had = connection;
    if (!had || !(await isAlive(had))) return open();
    if (had.stale || now() - had.listedAt > LIST_AGAIN_MS) {
      had.stale = false;
      had.offer = await list(had.client).catch((cause: unknown) => {
        had.stale = true;
        throw new MountFailure(`The MCP server ${server.name} does not say what it offers: ${inWords(cause)}`, { is: 'away', cause });
      });
      had.listedAt = had.heardAt = now();
    }
    return had;
  }

  /** A child that hangs and a server that was started anew both look connected until they are asked. */
  async function isAlive(had: Connection): Promise<boolean> {
    if (now() - had.heardAt < FRESH_MS) return true;
    // One that does a single thing at a time answers nothing beside a long call, and closing would lose that call. It is doubted once a call got no answer.
    if (had.busy > 0 && had.heardAt > 0) return true;
    try {
      await had.client.request({ method: 'ping' }, anySchema, { timeout: PING_MS });
    } catch (error) {
      // One that does not know the word has answered.
      if (!isAnswer(error)) {
        if (connection === had) connection = null;
        // It may take its time to end; nobody waits for that.
        void had.client.close().catch(() => {});
        return false;
      }
    }
    had.heardAt = now();
    return true;
  }

  const ready = () => {
    working ??= current().finally(() => {
      working = null;
    });
    return working;
  };

  return {
    server,
    connected: () => connection !== null,
    offer: async () => (await ready()).offer,
    async call(tool, args, signal) {
      const { timeoutMs, name } = server;
      const on = await ready();
      on.busy += 1;
      try {
        const params = { name: tool, arguments: args };
        const result = await on.client.request({ method: 'tools/call', params }, anySchema, { signal, timeout: timeoutMs, maxTotalTimeout: timeoutMs });
        on.heardAt = now();
        return result;
      } catch (error) {
        if (isAnswer(error)) throw new MountFailure((error as Error).message.replace(/^MCP error -?\d+: /, ''), { is: 'answered', cause: error });
        // The connection stays, as others may be using it; whoever is next asks first whether there is somebody.
        on.heardAt = 0;
        const status = httpStatus(error);
        if (status >= 400 && status < 500 && status !== 408)
          throw new MountFailure(`The MCP server ${name} refused the request (HTTP ${status}).`, { is: 'refused', cause: error });
        throw new MountFailure(`The MCP server ${name} gave no answer: ${inWords(error)}`, { is: 'away', cause: error });
      } finally {
        on.busy -= 1;
      }
    },
    async close() {
      closed = true;
      const had = connection;
      connection = null;
      await had?.client.close().catch(() => {});
    },
  };
}

/** An error in the protocol's own words is an answer; a lost connection and a limit of ours come in the same clothes. */
function isAnswer(error: unknown): boolean {
  return error instanceof McpError && error.code !== ErrorCode.ConnectionClosed && error.code !== ErrorCode.RequestTimeout;
}

/** The transports put the status of an HTTP answer where others have words or the protocol's negative numbers. */
function httpStatus(error: unknown): number {
  const { code } = error as { code?: unknown };
  return typeof code === 'number' && code >= 100 && code < 600 ? code : 0;
}

function inWords(error: unknown): string {
  const { code, message, cause } = error as { code?: unknown; message?: string; cause?: { code?: unknown } };
  if (code === 'ENOENT') return 'its command is not installed here.';
  if (cause?.code === 'ECONNREFUSED') return 'nobody listens there.';
  if (code === ErrorCode.RequestTimeout || (error as Error).name === 'TimeoutError') return 'it did not answer in time.';
  if (code === ErrorCode.ConnectionClosed) return 'it ended, or closed the connection.';
  return `${visible((message ?? String(error)).replace(/\s+/g, ' ').slice(0, 300))}.`.replace(/\.\.$/, '.');
}
