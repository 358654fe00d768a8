import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { claude, modelFacts } from '../../src/agent/claude.ts';
import type { ModelAnswer, ModelRequest } from '../../src/agent/model.ts';
import type { ClaudeFault } from '../../src/sandbox/claude/faults.ts';
import { type MessagesApi, startMessagesApi } from '../../src/sandbox/claude/messages-api.ts';
import type { Reply } from '../../src/sandbox/claude/messages-types.ts';
import { thinking } from '../../src/sandbox/claude/transcript-rules.ts';

const key = 'sk-test-not-to-be-shown';
const model = 'claude-sonnet-5-5';
const tools = [
  { name: 'get_job_status', description: 'Says how a run is doing.', input_schema: { type: 'object', properties: { run_id: { type: 'string' } } } },
];
const status: Reply = {
  content: [
    thinking('I should look — 見る.'),
    { type: 'text', text: 'Looking at the run first.' },
    { type: 'tool_use', id: 'toolu_1', name: 'get_job_status', input: { run_id: '9007199254740993', deep: { a: [1, 2.5, null] } } },
  ],
};

let api: MessagesApi;
let says: Reply = status;
beforeAll(async () => {
  api = await startMessagesApi({ answer: () => says, key, models: [model] });
});
afterEach(() => {
  says = status;
  api.fault(null);
});
afterAll(() => api.close());

const asBytes = (messages: unknown[]) => [Buffer.from(JSON.stringify(messages).slice(1, -1))];
const question = { role: 'user', content: [{ type: 'text', text: 'How is run 9007199254740993?' }] };

function request(over: Partial<ModelRequest> = {}): ModelRequest {
  return {
    system: 'You help.',
    tools,
    messages: asBytes([question]),
    maxTokens: 32_000,
    signal: new AbortController().signal,
    ...over,
  };
}
async function ask(over: Partial<ModelRequest> = {}, silenceMs?: number): Promise<ModelAnswer> {
  return claude({ apiKey: key, baseUrl: api.url, model, silenceMs })(request(over));
}
const servers: Server[] = [];
afterAll(() => {
  for (const server of servers) server.close();
});

/** A server that answers everything alike. */
async function answering(status: number, headers: Record<string, string>, body: string): Promise<string> {
  const server = createServer((_, response) => response.writeHead(status, headers).end(body));
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function askWith(fault: Record<string, unknown>, over: Partial<ModelRequest> = {}): Promise<ModelAnswer> {
  api.fault({ target: 'claude', times: 1, ...fault } as unknown as ClaudeFault);
  return ask(over, 300);
}

test('a streamed reply comes back as the very blocks that were sent, thinking and signature included', async () => {
  const answer = await ask();
  expect(answer).toMatchObject({ kind: 'reply', content: status.content, stop: 'tool_use', model, requestId: expect.stringMatching(/^req_/) });
  // A plain value: what the log stores and sends back is all there is.
  expect(answer.kind === 'reply' && structuredClone(answer.content)).toEqual(status.content);
  expect(api.requests.at(-1)?.request).toMatchObject({ stream: true, cache_control: { type: 'ephemeral' }, max_tokens: 32_000 });
});

/** A connection is used again a turn of the loop after its answer was read. */
const free = () => new Promise((resolve) => setTimeout(resolve, 20));

test('what goes out is byte for byte what was prepared, over a kept connection, with the headers of the SDK', async () => {
  const bodies: Buffer[] = [];
  const seen: IncomingHttpHeaders[] = [];
  const sockets = new Set<unknown>();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    sockets.add(request.socket);
    seen.push(request.headers);
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      bodies.push(Buffer.concat(chunks));
      response.writeHead(529).end('{}');
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  // What a careless hand would change: a lone surrogate's replacement, a number past 2^53, escapes, spaces, a key twice.
  const messages = [
    Buffer.from('{"role":"user","content":"é\\u00e9 ‮ \\ud83d\\ude00 😀"},'),
    Buffer.from('{"role" : "user", "n":9007199254740993,"n":1.0,"content":[] }'),
  ];
  const say = claude({ apiKey: key, baseUrl, model });
  for (const maxTokens of [8_192, 32_768]) {
    await say(request({ messages, maxTokens }));
    await free();
  }
  const head = JSON.stringify({ model, stream: true, cache_control: { type: 'ephemeral' }, system: 'You help.', tools });
  const prefix = Buffer.concat([Buffer.from(`${head.slice(0, -1)},"messages":[`), ...messages]);
  expect(bodies).toEqual([8_192, 32_768].map((n) => Buffer.concat([prefix, Buffer.from(`],"max_tokens":${n}}`)])));
  expect(seen[0]).toMatchObject({ 'content-type': 'application/json', 'anthropic-version': expect.any(String), authorization: `Bearer ${key}` });
  expect(sockets.size).toBe(1);
});

test('a connection that the server closed while it was kept is not an outage: the request goes out on a new one', async () => {
  let asked = 0;
  let closed = 0;
  const served = new WeakSet();
  const server = createServer(({ socket }, response) => {
    if (served.has(socket)) {
      closed += 1;
      return void socket.destroy();
    }
    served.add(socket);
    asked += 1;
    response.writeHead(529, { 'content-length': 2 }).end('{}');
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const say = claude({ apiKey: key, baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, model });
  for (let i = 0; i < 2; i++) {
    expect(await say(request())).toMatchObject({ kind: 'wait', why: 'Claude is overloaded (529).' });
    await free();
  }
  expect(asked).toBe(2);
  expect(closed).toBe(1);
});

test('the second request reads from the cache everything that the first one wrote', async () => {
  const first = await ask({ system: 'A prompt of this test alone.' });
  if (first.kind !== 'reply') throw new Error(first.kind);
  const messages = [
    question,
    { role: 'assistant', content: first.content },
    { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'toolu_1', content: [{ type: 'text', text: '{"status":"RUNNING"}' }] }] },
  ];
  const second = await ask({ system: 'A prompt of this test alone.', messages: asBytes(messages) });
  if (second.kind !== 'reply') throw new Error(second.kind);
  expect(first.usage).toMatchObject({ input: 0, cache_read: 0, cache_write: expect.any(Number) });
  expect(second.usage.cache_read).toBe(first.usage.cache_write);
  const changed = await ask({ system: 'A prompt of this test alone!', messages: asBytes(messages) });
  expect(changed.kind === 'reply' && changed.usage.cache_read).toBe(0);
});

test('a picture with a good beginning and a broken rest is told as that: without it the request would do', async () => {
  const whole = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==', 'base64');
  const asked = (data: Uint8Array) => {
    const source = { type: 'base64', media_type: 'image/png', data: Buffer.from(data).toString('base64') };
    const call = { type: 'tool_use', id: 'toolu_p', name: 'get_grafana_panel', input: {} };
    const result = { type: 'tool_result', tool_use_id: 'toolu_p', content: [{ type: 'image', source }] };
    return ask({ messages: asBytes([question, { role: 'assistant', content: [call] }, { role: 'user', content: [result] }]) });
  };
  expect(await asked(whole)).toMatchObject({ kind: 'reply' });
  expect(await asked(whole.subarray(0, whole.length / 2))).toEqual({
    kind: 'picture',
    why: 'Claude refused the request (400): messages.2.content.0.tool_result.content.0: Could not process image',
  });
});

test.each([
  [429, 12, { kind: 'wait', why: 'Claude limits our rate (429).', retryAfterMs: 12_000 }],
  [529, undefined, { kind: 'wait', why: 'Claude is overloaded (529).', retryAfterMs: null }],
  [500, undefined, { kind: 'wait', why: 'Claude had an error of its own (500).', retryAfterMs: null }],
  [408, undefined, { kind: 'wait' }],
  [409, undefined, { kind: 'wait' }],
  [400, undefined, { kind: 'final', why: 'Claude refused the request (400): The stand-in was told to answer 400.' }],
  [401, undefined, { kind: 'final', why: expect.stringContaining('ANTHROPIC_API_KEY') }],
  [402, undefined, { kind: 'final', why: expect.stringContaining('credit') }],
  [403, undefined, { kind: 'final', why: expect.stringContaining(model) }],
  [404, undefined, { kind: 'final', why: expect.stringContaining('ANTHROPIC_MODEL') }],
  [413, undefined, { kind: 'outgrown', why: expect.stringContaining('too large') }],
  [422, undefined, { kind: 'final' }],
])('status %i is told as a wait or an end, and is asked once only', async (code, retryAfterS, wanted) => {
  const before = api.requests.length;
  expect(await askWith({ kind: 'status', status: code, retryAfterS })).toMatchObject(wanted);
  expect(api.requests.length - before).toBe(1);
});

test.each([
  ['an error event inside the stream', { kind: 'error-event' }, 'Claude is overloaded (529).'],
  ['a stream cut in the middle', { kind: 'cut' }, "Claude's answer broke off or could not be read."],
  ['a stream cut after its first bytes', { kind: 'cut', bytes: 10 }, "Claude's answer broke off or could not be read."],
  ['a line that is not JSON', { kind: 'malformed' }, "Claude's answer broke off or could not be read."],
  ['a stream that falls silent', { kind: 'hang', bytes: 400 }, 'Claude stopped answering in the middle of a turn.'],
  ['no answer at all', { kind: 'hang' }, 'Claude stopped answering in the middle of a turn.'],
  ['arguments that are not JSON', { kind: 'bad-input' }, "Claude's reply could not be used: the arguments of a tool call are not JSON."],
])('%s is a wait with its reason', async (_name, fault, why) => {
  expect(await askWith(fault)).toEqual({ kind: 'wait', why, retryAfterMs: null });
});

test('an error event that says the request is wrong ends the asking', async () => {
  expect(await askWith({ kind: 'error-event', category: 'invalid_request_error' })).toMatchObject({ kind: 'final' });
});

test('a tool call that was cut off by max_tokens shows by its stop reason, and its arguments are not repaired', async () => {
  const answer = await askWith({ kind: 'max-tokens' });
  expect(answer).toMatchObject({ kind: 'reply', stop: 'max_tokens' });
  expect(answer.kind === 'reply' && answer.content.at(-1)).toMatchObject({ type: 'tool_use', input: {} });
});

test.each([
  ['refusal', { kind: 'reply', stop: 'refusal', content: [], refusal: 'frontier_llm' }],
  ['empty', { kind: 'reply', stop: 'end_turn', content: [] }],
  ['pause-turn', { kind: 'reply', stop: 'pause_turn' }],
  ['context-exceeded', { kind: 'reply', stop: 'model_context_window_exceeded' }],
])('the ending %s is a reply that the session can branch on', async (kind, wanted) => {
  expect(await askWith({ kind })).toMatchObject(wanted);
});

test('an address where nobody listens, or a page of HTML, is a wait and names no secret', async () => {
  const nobody = await claude({ apiKey: key, baseUrl: 'http://user:hidden@127.0.0.1:1', model })(request());
  expect(nobody).toEqual({ kind: 'wait', why: "Claude can't be reached at 127.0.0.1:1 (ECONNREFUSED).", retryAfterMs: null });
  const closed = await claude({ apiKey: key, baseUrl: 'http://127.0.0.1:9', model })(request());
  expect(closed).toMatchObject({ kind: 'wait', why: expect.stringMatching(/^Claude can't be reached at 127\.0\.0\.1:9/) });
  const html = await answering(200, { 'content-type': 'text/html' }, '<html>gateway</html>');
  expect(await claude({ apiKey: key, model, baseUrl: html })(request())).toMatchObject({ kind: 'wait' });
});

test.each([
  ['no message', { type: 'message_start' }],
  ['no usage', { type: 'message_start', message: { id: 'm', type: 'message', role: 'assistant', model: 'x', content: [] } }],
  ['no model', { type: 'message_start', message: { id: 'm', type: 'message', role: 'assistant', content: [], usage: { input_tokens: 1, output_tokens: 1 } } }],
  [
    'words for counts',
    {
      type: 'message_start',
      message: { id: 'm', type: 'message', role: 'assistant', model: 'x', content: [], usage: { input_tokens: 'many', output_tokens: 1 } },
    },
  ],
  ['nothing', null],
])('a stream that is not of the shape it should have, with %s, is a wait', async (_, first) => {
  const events = [
    first,
    { type: 'content_block_start', index: 0, content_block: { type: 'text', text: 'hello' } },
    { type: 'content_block_stop', index: 0 },
    { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 2 } },
    { type: 'message_stop' },
  ];
  const body = events.map((event) => `event: ${event?.type ?? 'message_start'}\ndata: ${JSON.stringify(event)}\n\n`).join('');
  const odd = await answering(200, { 'content-type': 'text/event-stream' }, body);
  expect(await claude({ apiKey: key, model, baseUrl: odd })(request())).toMatchObject({ kind: 'wait' });
});

test('a refused key is never repeated, whatever the answer says', async () => {
  const echo = await answering(403, {}, JSON.stringify({ type: 'error', error: { type: 'permission_error', message: `no rights for ${key}` } }));
  const answer = await claude({ apiKey: key, model, baseUrl: echo })(request());
  expect(answer).toEqual({ kind: 'final', why: `The key in ANTHROPIC_API_KEY may not use ${model} (403): no rights for [key]` });
  expect(await claude({ apiKey: 'wrong', baseUrl: api.url, model })(request())).toMatchObject({ kind: 'final', why: expect.stringContaining('401') });
});

test('retry-after is read as ms, as seconds and as a date', async () => {
  const at = new Date(Date.now() + 60_000).toUTCString();
  for (const [header, low, high] of [
    [{ 'retry-after-ms': '1500' }, 1500, 1500],
    [{ 'retry-after': '0.5' }, 500, 500],
    [{ 'retry-after': at }, 55_000, 61_000],
    [{ 'retry-after': 'soon' }, null, null],
  ] as const) {
    const limited = await answering(429, header, JSON.stringify({ type: 'error', error: { type: 'rate_limit_error', message: 'slow down' } }));
    const answer = await claude({ apiKey: key, model, baseUrl: limited })(request());
    if (answer.kind !== 'wait') throw new Error(answer.kind);
    if (low === null) expect(answer.retryAfterMs).toBeNull();
    else expect(answer.retryAfterMs).toSatisfy((ms: number) => ms >= low && ms <= high);
  }
});

test('our own signal ends the call at once, before and in the middle of the stream', async () => {
  expect(await ask({ signal: AbortSignal.abort() })).toEqual({ kind: 'aborted' });
  const stop = new AbortController();
  api.fault({ target: 'claude', kind: 'hang', bytes: 500, times: 1 });
  setTimeout(() => stop.abort(), 100);
  expect(await ask({ signal: stop.signal })).toEqual({ kind: 'aborted' });
});

test('an unknown model is told by both doors, a known one with its limits', async () => {
  const options = { apiKey: key, baseUrl: api.url, model: 'claude-none' };
  expect(await claude(options)(request())).toEqual({
    kind: 'final',
    why: 'Claude does not know the model "claude-none" (404). Whoever runs the bot should check ANTHROPIC_MODEL.',
  });
  expect(await modelFacts(options)).toEqual({ known: false, why: expect.stringContaining('"claude-none"') });
  expect(await modelFacts({ ...options, model })).toMatchObject({ known: true, id: model, lifecycle: 'active', maxTokens: 64_000 });
});
