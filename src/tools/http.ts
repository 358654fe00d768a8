import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import type { DoorWatch } from '../session/door.ts';
import type { Principal } from './door.ts';
import { admit, type HttpAccess, whyNotOpen } from './http-guard.ts';
import { watchRequests } from './watch-requests.ts';

export type HttpOptions = HttpAccess & {
  /** 0: any free port. */
  port: number;
  /** A server for one client's connection. */
  serverFor(principal: Principal): McpServer;
  failed(error: unknown): void;
  /** Is told of every request, and of those that are turned away at the door. */
  watch?: { request: DoorWatch; refused(status: number): void } | undefined;
};

/** A client's connection, not a session of ours: nothing is lost when it goes, and the client comes again. */
type Connection = { transport: StreamableHTTPServerTransport; server: McpServer; principal: Principal; usedAt: number; busy: number };

const PATH = '/mcp';
const IDLE_MS = 30 * 60_000;
const MOST_CONNECTIONS = 500;

/** The tools over Streamable HTTP. Throws a sentence where it would stand open to others. */
export async function serveHttp(options: HttpOptions): Promise<{ url: string; connected(): number; close(): Promise<void> }> {
  const [why] = whyNotOpen(options);
  if (why) throw new Error(why);
  const connections = new Map<string, Connection>();

  const http = createServer((request, response) => {
    answer(request, response, options, connections).catch((error: unknown) => {
      options.failed(error);
      if (!response.headersSent) refuse(response, 500, 'Something went wrong on this side; the operator finds it in the log.');
      else response.end();
    });
  });
  const sweep = setInterval(() => dropIdle(connections, Date.now() - IDLE_MS), 60_000).unref();
  await new Promise<void>((resolve, reject) => {
    http.once('error', (cause: NodeJS.ErrnoException) =>
      reject(
        new Error(
          `MCP_HTTP_PORT ${options.port} on ${options.host} cannot be opened (${cause.code}): choose another with MCP_HTTP_PORT, or MCP_HTTP_HOST where that is no address of this machine.`,
          { cause },
        ),
      ),
    );
    http.listen(options.port, options.host, resolve);
  });
  const address = http.address();
  const port = typeof address === 'object' && address ? address.port : options.port;
  return {
    url: `http://${options.host.includes(':') ? `[${options.host}]` : options.host}:${port}${PATH}`,
    connected: () => connections.size,
    async close() {
      clearInterval(sweep);
      const closed = new Promise((resolve) => http.close(resolve));
      for (const { server } of connections.values()) await server.close().catch(() => {});
      http.closeAllConnections();
      await closed;
    },
  };
}

async function answer(request: IncomingMessage, response: ServerResponse, options: HttpOptions, connections: Map<string, Connection>): Promise<void> {
  const admitted = admit(request, options);
  if (!admitted.ok) {
    options.watch?.refused(admitted.status);
    if (admitted.status === 401) response.setHeader('WWW-Authenticate', 'Bearer realm="labmate"');
    return refuse(response, admitted.status, admitted.why);
  }
  if (pathOf(request) !== PATH) return refuse(response, 404, `There is only ${PATH} here.`);
  const { principal } = admitted;
  const id = request.headers['mcp-session-id'];
  const known = typeof id === 'string' ? connections.get(id) : undefined;
  // Another principal's connection is answered like one that never was.
  if (id !== undefined && (!known || !isSame(known.principal, principal))) return refuse(response, 404, 'Session not found; initialize anew.', -32001);
  const connection = known ?? (await open(principal, options, connections));
  connection.usedAt = Date.now();
  connection.busy += 1;
  response.once('close', () => {
    connection.busy -= 1;
    connection.usedAt = Date.now();
  });
  await connection.transport.handleRequest(request, response);
  // Not an initialization: the transport has said so, and nothing remembers it.
  if (!known && connection.transport.sessionId === undefined) await connection.server.close();
}

async function open(principal: Principal, { serverFor, watch }: HttpOptions, connections: Map<string, Connection>): Promise<Connection> {
  const transport = new StreamableHTTPServerTransport({
    sessionIdGenerator: randomUUID,
    onsessioninitialized: (id) => {
      if (connections.size >= MOST_CONNECTIONS) dropOldest(connections);
      connections.set(id, connection);
    },
    onsessionclosed: (id) => {
      connections.delete(id);
    },
  });
  const connection: Connection = { transport, server: serverFor(principal), principal, usedAt: Date.now(), busy: 0 };
  // The SDK's own types disagree under exactOptionalPropertyTypes.
  await connection.server.connect(transport as Parameters<McpServer['connect']>[0]);
  if (watch) watchRequests(transport, watch.request);
  return connection;
}

function dropIdle(connections: Map<string, Connection>, before: number): void {
  for (const [id, connection] of connections) if (connection.usedAt < before && connection.busy === 0) drop(connections, id, connection);
}

function dropOldest(connections: Map<string, Connection>): void {
  const [oldest] = [...connections].sort(([, a], [, b]) => Math.sign(a.busy) - Math.sign(b.busy) || a.usedAt - b.usedAt);
  if (oldest) drop(connections, ...oldest);
}

function drop(connections: Map<string, Connection>, id: string, { server }: Connection): void {
  connections.delete(id);
  void server.close().catch(() => {});
}

/** Not resolved: one that begins with `//` would name a host, or none that there can be. */
function pathOf({ url = '/' }: IncomingMessage): string | undefined {
  return url.replace(/^https?:\/\/[^/?]*/i, '').split('?')[0];
}

function isSame(a: Principal, b: Principal): boolean {
  return a.name === b.name && a.scope === b.scope;
}

function refuse(response: ServerResponse, status: number, message: string, code = -32000): void {
  response.writeHead(status, { 'Content-Type': 'application/json' });
  response.end(JSON.stringify({ jsonrpc: '2.0', error: { code, message }, id: null }));
}
