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
