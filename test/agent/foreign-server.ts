import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { CallToolRequestSchema, ListToolsRequestSchema } from '@modelcontextprotocol/sdk/types.js';

/** A server of somebody else: what it lists and answers is anything a test wants, in the real protocol. */
export type Foreign = {
  tools: Record<string, unknown>[];
  answer(name: string, args: Record<string, unknown>): unknown;
  /** Over HTTP: no request is looked at before this. */
  busy?: Promise<unknown>;
};

export function foreignServer(it: Foreign): Server {
  const server = new Server({ name: 'foreign', version: '1' }, { capabilities: { tools: { listChanged: true } } });
  server.setRequestHandler(ListToolsRequestSchema, () => ({ tools: it.tools as never }));
  server.setRequestHandler(CallToolRequestSchema, async ({ params }) => (await it.answer(params.name, params.arguments ?? {})) as never);
  return server;
}

/** The same over HTTP, with what it was sent. It can be stopped and started again at the same port, and forgets its sessions then. */
export async function foreignHttp(it: Foreign) {
  const headers: Record<string, unknown>[] = [];
  const servers = new Set<Server>();
  let transports = new Map<string, StreamableHTTPServerTransport>();
  let http = listen();
  let port = 0;
  function listen() {
    return createServer(async (request, response) => {
      headers.push(request.headers);
      await it.busy;
      const id = request.headers['mcp-session-id'];
      const known = typeof id === 'string' ? transports.get(id) : undefined;
      if (typeof id === 'string' && !known)
        return void response.writeHead(404).end('{"jsonrpc":"2.0","error":{"code":-32001,"message":"Session not found"},"id":null}');
      if (known) return void (await known.handleRequest(request, response));
      const transport: StreamableHTTPServerTransport = new StreamableHTTPServerTransport({
        sessionIdGenerator: randomUUID,
        onsessioninitialized: (sid) => void transports.set(sid, transport),
      });
      const server = foreignServer(it);
      servers.add(server);
      await server.connect(transport as never);
      await transport.handleRequest(request, response);
    });
  }
  const start = async (at = 0) => {
    await new Promise<void>((resolve) => http.listen(at, '127.0.0.1', resolve));
    port = (http.address() as AddressInfo).port;
  };
  const stop = async () => {
    const closed = new Promise((resolve) => http.close(resolve));
    http.closeAllConnections();
    await closed;
  };
  await start();
  return {
    url: () => `http://127.0.0.1:${port}/mcp`,
    headers,
    stop,
    async startAgain() {
      transports = new Map();
      http = listen();
      await start(port);
    },
    listChanged: async () => {
      for (const server of servers) await server.sendToolListChanged().catch(() => {});
    },
  };
}

/** As a child: `tsx foreign-server.ts`. Answers with its environment; `die` ends it in the middle of a call, `flood` writes as much as is read. */
if (process.argv[1] === import.meta.filename) {
  let written = 0;
  process.stdin.once('end', () => process.exit());
  const line = '{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"more"}}\n';
  const flood = () => {
    const more = process.stdout.write(line.repeat(50));
    written += 50;
    if (more) setImmediate(flood);
    else process.stdout.once('drain', flood);
  };
  const tools = ['env', 'die', 'hang', 'flood', 'flooded'].map((name) => ({ name, description: `To ${name}.`, inputSchema: { type: 'object' } }));
  const answer: Foreign['answer'] = (name) => {
    if (name === 'die') process.exit(1);
    if (name === 'flood') flood();
    if (name.startsWith('flood')) return { content: [{ type: 'text', text: String(written) }] };
    if (name === 'hang') return new Promise(() => {});
    return { content: [{ type: 'text', text: JSON.stringify({ pid: process.pid, names: Object.keys(process.env).sort() }) }] };
  };
  await foreignServer({ tools, answer }).connect(new StdioServerTransport());
}
