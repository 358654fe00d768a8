import { createServer } from 'node:http';
import { inputOf, type Script, toolOf } from './workload.ts';

/**
 * The model's stand-in: one process of its own, so that what it costs is on nobody's account. It answers at once, plain or streamed in pieces as the service does,
 * from the prompt and the number of results in the request alone.
 */

type Seen = { calls: number; inputTokens: number; pairs: number; stable: number };

const seen: Seen = { calls: 0, inputTokens: 0, pairs: 0, stable: 0 };
/** With a journal: the last request of each session, up to the end of its messages. */
const last = new Map<string, Buffer>();
let journal = false;
const RESULT = Buffer.from('"type":"tool_result"');
/** What follows the messages in a request of ours. */
const TAIL = Buffer.from('],"max_tokens":');

/** When each tool's request came, by the host's monotonic clock in ms, which all processes share. */
const wired = new Map<string, number>();
/** Who wants to know, by call: the question's id. */
const curious = new Map<string, number>();
function tellOf(call: string): void {
  const [id, result] = [curious.get(call), wired.get(call)];
  if (id === undefined || result === undefined) return;
  curious.delete(call);
  wired.delete(call);
  process.send?.({ id, result });
}

/** Slack says to everything what any of it may want to know. */
let posted = 0;
const slack = () =>
  JSON.stringify({
    ok: true,
    team_id: 'T1',
    user_id: 'UBOT',
    bot_id: 'B1',
    user: { id: 'U2', team_id: 'T1', name: 'sam' },
    channel: 'C0ML',
    ts: `1700000000.${String(++posted).padStart(6, '0')}`,
    messages: [],
    response_metadata: { next_cursor: '' },
  });

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    if (request.url?.startsWith('/api/')) {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(slack());
      return;
    }
    if (request.url?.startsWith('/wire/')) {
      const call = decodeURIComponent(request.url.slice('/wire/'.length));
      wired.set(call, Number(process.hrtime.bigint()) / 1e6);
      response.writeHead(200).end('{}');
      tellOf(call);
      return;
    }
    const body = chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
    const script = scriptIn(body);
    const results = occurrences(body);
    seen.calls += 1;
    seen.inputTokens += Math.ceil(body.length / 4);
    if (journal) compare(script.session, body);
    const message = messageOf(script, results + 1, body.length);
    if (body.includes('"stream":true')) {
      response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'request-id': `req_${seen.calls}` });
      response.end(streamed(message));
    } else {
      const text = JSON.stringify(message);
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text), 'request-id': `req_${seen.calls}` });
      response.end(text);
    }
  });
});
server.keepAliveTimeout = 120_000;
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.send?.({ url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}` });
});
process.on('message', (asked: { id: number; do: 'take' | 'journal' | 'wired'; call?: string }) => {
  if (asked.do === 'journal') {
    journal = true;
    last.clear();
  }
  if (asked.do === 'wired') {
    curious.set(asked.call ?? '', asked.id);
    return tellOf(asked.call ?? '');
  }
  process.send?.({ id: asked.id, result: { ...seen } });
  if (asked.do === 'take') Object.assign(seen, { calls: 0, inputTokens: 0, pairs: 0, stable: 0 });
});
process.on('disconnect', () => process.exit(0));

function scriptIn(body: Buffer): Script {
  const at = body.indexOf('[bench ');
  const found = /^\[bench (\S+) calls=(\d+) ask=(\d+) wait=(\d+) bytes=(\d+)\]/.exec(body.toString('latin1', at, at + 160));
  if (!found) throw new Error('a request without a script');
  return { session: found[1] ?? '', calls: Number(found[2]), ask: Number(found[3]), wait: Number(found[4]), bytes: Number(found[5]) };
}

function occurrences(body: Buffer): number {
  let n = 0;
  for (let at = body.indexOf(RESULT); at >= 0; at = body.indexOf(RESULT, at + RESULT.length)) n += 1;
  return n;
}

/** Does this request begin with all bytes of the one before it? */
function compare(session: string, body: Buffer): void {
  const before = last.get(session);
  if (before) {
    seen.pairs += 1;
    if (before.equals(body.subarray(0, before.length))) seen.stable += 1;
  }
  last.set(session, Buffer.from(body.subarray(0, body.lastIndexOf(TAIL))));
}

type Block = { type: 'text'; text: string } | { type: 'tool_use'; id: string; name: string; input: Record<string, unknown> };

function messageOf(script: Script, n: number, bytes: number) {
  const content: Block[] = [
    { type: 'text', text: n > script.calls ? `The best is ${script.session}-${script.calls}.` : `Looking at run ${n} of ${script.calls} next.` },
  ];
  if (n <= script.calls) content.push({ type: 'tool_use', id: `toolu_${n}`, name: toolOf(n, script), input: inputOf(n, script) });
  return {
    id: `msg_${seen.calls}`,
    type: 'message',
    role: 'assistant',
    model: 'claude-sonnet-5-5',
    content,
    stop_reason: n > script.calls ? 'end_turn' : 'tool_use',
    stop_sequence: null,
    stop_details: null,
    usage: { input_tokens: Math.ceil(bytes / 4), output_tokens: 40, cache_read_input_tokens: 0, cache_creation_input_tokens: 0 },
  };
}

function streamed(message: ReturnType<typeof messageOf>): string {
  const events: { type: string; [field: string]: unknown }[] = [
    { type: 'message_start', message: { ...message, content: [], stop_reason: null, usage: { ...message.usage, output_tokens: 1 } } },
    { type: 'ping' },
  ];
  for (const [index, block] of message.content.entries()) {
    const text = block.type === 'text' ? block.text : JSON.stringify(block.input);
    events.push({ type: 'content_block_start', index, content_block: block.type === 'text' ? { type: 'text', text: '' } : { ...block, input: {} } });
    for (let at = 0; at < text.length; at += 20) {
      const piece = text.slice(at, at + 20);
      events.push({
        type: 'content_block_delta',
        index,
        delta: block.type === 'text' ? { type: 'text_delta', text: piece } : { type: 'input_json_delta', partial_json: piece },
      });
    }
    events.push({ type: 'content_block_stop', index });
  }
  events.push({ type: 'message_delta', delta: { stop_reason: message.stop_reason, stop_sequence: null, stop_details: null }, usage: { output_tokens: 40 } });
  events.push({ type: 'message_stop' });
  return events.map((e) => `event: ${e.type}\ndata: ${JSON.stringify(e)}\n\n`).join('');
}
