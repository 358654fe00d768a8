import { APIError } from '@anthropic-ai/sdk/core/error';

/** A message as it stands after all its events. Only what is used is read; whatever else a block carries stays in it. */
export type StreamedMessage = {
  model: string;
  content: Record<string, unknown>[];
  stop: string | null;
  stopDetails: { type?: unknown; category?: unknown } | null;
  usage: Record<string, unknown>;
  /** The arguments of every tool call were JSON. */
  inputsWhole: boolean;
};

type Event = { type?: string; index?: number; [field: string]: unknown };
type Fields = Record<string, unknown>;

/**
 * Puts a message together from the text of a stream, piece by piece; `heard` is called for each event that brings the turn on. Gives the message once it is whole. Throws
 * where the stream holds what is no JSON, or says itself that something failed.
 */
export function messageReader(heard: () => void): (text: string) => StreamedMessage | null {
  const message: StreamedMessage = { model: '', content: [], stop: null, stopDetails: null, usage: {}, inputsWhole: true };
  /** The arguments of tool calls so far, by their block: pieces of JSON that mean nothing by themselves. */
  const inputs = new Map<number, string>();
  let begun = false;
  let rest = '';
  const take = (event: Event): boolean => {
    if (event.type === 'ping') return false;
    heard();
    switch (event.type) {
      case 'message_start': {
        const { model, usage } = event['message'] as { model: string; usage: Fields };
        begun = true;
        message.model = model;
        message.usage = usage;
        return false;
      }
      case 'content_block_start':
        message.content[event.index ?? 0] = event['content_block'] as Fields;
        return false;
      case 'content_block_delta':
        grow(message.content[event.index ?? 0], event['delta'] as Fields, inputs, event.index ?? 0);
        return false;
      case 'message_delta': {
        const { stop_reason: stop, stop_details: details } = event['delta'] as { stop_reason?: string; stop_details?: StreamedMessage['stopDetails'] };
        message.stop = stop ?? message.stop;
        message.stopDetails = details ?? null;
        // Totals of the whole message, left out where they do not apply.
        for (const [name, value] of Object.entries((event['usage'] ?? {}) as Fields)) if (value !== null) message.usage[name] = value;
        return false;
      }
      case 'message_stop':
        if (!begun) return false;
        message.inputsWhole = fillInputs(message.content, inputs);
        return true;
      case 'error':
        throw new APIError(undefined, event, undefined, undefined, (event['error'] as { type?: never } | undefined)?.type);
      default:
        return false;
    }
  };
  return (text) => {
    rest += text;
    if (rest.includes('\r')) rest = rest.replaceAll('\r\n', '\n');
    let from = 0;
    for (let end = rest.indexOf('\n\n'); end >= 0; end = rest.indexOf('\n\n', from)) {
      const data = dataOf(rest.slice(from, end));
      from = end + 2;
      if (data !== '' && take(JSON.parse(data) as Event)) return message;
    }
    rest = rest.slice(from);
    return null;
  };
}

function grow(block: Fields | undefined, delta: Fields, inputs: Map<number, string>, index: number): void {
  if (!block) return;
  switch (delta['type']) {
    case 'text_delta':
      block['text'] = `${block['text'] ?? ''}${delta['text']}`;
      return;
    case 'input_json_delta':
      inputs.set(index, (inputs.get(index) ?? '') + String(delta['partial_json']));
      return;
    case 'thinking_delta':
      block['thinking'] = `${block['thinking'] ?? ''}${delta['thinking']}`;
      return;
    case 'signature_delta':
      block['signature'] = delta['signature'];
      return;
    case 'citations_delta':
      block['citations'] = [...((block['citations'] as unknown[] | null) ?? []), delta['citation']];
      return;
    default:
  }
}

/** Read strictly: arguments that were cut are never repaired, as a call would then run with half of them. */
function fillInputs(content: Fields[], inputs: ReadonlyMap<number, string>): boolean {
  let whole = true;
  for (const [index, text] of inputs) {
    const block = content[index];
    if (!block || text === '') continue;
    try {
      block['input'] = JSON.parse(text);
    } catch {
      whole = false;
    }
  }
  return whole;
}

/** The data of one server-sent event. */
function dataOf(event: string): string {
  const at = event.indexOf('data:');
  // Nearly every event is one line of a name and one of data.
  if (event.indexOf('\n', at) < 0) return at < 0 ? '' : event.slice(at + 5).trim();
  return event
    .split('\n')
    .flatMap((line) => (line.startsWith('data:') ? [line.slice(5).trim()] : []))
    .join('\n');
}
