import { expect, test } from 'vitest';
import { makeBreakers } from '../../src/agent/breaker.ts';
import type { ModelAnswer } from '../../src/agent/model.ts';
import { think } from '../../src/agent/think.ts';
import type { SessionEvent } from '../../src/session/events.ts';
import { next } from '../../src/session/next.ts';
import { finished, LIMITS, opened, replied, START, sessionOf } from '../session/logs.ts';

const usage = { input: 1, output: 1, cache_read: 0, cache_write: 0 };
const OUTGROWN: Record<string, ModelAnswer> = {
  'in the middle of its answer': { kind: 'reply', content: [], stop: 'model_context_window_exceeded', usage, requestId: null, model: 'm' },
  'before it answers': { kind: 'outgrown', why: 'Claude refused the request (400): prompt is too long.' },
};

test.each(Object.entries(OUTGROWN))(
  'a session that outgrows the window %s goes on without its oldest results, until nothing is left that could go',
  async (_, answer) => {
    const asked: number[] = [];
    const model = async ({ messages }: { messages: readonly Buffer[] }) => {
      asked.push(messages.reduce((sum, each) => sum + each.length, 0));
      return answer;
    };
    const deps = { model, system: '', tools: [], image: async () => null, breakers: makeBreakers(), random: () => 0.5, scrub: (text: string) => text };
    const turn = { signal: new AbortController().signal, now: () => START, sleep: () => {} };
    const events: SessionEvent[] = [opened('Look at all of them')];
    for (let n = 1; n <= 5; n++)
      events.push(replied(events.length, [{ id: `c${n}`, tool: 'fetch_mlflow_run' }]), finished(`c${n}`, { values: 'x'.repeat(4_000) }));
    while (next(sessionOf(events), START, LIMITS).do === 'think') events.push(...(await think(sessionOf(events), turn, deps)));
    const notes = events.flatMap((e) => (e.type === 'noted' ? [[e.about, e.omits_to]] : []));
    expect(notes).toEqual([
      ['recovered', 4],
      ['recovered', 6],
      ['recovered', 8],
      ['attention', undefined],
    ]);
    expect(asked.map((bytes) => Math.round(bytes / 4_000))).toEqual([5, 3, 2, 1]);
    expect(events.at(-1)).toMatchObject({ text: expect.stringMatching(/Start a new one in this thread/) });
  },
);

test('a broken picture does not hold a session up: those the model has not seen before go first, and the session goes on', async () => {
  const seen: string[] = [];
  const model = async ({ messages }: { messages: readonly Buffer[] }): Promise<ModelAnswer> => {
    const text = Buffer.concat([...messages]).toString();
    seen.push(['ok', 'bad'].filter((picture) => text.includes(`"data":"${picture}"`)).join(' '));
    if (text.includes('"data":"bad"')) return { kind: 'picture', why: 'Claude refused the request (400): Could not process image.' };
    return { kind: 'reply', content: [{ type: 'text', text: 'I see one.' }], stop: 'end_turn', usage, requestId: null, model: 'm' };
  };
  const deps = { model, system: '', tools: [], image: async (sha: string) => sha, breakers: makeBreakers(), random: () => 0.5, scrub: (text: string) => text };
  const turn = { signal: new AbortController().signal, now: () => START, sleep: () => {} };
  const picture = (call: string, sha256: string): SessionEvent => ({
    type: 'call_finished',
    call,
    outcome: { status: 'ok', text: 'done', images: [{ sha256, bytes: 3, media_type: 'image/png', alt: 'a curve' }] },
  });
  const events: SessionEvent[] = [opened('Look')];
  for (const [call, sha] of [
    ['c1', 'ok'],
    ['c2', 'bad'],
  ] as const)
    events.push(replied(events.length, [{ id: call, tool: 'get_grafana_panel' }]), picture(call, sha));
  while (next(sessionOf(events), START, LIMITS).do === 'think') events.push(...(await think(sessionOf(events), turn, deps)));
  expect(seen).toEqual(['ok bad', 'ok']);
  expect(events.at(-2)).toMatchObject({
    type: 'noted',
    about: 'recovered',
    omits_pictures: ['c2'],
    text: expect.stringContaining('without the picture of get_grafana_panel'),
  });
  expect(events.at(-1)).toMatchObject({ type: 'replied' });
});
