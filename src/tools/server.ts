import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { type CallToolResult, ListToolsRequestSchema, type Tool as McpTool } from '@modelcontextprotocol/sdk/types.js';
import { scrubDeep } from '../policy/secrets.ts';
import { UpstreamError } from '../services/http.ts';
import type { Waiting } from '../session/events.ts';
import { type Tool, type ToolAnswer, ToolError } from './define-tool.ts';
import { type CallScope, type Confirmation, type GateAnswer, type GateDeps, gate } from './gate.ts';
import { listed, outputOf } from './listing.ts';

/** Where a caller in this process says which call it makes. Hidden from models: `_meta` is not part of the arguments. */
export const CALL = 'labmate/call';
/** Where the host reads what to do with an answer. */
export const HOST = 'labmate/host';

export type HostNote =
  | { kind: 'wait'; waiting: Exclude<Waiting, { for: 'approval' | 'retry' }> }
  | { kind: 'confirm'; confirmation: Confirmation }
  | { kind: 'retry'; upstream: string; why: string; retryAfterMs: number | null; sent: boolean }
  | { kind: 'refused'; why: string }
  | { kind: 'held' }
  | { kind: 'unknown' };

/** The catalog as an MCP server: the same tools and the same gate for every door. */
export function toolServer(catalog: readonly Tool[], deps: GateDeps, scopes: (reference: string) => CallScope | null): McpServer {
  const server = new McpServer({ name: 'labmate', version: '0.1.0' }, { capabilities: { tools: { listChanged: false } } });
  for (const tool of catalog) {
    server.registerTool(
      tool.name,
      { title: tool.title, description: tool.description, inputSchema: tool.input, outputSchema: outputOf(tool) },
      async (input, extra) => {
        const reference = extra._meta?.[CALL];
        const scope = typeof reference === 'string' ? scopes(reference) : null;
        try {
          return cleaned(present(await gate(tool, input, scope, deps)), deps.clean);
        } catch (error) {
          return cleaned(failure(error), deps.clean);
        }
      },
    );
  }
  // In place of the SDK's own list, which spends a fifth more on the same.
  const tools = catalog.map((tool) => listed(tool) as McpTool);
  if (tools.length > 0) server.server.setRequestHandler(ListToolsRequestSchema, () => ({ tools }));
  return server;
}

/** A backend may echo what it was asked with, in an answer as in an error: no credential reaches who asked, at any door. */
function cleaned(result: CallToolResult, clean: GateDeps['clean']): CallToolResult {
  return clean ? scrubDeep(result, clean) : result;
}

function present(answer: GateAnswer): CallToolResult {
  switch (answer.is) {
    case 'answer':
      return presentAnswer(answer.answer);
    case 'question':
      return {
        content: [{ type: 'text', text: answer.question.text }],
        structuredContent: { status: 'question', text: answer.question.text, ask: answer.question.ask, ...answer.question.data },
      };
    case 'unknown':
      return {
        isError: true,
        content: [{ type: 'text', text: answer.text }],
        structuredContent: answer.data,
        _meta: { [HOST]: { kind: 'unknown' } satisfies HostNote },
      };
    case 'confirm': {
      const { preview } = answer.confirmation;
      const text = `A person must approve this first: ${preview.summary}`;
      return {
        content: [{ type: 'text', text }],
        structuredContent: { status: 'requires_confirmation', requires_confirmation: true, confirmation: { summary: preview.summary } },
        _meta: { [HOST]: { kind: 'confirm', confirmation: answer.confirmation } satisfies HostNote },
      };
    }
    case 'refused':
      return { isError: true, content: [{ type: 'text', text: answer.why }], _meta: { [HOST]: { kind: 'refused', why: answer.why } satisfies HostNote } };
    case 'held':
      return {
        isError: true,
        content: [{ type: 'text', text: 'The session was stopped; nothing was run.' }],
        _meta: { [HOST]: { kind: 'held' } satisfies HostNote },
      };
    case 'retry': {
      const { upstream, why, retryAfterMs, sent } = answer;
      return {
        isError: true,
        content: [{ type: 'text', text: `${why} (retryable)` }],
        _meta: { [HOST]: { kind: 'retry', upstream, why, retryAfterMs, sent } satisfies HostNote },
      };
    }
    default:
      return answer satisfies never;
  }
}

function presentAnswer(answer: ToolAnswer): CallToolResult {
  const content: CallToolResult['content'] = [{ type: 'text', text: answer.text }];
  if (answer.kind === 'done') {
    for (const image of answer.images ?? [])
      content.push({ type: 'image', data: Buffer.from(image.data).toString('base64'), mimeType: image.mediaType, _meta: { alt: image.alt } });
    return { content, structuredContent: answer.data };
  }
  return { content, structuredContent: answer.data, _meta: { [HOST]: { kind: 'wait', waiting: answer.waiting } satisfies HostNote } };
}

/** To the model: what was asked and what came back, so that it can correct itself. Never a stack. */
function failure(error: unknown): CallToolResult {
  if (error instanceof ToolError || error instanceof UpstreamError) return { isError: true, content: [{ type: 'text', text: error.message }] };
  throw error;
}
