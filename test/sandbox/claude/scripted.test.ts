import { expect, test } from 'vitest';
import type { Message, MessagesRequest } from '../../../src/sandbox/claude/messages-types.ts';
import { scriptedModel } from '../../../src/sandbox/claude/scripted.ts';

const call = (tool: string) => ({ tool, input: {} });
const opening: Message = { role: 'user', content: 'Run the "v2" job.' };
const asks: Message = { role: 'assistant', content: [{ type: 'tool_use', id: 'call_1', name: 'run', input: {} }] };
const answered: Message = { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'call_1', content: '{"run_id":"7"}' }] };
const request = (...messages: Message[]): MessagesRequest => ({ model: 'm', max_tokens: 1, messages });

test('the step follows from the request, so asking twice gets the same answer', async () => {
  const seen: unknown[] = [];
  const model = scriptedModel({
    steps: [
      { say: 'First.', calls: [call('run')] },
      { say: 'Done.', expect: ([got]) => seen.push(got?.data) },
    ],
  });
  const first = {
    content: [
      { type: 'text', text: 'First.' },
      { type: 'tool_use', id: 'call_1', name: 'run', input: {} },
    ],
  };
  expect(await model.answer(request(opening))).toEqual(first);
  expect(await model.answer(request(opening))).toEqual(first);
  expect(await model.answer(request(opening, asks, answered))).toEqual({ content: [{ type: 'text', text: 'Done.' }] });
  expect(seen).toEqual([{ run_id: '7' }]);
  model.check();
});

test('a step that nobody asked for fails the check', async () => {
  const model = scriptedModel({ steps: [{ calls: [call('run')] }, { say: 'Done.' }] });
  await model.answer(request(opening));
  expect(() => model.check()).toThrow('step 2 was never asked for');
});

test('a request that no step stands for is refused and remembered', async () => {
  const model = scriptedModel({ steps: [{ calls: [call('run')] }] });
  await model.answer(request(opening));
  expect(() => model.answer(request(opening, asks, answered))).toThrow('step 2 of 1');
  expect(() => model.check()).toThrow('step 2 of 1');
});

test('a tool result more or less than the script has calls is refused', () => {
  const model = scriptedModel({ steps: [{ say: 'No call.' }, { say: 'Done.' }] });
  expect(() => model.answer(request(opening, asks, answered))).toThrow('behind 0 tool results, and the request holds 1');
});

test('each session is played by the script whose words stand in its opening', async () => {
  const model = scriptedModel({ when: 'the "v2" job', steps: [{ say: 'two' }] }, { when: 'v3', steps: [{ say: 'three' }] });
  expect(await model.answer(request(opening))).toMatchObject({ content: [{ text: 'two' }] });
  expect(await model.answer(request({ role: 'user', content: 'v3 please' }))).toMatchObject({ content: [{ text: 'three' }] });
  expect(() => model.answer(request({ role: 'user', content: 'v4' }))).toThrow('no script fits');
});
