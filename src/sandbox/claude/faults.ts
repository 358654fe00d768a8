import type { Fault } from '../control-types.ts';
import type { Reply } from './messages-types.ts';
import type { ApiMessage, SseEvent } from './sse.ts';

export type ClaudeFault = Extract<Fault, { target: 'claude' }>;

/** An exact schedule: a fault with `call` meets that request alone, one with `times` the next so many, one without either all until healed. */
export function faultSchedule(): { add(fault: ClaudeFault | null): void; next(call: number): ClaudeFault | null } {
  let planned: ClaudeFault[] = [];
  return {
    add(fault) {
      planned = fault === null ? [] : [...planned, { ...fault }];
    },
    next(call) {
      const fault = planned.find((f) => f.call === undefined || f.call === call);
      if (!fault) return null;
      const spent = fault.call !== undefined || (fault.times !== undefined && --fault.times <= 0);
      if (spent) planned = planned.filter((f) => f !== fault);
      return fault;
    },
  };
}

/** Faults that are a regular reply with another end. */
export function bentReply(fault: ClaudeFault | null, reply: Reply): Reply {
  switch (fault?.kind) {
    case 'refusal':
      return {
        content: [],
        stop: 'refusal',
        stopDetails: { type: 'refusal', category: fault.category ?? 'frontier_llm', explanation: 'The stand-in was told to refuse.' },
      };
    case 'max-tokens':
      return { ...reply, stop: 'max_tokens' };
    case 'empty':
      return { content: [], stop: 'end_turn' };
    case 'pause-turn':
      return { content: [{ type: 'text', text: 'One moment.' }], stop: 'pause_turn' };
    case 'context-exceeded':
      return { content: [], stop: 'model_context_window_exceeded' };
    default:
      return reply;
  }
}

/** Faults that show only in the stream: a tool call cut in its arguments, an error event, a line that is not JSON. */
export function bentEvents(fault: ClaudeFault | null, events: SseEvent[]): SseEvent[] {
  const middle = Math.ceil(events.length / 2);
  switch (fault?.kind) {
    case 'max-tokens':
    case 'bad-input':
      return cutArguments(events);
    case 'error-event':
      return [
        ...events.slice(0, middle),
        { event: 'error', data: { type: 'error', error: { type: fault.category ?? 'overloaded_error', message: 'Overloaded' } } },
      ];
    case 'malformed':
      return [...events.slice(0, middle), { event: 'content_block_delta', data: '{"type": "content_block_delta", "index": 0, "del' }];
    default:
      return events;
  }
}

/** As the service does in a plain answer: a call cut by max_tokens keeps what could be read of its arguments. */
export function bentMessage(fault: ClaudeFault | null, message: ApiMessage): ApiMessage {
  if (fault?.kind !== 'max-tokens') return message;
  return { ...message, content: message.content.map((block) => (block.type === 'tool_use' ? { ...block, input: {} } : block)) };
}

function cutArguments(events: SseEvent[]): SseEvent[] {
  const last = events.findLastIndex((e) => JSON.stringify(e.data).includes('"input_json_delta"'));
  return events.map((e, i) => {
    if (i !== last) return e;
    const data = e.data as { delta: { partial_json: string } };
    return { ...e, data: { ...data, delta: { ...data.delta, partial_json: data.delta.partial_json.slice(0, -2) } } };
  });
}
