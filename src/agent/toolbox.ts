import { randomUUID } from 'node:crypto';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js';
import { type CallToolResult, type CallToolResultSchema, ErrorCode, McpError } from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';
import { isMounted } from '../policy/mounted-names.ts';
import type { Tool } from '../tools/define-tool.ts';
import { departedTool } from '../tools/departed-tool.ts';
import { type CallScope, type GateDeps, gate } from '../tools/gate.ts';
import { present, presentFailure } from '../tools/present.ts';
import { CALL, cleaned, toolServer } from '../tools/server.ts';
import { properName } from '../tools/upstreams.ts';
import { version } from '../version.ts';
import { childSignal } from './child-signal.ts';
import type { ToolSpec } from './model.ts';
import type { Mounts } from './mounts.ts';

/** Our own tools behind a real MCP client, and those of mounted servers: one of each a process, whatever the number of sessions. */
export type Toolbox = {
  /** In a fixed order: the list is part of the prefix that the model's cache holds. The same array as long as nothing has changed. */
  specs(): Promise<readonly ToolSpec[]>;
  /** The backends a tool needs, as breakers know them. */
  upstreams(name: string): readonly string[];
  /** Whether all that models read of tools is ours, or somebody's who is trusted. */
  trusted: boolean;
  call(name: string, input: Record<string, unknown>, scope: CallScope): Promise<CallToolResult>;
  close(): Promise<void>;
};

/** The longest a tool may take over its look-ups; an effect has its own, shorter limit. */
const CALL_TIMEOUT_MS = 120_000;

/**
 * Both ends are ours and in one process: what an answer holds is checked by the server, against the protocol's shape and the tool's whole schema, and is the same object
 * when it arrives. The client would check both once more.
 */
const CHECKED = z.any() as unknown as typeof CallToolResultSchema;
const NO_SECOND_CHECK = { getValidator: () => (data: unknown) => ({ valid: true as const, data: data as never, errorMessage: undefined }) };

/** `hidden`: tools that are called and never listed. */
export async function openToolbox(
  catalog: readonly Tool[],
  deps: GateDeps,
  mounts?: Mounts,
  hidden: readonly Tool[] = [],
  callTimeoutMs = CALL_TIMEOUT_MS,
): Promise<Toolbox> {
  const scopes = new Map<string, CallScope>();
  const server = toolServer(catalog, deps, (reference) => scopes.get(reference) ?? null);
  const client = new Client({ name: 'labmate-worker', version: version() }, { jsonSchemaValidator: NO_SECOND_CHECK });
  const [here, there] = InMemoryTransport.createLinkedPair();
  await Promise.all([server.connect(there), client.connect(here)]);
  // Asked for when a model is first shown them: writing the schemas would be a part of every start.
  let listing: Promise<readonly ToolSpec[]> | undefined;
  const list = async (): Promise<readonly ToolSpec[]> => {
    const { tools } = await client.listTools();
    return tools.map((t) => ({ name: t.name, description: t.description ?? t.name, input_schema: t.inputSchema as Record<string, unknown> }));
  };
  let all = { mounted: [] as readonly ToolSpec[], specs: [] as readonly ToolSpec[] };

  /** What is not in our own server's list goes through the same gate, without the way over the protocol and back. */
  async function direct(tool: Tool, input: Record<string, unknown>, scope: CallScope): Promise<CallToolResult> {
    const result = await gate(tool, input, scope, deps).then(present).catch(presentFailure);
    return cleaned(result, deps);
  }

  return {
    trusted: mounts?.trusted ?? true,
    async specs() {
      listing ??= list();
      const own = await listing;
      const mounted = (await mounts?.specs()) ?? [];
      if (mounted.length > 0 && mounted !== all.mounted) all = { mounted, specs: [...own, ...mounted] };
      return mounted.length > 0 ? all.specs : own;
    },
    upstreams: (name) => (isMounted(name) ? (mounts?.upstreams(name) ?? []) : (catalog.find((t) => t.name === name)?.needs ?? [])),
    async call(name, input, scope) {
      // What was begun may have happened, though the tool has gone since: "no such tool" would be said as if it had not.
      const gone = scope.started && !catalog.some((tool) => tool.name === name) ? departedTool(name) : undefined;
      const aside = hidden.find((tool) => tool.name === name) ?? (await mounts?.find(name)) ?? gone;
      if (aside) return direct(aside, input, scope);
      const reference = randomUUID();
      const over = new AbortController();
      const work = childSignal(scope.signal);
      const end = () => {
        work.abort();
        over.abort();
      };
      const giveUp = setTimeout(end, callTimeoutMs);
      let sent = scope.started !== undefined;
      scopes.set(reference, {
        ...scope,
        signal: work.signal,
        // Asked before anything is begun or sent. What was given up begins nothing, as it may be made again by now; what begins is waited for, as its answer would be lost.
        mayAct: async () => {
          if (over.signal.aborted) return false;
          clearTimeout(giveUp);
          sent = true;
          return scope.mayAct();
        },
      });
      try {
        const limits = { signal: over.signal, timeout: 2 * callTimeoutMs };
        return (await client.callTool({ name, arguments: input, _meta: { [CALL]: reference } }, CHECKED, limits)) as CallToolResult;
      } catch (error) {
        if (!(error instanceof McpError) || error.code !== ErrorCode.RequestTimeout) throw error;
        // It would go on asking. To be tried again like any other that gets no answer, and given up in the end: thrown, it would be made again for ever.
        end();
        const upstream = properName(catalog.find((tool) => tool.name === name)?.needs[0] ?? name);
        return present({ is: 'retry', upstream, why: `${name} took longer than ${Math.round(callTimeoutMs / 1_000)} s.`, retryAfterMs: null, sent });
      } finally {
        clearTimeout(giveUp);
        work.release();
        scopes.delete(reference);
      }
    },
    async close() {
      await mounts?.close();
      await client.close();
      await server.close();
    },
  };
}
