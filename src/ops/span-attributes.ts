import { type Attributes, SpanKind } from '@opentelemetry/api';
import type { Perform } from '../runtime/advance.ts';
import type { DoorOutcome, DoorRequest } from '../session/door.ts';
import type { EventOf, SessionEvent } from '../session/events.ts';
import type { Session } from '../session/state.ts';

type Step = Parameters<Perform>[0];

/** Name and attributes of a step's span before it is made, as the conventions for GenAI (and, for tools, MCP) have them. Pure. */
export function beforeStep(step: Step, session: Session, model: string): { name: string; kind: SpanKind; attributes: Attributes } {
  const conversation = { 'gen_ai.conversation.id': session.id };
  if (step.do === 'think')
    return {
      name: `chat ${model}`,
      kind: SpanKind.CLIENT,
      attributes: {
        'gen_ai.operation.name': 'chat',
        'gen_ai.provider.name': 'anthropic',
        'gen_ai.request.model': model,
        'gen_ai.request.stream': true,
        ...conversation,
      },
    };
  const { tool, id, started } = step.call;
  return {
    // The tool's span is the MCP call's: one span with the attributes of both, as the MCP conventions ask where GenAI's are there already.
    name: `execute_tool ${tool}`,
    kind: SpanKind.INTERNAL,
    attributes: {
      'gen_ai.operation.name': 'execute_tool',
      'gen_ai.tool.name': tool,
      'gen_ai.tool.type': 'function',
      'gen_ai.tool.call.id': id,
      'mcp.method.name': 'tools/call',
      ...(started ? { 'labmate.repeats': true } : {}),
      ...conversation,
    },
  };
}

/** Of a request at the MCP door, by the conventions for MCP. Pure. */
export function beforeRequest({ method, target, id, connection }: DoorRequest): { name: string; attributes: Attributes } {
  const named: Attributes = target === null ? {} : method === 'tools/call' ? { 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.name': target } : {};
  return {
    name: target === null ? method : `${method} ${target}`,
    attributes: {
      'mcp.method.name': method,
      'jsonrpc.request.id': id,
      'network.transport': 'tcp',
      'network.protocol.name': 'http',
      ...named,
      ...(method === 'prompts/get' && target !== null ? { 'gen_ai.prompt.name': target } : {}),
      ...(connection === null ? {} : { 'mcp.session.id': connection }),
    },
  };
}

/** How it ended. Pure. */
export function afterRequest(outcome: DoorOutcome): Attributes {
  if (typeof outcome !== 'string') return { 'error.type': String(outcome.code), 'rpc.response.status_code': String(outcome.code) };
  return { 'labmate.result': outcome, ...(outcome === 'tool_error' || outcome === 'aborted' ? { 'error.type': outcome } : {}) };
}

/** What came of a step, by its events. Of a reply how much, never what. Pure. */
export function afterStep(events: readonly SessionEvent[]): Attributes {
  const [event] = events;
  if (!event) return { 'labmate.result': 'aborted' };
  switch (event.type) {
    case 'replied':
      return replyAttributes(event);
    case 'call_finished': {
      const { status } = event.outcome;
      // Denied, refused and expired are answers, not failures of the tool.
      return { 'labmate.result': status, ...(status === 'failed' || status === 'unknown' ? { 'error.type': 'tool_error' } : {}) };
    }
    case 'call_parked': {
      const { waiting } = event;
      return {
        'labmate.result': `waits_for_${waiting.for}`,
        ...(waiting.for === 'retry' ? { 'error.type': 'upstream_unavailable', 'labmate.upstream': waiting.upstream } : {}),
      };
    }
    case 'noted':
      return { 'labmate.result': event.about, 'error.type': event.about === 'retry' ? 'upstream_unavailable' : event.about };
    default:
      return { 'labmate.result': event.type };
  }
}

function replyAttributes({ model, stop, usage, request_id, calls }: EventOf<'replied'>): Attributes {
  return {
    'gen_ai.response.model': model,
    'gen_ai.response.finish_reasons': [stop],
    // The conventions count what was read from the cache and written to it as input.
    'gen_ai.usage.input_tokens': usage.input + usage.cache_read + usage.cache_write,
    'gen_ai.usage.output_tokens': usage.output,
    'gen_ai.usage.cache_read.input_tokens': usage.cache_read,
    'gen_ai.usage.cache_creation.input_tokens': usage.cache_write,
    'labmate.result': 'reply',
    'labmate.calls': calls.length,
    ...(request_id ? { 'gen_ai.response.id': request_id } : {}),
  };
}
