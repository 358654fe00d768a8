import { blocksOf, type MessagesRequest, resultText, type ToolResultBlock, type ToolUseBlock } from './messages-types.ts';

/** What a tool answered. `data` is empty where the answer was no JSON object. */
export type Got = { text: string; data: Record<string, unknown>; failed: boolean };
export type Called = { tool: string; input: Record<string, unknown>; got: Got };
/** One reply of ours and what came of it: results of its calls, and what people said meanwhile. */
export type Turn = { said: string; calls: Called[]; messages: string[] };

export type Conversation = {
  prompt: string;
  /** The report of the thread's earlier session, if this one follows it. */
  earlier: string | null;
  /** What people added before the first reply. */
  early: string[];
  turns: Turn[];
  defaults: Defaults;
  tools: ReadonlySet<string>;
};

export type Defaults = { job?: string; experiment?: string; repository?: string; base?: string };

/** Reads a request to the Messages API as a conversation. The planner knows nothing else, so any worker gets the same answer. */
export function readConversation(request: MessagesRequest): Conversation {
  const [opening, ...rest] = request.messages;
  const first = opening ? textOf(blocksOf(opening)) : '';
  const turns: Turn[] = [];
  let asked: ToolUseBlock[] = [];
  for (const message of rest) {
    const blocks = blocksOf(message);
    if (message.role === 'assistant') {
      asked = blocks.filter((b) => b.type === 'tool_use');
      turns.push({ said: textOf(blocks), calls: [], messages: [] });
      continue;
    }
    const results = blocks.filter((b): b is ToolResultBlock => b.type === 'tool_result');
    const calls = asked.flatMap(({ id, name, input }) => {
      const result = results.find((r) => r.tool_use_id === id);
      return result ? [{ tool: name, input, got: gotOf(result) }] : [];
    });
    const turn = turns.at(-1);
    turn?.calls.push(...calls);
    // An answer to a question stands in the question's result already.
    const answers = calls.map(({ got }) => got.data['answer']);
    turn?.messages.push(...framed(textOf(blocks), 'message').filter((said) => !answers.includes(said)));
  }
  const prompt = framed(first, 'request').at(-1) ?? first;
  return {
    prompt,
    earlier: framed(first, 'earlier_experiment').at(-1) ?? null,
    early: framed(first, 'message'),
    turns,
    defaults: readDefaults(request.system),
    tools: new Set((request.tools ?? []).map((tool) => tool.name)),
  };
}

function textOf(blocks: readonly { type: string; text?: string }[]): string {
  return blocks.flatMap((b) => (b.type === 'text' ? [b.text ?? ''] : [])).join('\n\n');
}

/** The texts between `<tag ...>` and `</tag>`. What people wrote can't hold such a tag: the host has seen to it. */
function framed(text: string, tag: string): string[] {
  return [...text.matchAll(new RegExp(`<${tag}\\b[^>]*>\\n?([\\s\\S]*?)\\n?</${tag}>`, 'g'))].map((match) => match[1] ?? '');
}

/** A tool result as it is read here. */
export function gotOf(result: ToolResultBlock): Got {
  const text = resultText(result);
  return { text, data: objectIn(text), failed: result.is_error === true };
}

function objectIn(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/** The team's defaults stand in one line of the system prompt. */
function readDefaults(system: MessagesRequest['system']): Defaults {
  const text = typeof system === 'string' ? system : textOf(system ?? []);
  const line = /^Defaults for what a request leaves out: (.*)\.$/m.exec(text)?.[1] ?? '';
  const pairs = line.split('; ').map((pair) => pair.split(' '));
  const known = ['job', 'experiment', 'repository', 'base'];
  return Object.fromEntries(pairs.flatMap(([key = '', ...value]) => (known.includes(key) ? [[key, value.join(' ')]] : [])));
}
