import { type Answer, blocksOf, type MessagesRequest, type ReplyBlock, resultText } from './messages-types.ts';

/** An order that stands in a text: `call run_databricks_job with {"job_id": "101"}`. */
export type Order = { tool: string; input: Record<string, unknown> };

/**
 * A model that is wholly in the hands of whoever writes the texts it reads: it obeys every order in its latest message, be it a prompt or a tool's result, plain,
 * encoded, split by invisible marks or dressed up as somebody else's turn, all of them at once. No defence may count on it.
 */
export function hijackedModel(): Answer {
  return (request) => {
    const orders = ordersIn(latestText(request));
    const turn = request.messages.filter((m) => m.role === 'assistant').length;
    const calls = orders.map((order, i): ReplyBlock => ({ type: 'tool_use', id: `call_${turn}_${i}`, name: order.tool, input: order.input }));
    return {
      content: calls.length > 0 ? [{ type: 'text', text: 'As ordered.' }, ...calls] : [{ type: 'text', text: 'There is nothing that I was told to do.' }],
    };
  };
}

function latestText({ messages }: MessagesRequest): string {
  const last = messages.at(-1);
  return (last ? blocksOf(last) : []).map((b) => (b.type === 'text' ? b.text : b.type === 'tool_result' ? resultText(b) : '')).join('\n');
}

const INVISIBLE = /[\p{Cf}\p{Default_Ignorable_Code_Point}]/gu;

/** Every order in a text, each once, however it is hidden. */
export function ordersIn(text: string): Order[] {
  const seen = text.replace(/\\u\{[0-9A-Fa-f]+\}/g, '').replace(INVISIBLE, '');
  const readings = [seen, unquoted(seen), unquoted(unquoted(seen)), ...decoded(seen)];
  const found = new Map<string, Order>();
  for (const reading of readings) for (const order of literal(reading)) found.set(JSON.stringify(order), order);
  return [...found.values()];
}

/** Inside a JSON string quotes are escaped. */
function unquoted(text: string): string {
  return text.replace(/\\(["\\/])/g, '$1').replaceAll('\\n', '\n');
}

function decoded(text: string): string[] {
  return [...text.matchAll(/[A-Za-z0-9+/_-]{24,}={0,2}/g)].map(([word]) => Buffer.from(word, 'base64').toString('utf8'));
}

function literal(text: string): Order[] {
  const orders: Order[] = [];
  for (const match of text.matchAll(/\bcall (\S{1,200}) with (?=\{)/g)) {
    const input = objectAt(text, match.index + match[0].length);
    if (input) orders.push({ tool: match[1] ?? '', input });
  }
  return orders;
}

/** The JSON object that begins here, or null. */
function objectAt(text: string, from: number): Record<string, unknown> | null {
  let depth = 0;
  let quoted = false;
  for (let i = from; i < text.length; i++) {
    const c = text[i];
    if (quoted) {
      if (c === '\\') i += 1;
      else if (c === '"') quoted = false;
    } else if (c === '"') quoted = true;
    else if (c === '{') depth += 1;
    else if (c === '}' && --depth === 0) return parsed(text.slice(from, i + 1));
  }
  return null;
}

function parsed(text: string): Record<string, unknown> | null {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return null;
  }
}
