import type { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import {
  isJSONRPCErrorResponse,
  isJSONRPCNotification,
  isJSONRPCRequest,
  isJSONRPCResultResponse,
  type JSONRPCMessage,
  type JSONRPCRequest,
} from '@modelcontextprotocol/sdk/types.js';
import type { DoorOutcome, DoorRequest, DoorWatch } from '../session/door.ts';
import { catalog } from './catalog.ts';
import { PROMPTS } from './prompts.ts';
import { resources } from './resources.ts';

const METHODS: readonly string[] = [
  'initialize',
  'ping',
  'tools/list',
  'tools/call',
  'prompts/list',
  'prompts/get',
  'resources/list',
  'resources/templates/list',
  'resources/read',
  'completion/complete',
];
const SCHEMES = resources(catalog).map(({ uriTemplate }) => uriTemplate.split('{')[0] ?? '');

/** Tells `watch` of every request that comes over this connection and of its answer. To be called once the server is connected to it. */
export function watchRequests(transport: StreamableHTTPServerTransport, watch: DoorWatch): void {
  const open = new Map<string | number, (outcome: DoorOutcome) => void>();
  const end = (id: string | number, outcome: DoorOutcome) => {
    open.get(id)?.(outcome);
    open.delete(id);
  };
  const { onmessage, onclose } = transport;
  const send = transport.send.bind(transport);
  transport.onmessage = (message, extra) => {
    const canceled = canceledBy(message);
    // Whoever takes a request back is sent no answer, and one that uses an id again takes the old one's place.
    if (canceled !== undefined) end(canceled, 'aborted');
    if (!isJSONRPCRequest(message)) return onmessage?.(message, extra);
    end(message.id, 'aborted');
    open.set(
      message.id,
      watch(requestOf(message, transport.sessionId), () => onmessage?.(message, extra)),
    );
  };
  transport.send = (message, options) => {
    const ended = outcomeOf(message);
    if (ended) end(ended.id, ended.outcome);
    return send(message, options);
  };
  transport.onclose = () => {
    for (const id of [...open.keys()]) end(id, 'aborted');
    onclose?.();
  };
}

function canceledBy(message: JSONRPCMessage): string | number | undefined {
  if (!isJSONRPCNotification(message) || message.method !== 'notifications/cancelled') return undefined;
  const id = message.params?.['requestId'];
  return typeof id === 'string' || typeof id === 'number' ? id : undefined;
}

function requestOf({ id, method, params = {} }: JSONRPCRequest, connection: string | undefined): DoorRequest {
  const parent = params._meta?.['traceparent'];
  return {
    method: METHODS.includes(method) ? method : 'other',
    target: targetOf(method, params),
    id: String(id).slice(0, 80),
    connection: connection ?? null,
    parent: typeof parent === 'string' ? parent : null,
  };
}

/** What a client writes there is anything at all: only what we know of is a name. */
function targetOf(method: string, { name, uri }: Record<string, unknown>): string | null {
  const known = (names: readonly string[]) => (typeof name === 'string' && names.includes(name) ? name : 'unknown');
  if (method === 'tools/call') return known(catalog.map((tool) => tool.name));
  if (method === 'prompts/get') return known(PROMPTS);
  if (method === 'resources/read') return SCHEMES.find((scheme) => String(uri).startsWith(scheme)) ?? 'unknown';
  return null;
}

function outcomeOf(message: JSONRPCMessage): { id: string | number; outcome: DoorOutcome } | null {
  if (isJSONRPCErrorResponse(message) && message.id !== undefined) return { id: message.id, outcome: { code: message.error.code } };
  if (!isJSONRPCResultResponse(message)) return null;
  const { isError, structuredContent } = message.result as { isError?: boolean; structuredContent?: { requires_confirmation?: unknown } };
  return { id: message.id, outcome: isError ? 'tool_error' : structuredContent?.requires_confirmation === true ? 'asked' : 'ok' };
}
