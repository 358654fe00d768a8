import { randomUUID } from 'node:crypto';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js';
import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import type { Tool } from '../tools/define-tool.ts';
import type { CallScope, GateDeps } from '../tools/gate.ts';
import { CALL, toolServer } from '../tools/server.ts';
import type { ToolSpec } from './model.ts';

/** Our own tools behind a real MCP client: one server and one client a process, whatever the number of sessions. */
export type Toolbox = {
  /** In a fixed order: the list is part of the prefix that the model's cache holds. */
  specs: readonly ToolSpec[];
  /** The backends a tool needs, as breakers know them. */
  upstreams(name: string): readonly string[];
  call(name: string, input: Record<string, unknown>, scope: CallScope): Promise<CallToolResult>;
  close(): Promise<void>;
};

/** The longest a tool may take over its look-ups; an effect has its own, shorter limit. */
const CALL_TIMEOUT_MS = 120_000;

export async function openToolbox(catalog: readonly Tool[], deps: GateDeps): Promise<Toolbox> {
  const scopes = new Map<string, CallScope>();
  const server = toolServer(catalog, deps, (reference) => scopes.get(reference) ?? null);
  const client = new Client({ name: 'labmate-worker', version: '0.1.0' });
  const [here, there] = InMemoryTransport.createLinkedPair();
  await Promise.all([server.connect(there), client.connect(here)]);
  const { tools } = await client.listTools();
  return {
    specs: tools.map((t) => ({ name: t.name, description: t.description ?? t.name, input_schema: t.inputSchema as Record<string, unknown> })),
    upstreams: (name) => catalog.find((t) => t.name === name)?.needs ?? [],
    async call(name, input, scope) {
      const reference = randomUUID();
      scopes.set(reference, scope);
      try {
        return (await client.callTool({ name, arguments: input, _meta: { [CALL]: reference } }, undefined, { timeout: CALL_TIMEOUT_MS })) as CallToolResult;
      } finally {
        scopes.delete(reference);
      }
    },
    async close() {
      await client.close();
      await server.close();
    },
  };
}
