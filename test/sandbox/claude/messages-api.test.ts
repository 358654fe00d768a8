import { afterAll, beforeAll, expect, test } from 'vitest';
import { type MessagesApi, startMessagesApi } from '../../../src/sandbox/claude/messages-api.ts';
import { thinking } from '../../../src/sandbox/claude/transcript-rules.ts';

const user = { role: 'user', content: 'Run it.' };
const use = (id: string) => ({ type: 'tool_use', id, name: 'run', input: {} });
const result = (id: string) => ({ type: 'tool_result', tool_use_id: id, content: 'ok' });
const tools = [{ name: 'run', input_schema: { type: 'object' } }];
const base = { model: 'claude-sonnet-5-5', max_tokens: 100, tools };

let api: MessagesApi;
beforeAll(async () => {
  api = await startMessagesApi({ answer: () => ({ content: [{ type: 'text', text: 'Done.' }] }) });
});
afterAll(() => api.close());

async function post(body: unknown, headers: Record<string, string> = { 'x-api-key': 'any' }, path = '/v1/messages') {
  const response = await fetch(`${api.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  return {
    status: response.status,
    headers: response.headers,
    body: (await response.json()) as { content?: unknown; error?: { message: string }; usage?: unknown; input_tokens?: number },
  };
}

test.each([
  ['a server-held thread', { thread: { type: 'create' }, messages: [user] }, 'thread: Extra inputs are not permitted'],
  ['no message', { messages: [] }, 'at least one message'],
  ['empty content', { messages: [{ role: 'user', content: [] }] }, 'non-empty content'],
  ['a blank text block', { messages: [{ role: 'user', content: [{ type: 'text', text: ' \n' }] }] }, 'non-whitespace'],
  ['an assistant first', { messages: [{ role: 'assistant', content: 'Hello.' }] }, 'alternate'],
  ['two users in a row', { messages: [user, user] }, 'alternate'],
  ['an assistant last', { messages: [user, { role: 'assistant', content: 'Well' }] }, 'prefill'],
  ['a tool call left unanswered at the end', { messages: [user, { role: 'assistant', content: [use('a')] }] }, 'without `tool_result` blocks'],
  [
    'one of two calls unanswered',
    { messages: [user, { role: 'assistant', content: [use('a'), use('b')] }, { role: 'user', content: [result('a')] }] },
    'after: b',
  ],
  ['a result without its call', { messages: [{ role: 'user', content: [result('a')] }] }, 'unexpected `tool_use_id`'],
  ['a result twice', { messages: [user, { role: 'assistant', content: [use('a')] }, { role: 'user', content: [result('a'), result('a')] }] }, 'single result'],
  [
    'a result behind text',
    { messages: [user, { role: 'assistant', content: [use('a')] }, { role: 'user', content: [{ type: 'text', text: 'so' }, result('a')] }] },
    'come first',
  ],
  ['an id used twice', { messages: [user, { role: 'assistant', content: [use('a'), use('a')] }, { role: 'user', content: [result('a')] }] }, 'unique'],
  [
    'calls without tools',
    { tools: [], messages: [user, { role: 'assistant', content: [use('a')] }, { role: 'user', content: [result('a')] }] },
    'must define `tools`',
  ],
  [
    'a changed thinking block',
    { messages: [user, { role: 'assistant', content: [{ ...thinking('yes'), thinking: 'no' }, use('a')] }, { role: 'user', content: [result('a')] }] },
    'Invalid `signature`',
  ],
  ['a tool without an object schema', { tools: [{ name: 'run', input_schema: {} }], messages: [user] }, "should be 'object'"],
  ['two tools of one name', { tools: [...tools, ...tools], messages: [user] }, 'unique'],
  ['no max_tokens', { max_tokens: undefined, messages: [user] }, 'max_tokens'],
])('the API answers 400 to %s, as the service does', async (_name, body, why) => {
  const answer = await post({ ...base, ...body });
  expect(answer.status).toBe(400);
  expect(answer.body.error?.message).toContain(why);
  expect(answer.headers.get('request-id')).toMatch(/^req_/);
});

test('a whole transcript with thinking and parallel calls is accepted', async () => {
  const turn = { role: 'assistant', content: [thinking('Both at once.'), use('a'), use('b')] };
  const answer = await post({ ...base, messages: [user, turn, { role: 'user', content: [result('b'), result('a'), { type: 'text', text: 'And?' }] }] });
  expect(answer).toMatchObject({ status: 200, body: { content: [{ type: 'text', text: 'Done.' }] } });
});

test('both kinds of key header open the door, and none is 401', async () => {
  const body = { ...base, messages: [user] };
  expect((await post(body, { authorization: 'Bearer k' })).status).toBe(200);
  expect((await post(body, {})).status).toBe(401);
  expect((await post(body, { 'x-api-key': 'k' }, '/v1/messages/count_tokens')).body.input_tokens).toBeGreaterThan(10);
});

test('a paused turn may stand last, and a fault meets exactly the call it names', async () => {
  const next = api.requests.length + 1;
  api.fault({ target: 'claude', kind: 'pause-turn', call: next + 1 });
  expect((await post({ ...base, messages: [user] })).body.content).toEqual([{ type: 'text', text: 'Done.' }]);
  const paused = await post({ ...base, messages: [user] });
  expect(paused.body).toMatchObject({ stop_reason: 'pause_turn' });
  expect((await post({ ...base, messages: [user, { role: 'assistant', content: paused.body.content }] })).status).toBe(200);
  expect(api.requests.slice(next - 1).map((r) => r.fault)).toEqual([null, 'pause-turn', null]);
});

test('a held call waits at the door until it is released', async () => {
  const held = api.hold();
  const before = api.requests.length;
  const answer = post({ ...base, messages: [user] });
  await held.reached;
  expect(api.requests.length).toBe(before);
  held.release();
  expect((await answer).status).toBe(200);
});

test('the cache expires after its time to live', async () => {
  let now = 0;
  const own = await startMessagesApi({ answer: () => ({ content: [{ type: 'text', text: 'Yes.' }] }), now: () => now });
  const ask = async () => {
    const response = await fetch(`${own.url}/v1/messages`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-api-key': 'k' },
      body: JSON.stringify({ ...base, cache_control: { type: 'ephemeral' }, messages: [user] }),
    });
    return ((await response.json()) as { usage: { cache_read_input_tokens: number; cache_creation_input_tokens: number } }).usage;
  };
  const size = (await ask()).cache_creation_input_tokens;
  now = 299_000;
  expect(await ask()).toMatchObject({ cache_read_input_tokens: size, cache_creation_input_tokens: 0 });
  now += 301_000;
  expect(await ask()).toMatchObject({ cache_read_input_tokens: 0, cache_creation_input_tokens: size });
  await own.close();
});
