import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { type DoorServer, doorServer } from './server.ts';

/** The tools over stdio, for any MCP client. Resolves when the client has gone. */
export async function serveStdio(offered: DoorServer): Promise<void> {
  const server = doorServer(offered);
  const gone = new Promise<void>((resolve) => {
    server.server.onclose = resolve;
    process.stdin.once('end', resolve);
  });
  await server.connect(new StdioServerTransport());
  await gone;
  await server.close();
}
