/** The part of the Messages API that the stand-in speaks, in the API's own field names. */

export type TextBlock = { type: 'text'; text: string };
export type ThinkingBlock = { type: 'thinking'; thinking: string; signature: string };
export type ToolUseBlock = { type: 'tool_use'; id: string; name: string; input: Record<string, unknown> };
export type ToolResultBlock = {
  type: 'tool_result';
  tool_use_id: string;
  content?: string | { type: string; text?: string; source?: unknown }[];
  is_error?: boolean;
};
export type Block = TextBlock | ThinkingBlock | ToolUseBlock | ToolResultBlock | { type: 'image' };
export type ReplyBlock = TextBlock | ThinkingBlock | ToolUseBlock;

export type Message = { role: 'user' | 'assistant'; content: string | Block[] };

export type MessagesRequest = {
  model: string;
  max_tokens: number;
  system?: string | TextBlock[];
  tools?: { name: string; description?: string; input_schema: Record<string, unknown> }[];
  messages: Message[];
  stream?: boolean;
};

/** What a planner or a script answers; the stop reason follows from the content where none is given. */
export type Reply = { content: ReplyBlock[]; stop?: string; stopDetails?: { type: 'refusal'; category: string | null; explanation: string | null } };

/** Answers one request. Must look at nothing but the request, so that a restarted session gets the same answer. */
export type Answer = (request: MessagesRequest) => Reply | Promise<Reply>;

/** The text of a tool result, whichever of the two shapes it came in. */
export function resultText(block: ToolResultBlock): string {
  if (typeof block.content === 'string') return block.content;
  return (block.content ?? []).map((part) => part.text ?? '').join('\n');
}

/** A message's content as blocks. */
export function blocksOf(message: Message): Block[] {
  return typeof message.content === 'string' ? [{ type: 'text', text: message.content }] : message.content;
}
