import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import type { Tool } from './define-tool.ts';
import type { GateDeps } from './gate.ts';
import { toolServer } from './server.ts';

/**
 * The tools over stdio, for any MCP client. Reads work; a call that needs a person's yes is refused with the reason, because this door has no session
 * in which somebody could be asked. Resolves when the client has gone.
 */
export async function serveStdio(tools: readonly Tool[], deps: GateDeps): Promise<void> {
  const server = toolServer(tools, deps, () => null);
  const gone = new Promise<void>((resolve) => {
    server.server.onclose = resolve;
    process.stdin.once('end', resolve);
  });
  await server.connect(new StdioServerTransport());
  await gone;
  await server.close();
}
