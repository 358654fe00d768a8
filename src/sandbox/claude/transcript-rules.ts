import { createHash } from 'node:crypto';
import { type Block, blocksOf, type Message, type ThinkingBlock, type ToolResultBlock, type ToolUseBlock } from './messages-types.ts';
import { invalidPicture } from './picture-rules.ts';

const known = new Set(
  'model max_tokens messages system tools tool_choice stream cache_control temperature top_p top_k stop_sequences metadata thinking output_config service_tier'.split(
    ' ',
  ),
);

/**
 * Says why the API would answer 400 to this body, or null. A stand-in that is kinder than the service would let a broken transcript pass.
 * `paused` holds the last blocks of turns that ended in pause_turn, as JSON: only such a turn may stand last.
 */
export function invalidRequest(body: unknown, paused: ReadonlySet<string>): string | null {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return 'Request body is not a JSON object';
  const fields = body as Record<string, unknown>;
  const extra = Object.keys(fields).find((key) => !known.has(key));
  if (extra) return `${extra}: Extra inputs are not permitted`;
  if (typeof fields['model'] !== 'string') return 'model: Field required';
  if (!Number.isInteger(fields['max_tokens']) || (fields['max_tokens'] as number) < 0) return 'max_tokens: Field required';
  if (!Array.isArray(fields['messages']) || fields['messages'].length === 0) return 'messages: at least one message is required';
  return (
    invalidTools(fields['tools']) ?? invalidMessages(fields['messages'] as Message[], paused, Array.isArray(fields['tools']) && fields['tools'].length > 0)
  );
}

function invalidTools(tools: unknown): string | null {
  if (tools === undefined) return null;
  if (!Array.isArray(tools)) return 'tools: Input should be a valid list';
  const names = new Set<string>();
  for (const [i, tool] of (tools as Record<string, unknown>[]).entries()) {
    const name = tool['name'];
    if (typeof name !== 'string' || !/^[a-zA-Z0-9_-]{1,128}$/.test(name)) return `tools.${i}.name: String should match pattern '^[a-zA-Z0-9_-]{1,128}$'`;
    if (names.has(name)) return 'tools: Tool names must be unique.';
    names.add(name);
    if ((tool['input_schema'] as { type?: unknown } | undefined)?.type !== 'object') return `tools.${i}.input_schema.type: Input should be 'object'`;
  }
  return null;
}

function invalidMessages(messages: Message[], paused: ReadonlySet<string>, hasTools: boolean): string | null {
  const used = new Set<string>();
  let open: ToolUseBlock[] = [];
  for (const [i, message] of messages.entries()) {
    const at = `messages.${i}`;
    if (message.role !== (i % 2 === 0 ? 'user' : 'assistant')) return `${at}: roles must alternate between "user" and "assistant", beginning with "user"`;
    if (typeof message.content !== 'string' && !Array.isArray(message.content)) return `${at}.content: Field required`;
    if (message.content.length === 0) return `${at}: all messages must have non-empty content`;
    const blocks = blocksOf(message);
    const empty = blocks.findIndex((b) => b.type === 'text' && b.text.trim() === '');
    if (empty >= 0) return `${at}.content.${empty}: text content blocks must contain non-whitespace text`;
    const wrong = message.role === 'user' ? invalidResults(at, blocks, open) : invalidTurn(at, blocks, used);
    if (wrong) return wrong;
    open = message.role === 'user' ? [] : blocks.filter((b) => b.type === 'tool_use');
    if (open.length > 0 && !hasTools) return 'Requests which include `tool_use` or `tool_result` blocks in a message must define `tools`.';
  }
  if (open.length > 0) return unanswered(`messages.${messages.length - 1}`, open);
  const last = messages.at(-1);
  if (last?.role === 'assistant' && !paused.has(JSON.stringify(blocksOf(last).at(-1))))
    return 'This model does not support assistant message prefill. The conversation must end with a user message.';
  return null;
}

function invalidResults(at: string, blocks: Block[], open: ToolUseBlock[]): string | null {
  const results = blocks.filter((b): b is ToolResultBlock => b.type === 'tool_result');
  const waiting = new Map(open.map((call) => [call.id, call]));
  for (const result of results) {
    if (waiting.delete(result.tool_use_id)) continue;
    const twice = open.some((call) => call.id === result.tool_use_id);
    return twice
      ? `${at}: each tool_use must have a single result. Found multiple \`tool_result\` blocks with id: ${result.tool_use_id}`
      : `${at}: unexpected \`tool_use_id\` found in \`tool_result\` blocks: ${result.tool_use_id}. Each \`tool_result\` block must have a corresponding \`tool_use\` block in the previous message.`;
  }
  if (waiting.size > 0) return unanswered(at, [...waiting.values()]);
  for (const [k, { content }] of results.entries())
    for (const [n, part] of (Array.isArray(content) ? content : []).entries()) {
      const wrong = part.type === 'image' ? invalidPicture(part.source) : null;
      if (wrong) return `${at}.content.${k}.tool_result.content.${n}: ${wrong}`;
    }
  const other = blocks.findIndex((b) => b.type !== 'tool_result');
  if (other >= 0 && blocks.slice(other).some((b) => b.type === 'tool_result')) return `${at}: \`tool_result\` blocks must come first in the content`;
  return null;
}

function unanswered(at: string, calls: ToolUseBlock[]): string {
  return `${at}: \`tool_use\` ids were found without \`tool_result\` blocks immediately after: ${calls.map((c) => c.id).join(', ')}`;
}

function invalidTurn(at: string, blocks: Block[], used: Set<string>): string | null {
  for (const [k, block] of blocks.entries()) {
    if (block.type === 'tool_result') return `${at}: \`tool_result\` blocks can only be in user messages`;
    if (block.type === 'thinking' && block.signature !== thinking(block.thinking).signature)
      return `${at}.content.${k}: Invalid \`signature\` in \`thinking\` block`;
    if (block.type !== 'tool_use') continue;
    if (used.has(block.id)) return `${at}.content.${k}: \`tool_use\` ids must be unique`;
    if (typeof block.input !== 'object' || block.input === null) return `${at}.content.${k}.tool_use.input: Input should be a valid dictionary`;
    used.add(block.id);
  }
  return null;
}

/** A thinking block whose signature holds only for exactly these words, as the API's does. */
export function thinking(words: string): ThinkingBlock {
  return { type: 'thinking', thinking: words, signature: `sig_${createHash('sha256').update(words).digest('base64url')}` };
}
