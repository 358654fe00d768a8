import type { ReplyBlock } from './messages-types.ts';

/** A whole message as the API answers it. */
export type ApiMessage = {
  id: string;
  type: 'message';
  role: 'assistant';
  model: string;
  content: ReplyBlock[];
  stop_reason: string;
  stop_sequence: null;
  stop_details: unknown;
  usage: Record<string, unknown>;
};

export type SseEvent = { event: string; data: unknown };

/** The event sequence of a streamed message: text in small pieces, tool arguments as pieces of JSON that mean nothing by themselves. */
export function streamEvents(message: ApiMessage): SseEvent[] {
  const events: SseEvent[] = [];
  const push = (data: { type: string } & Record<string, unknown>) => events.push({ event: data.type, data });
  push({
    type: 'message_start',
    message: { ...message, content: [], stop_reason: null, stop_details: null, usage: { ...message.usage, output_tokens: 1 } },
  });
  events.push({ event: 'ping', data: { type: 'ping' } });
  for (const [index, block] of message.content.entries()) {
    push({ type: 'content_block_start', index, content_block: opening(block) });
    for (const delta of deltas(block)) push({ type: 'content_block_delta', index, delta });
    push({ type: 'content_block_stop', index });
  }
  push({
    type: 'message_delta',
    delta: { stop_reason: message.stop_reason, stop_sequence: null, stop_details: message.stop_details },
    usage: { output_tokens: message.usage['output_tokens'] },
  });
  push({ type: 'message_stop' });
  return events;
}

export function sseText(events: readonly SseEvent[]): string {
  return events.map(({ event, data }) => `event: ${event}\ndata: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`).join('');
}

function opening(block: ReplyBlock): ReplyBlock {
  if (block.type === 'text') return { type: 'text', text: '' };
  if (block.type === 'thinking') return { type: 'thinking', thinking: '', signature: '' };
  return { ...block, input: {} };
}

function deltas(block: ReplyBlock): Record<string, unknown>[] {
  if (block.type === 'text') return pieces(block.text).map((text) => ({ type: 'text_delta', text }));
  if (block.type === 'tool_use') return ['', ...pieces(JSON.stringify(block.input))].map((partial_json) => ({ type: 'input_json_delta', partial_json }));
  return [...pieces(block.thinking).map((thinking) => ({ type: 'thinking_delta', thinking })), { type: 'signature_delta', signature: block.signature }];
}

/** Cut at code points, so that no piece holds half a character. */
function pieces(text: string): string[] {
  const points = [...text];
  const size = Math.max(16, Math.ceil(points.length / 20));
  return Array.from({ length: Math.ceil(points.length / size) }, (_, i) => points.slice(i * size, (i + 1) * size).join(''));
}
