import type { RawMessageStreamEvent } from '@anthropic-ai/sdk/resources/messages';
import { UnreadableReply } from './claude-errors.ts';

/** What the pieces of a stream came to: the blocks as plain JSON values, in the provider's own shape. */
export type Assembled = {
  model: unknown;
  content: Record<string, unknown>[];
  stop: string | null;
  /** The category of a refusal; null where there is none, or it has no name. */
  category: string | null;
  usage: Record<string, unknown>;
  /** Are the arguments of every tool call JSON? Where they are not, they stand as `{}`. */
  whole: boolean;
};

/**
 * Puts a reply together from the events of its stream. Strict where the SDK's own helper repairs: arguments that were cut are not completed, as a call would run with
 * half of what was meant. Blocks and fields that are not known here are kept as they came. Throws UnreadableReply where an event is not of the shape it should have.
 */
export function assembling(): { take(event: RawMessageStreamEvent): void; done(): Assembled } {
  let message: Record<string, unknown> | null = null;
  const content: Record<string, unknown>[] = [];
  const inputs = new Map<number, string>();
  const usage: Record<string, unknown> = {};
  const ending: { stop: string | null; category: string | null } = { stop: null, category: null };
  let whole = true;

  const at = (index: number): Record<string, unknown> => {
    const block = content[index];
    if (!block) throw new UnreadableReply('a piece of it belongs to no block');
    return block;
  };
  const grow = (index: number, name: string, piece: unknown) => {
    const block = at(index);
    block[name] = `${typeof block[name] === 'string' ? block[name] : ''}${String(piece)}`;
  };
  return {
    take(event) {
      switch (event.type) {
        case 'message_start':
          if (message) throw new UnreadableReply('it begins twice');
          message = record(event.message, 'its beginning');
          Object.assign(usage, record(message['usage'], 'its usage'));
          return;
        case 'content_block_start':
          content[event.index] = { ...record(event.content_block, 'a block') };
          return;
        case 'content_block_delta': {
          const { delta, index } = event;
          switch (delta.type) {
            case 'text_delta':
              return grow(index, 'text', delta.text);
            case 'thinking_delta':
              return grow(index, 'thinking', delta.thinking);
            case 'signature_delta':
              at(index)['signature'] = delta.signature;
              return;
            case 'input_json_delta':
              at(index);
              inputs.set(index, (inputs.get(index) ?? '') + delta.partial_json);
              return;
            case 'citations_delta': {
              const before = at(index)['citations'];
              at(index)['citations'] = [...(Array.isArray(before) ? before : []), delta.citation];
              return;
            }
            default:
              // A newer service says something that this one does not know.
              return;
          }
        }
        case 'message_delta': {
          const { delta } = event;
          ending.stop = delta.stop_reason;
          ending.category = delta.stop_details?.type === 'refusal' ? (delta.stop_details.category ?? null) : null;
          // Totals of the whole message; what does not apply is left out.
          for (const [name, n] of Object.entries(event.usage ?? {})) if (n !== null && n !== undefined) usage[name] = n;
          return;
        }
        default:
          return;
      }
    },
    done() {
      if (!message) throw new UnreadableReply('it has no beginning');
      for (const [index, text] of inputs) {
        if (text === '') continue;
        const input = parsed(text);
        if (input === undefined) whole = false;
        else at(index)['input'] = input;
      }
      // An index that was left out would be a hole.
      return { model: message['model'], content: content.filter((block) => block !== undefined), usage, whole, ...ending };
    },
  };
}

function record(value: unknown, what: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null) throw new UnreadableReply(`${what} is missing`);
  return value as Record<string, unknown>;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
