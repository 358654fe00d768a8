import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Script } from '../../src/sandbox/claude/scripted.ts';
import { openStage, type StoryStage } from './stage.ts';

const look = (when: string): Script => ({
  when,
  steps: [{ say: 'I look.', calls: [{ tool: 'find_best_run', input: { experiment: 'ads-rank-v3', metric: 'val_f1' } }] }, { say: 'Looked.' }],
});

describe('a backend that is away', () => {
  let stage: StoryStage;
  beforeAll(async () => {
    stage = await openStage({ mode: 'socket', scripts: [look('limited'), look('overloaded'), look('broken')] });
  });
  afterAll(async () => stage?.close());
  beforeEach(() => stage.begin());

  test('a limit of MLflow is waited out as long as it says, with the worker free and the thread told', async () => {
    stage.standIns.fault({ target: 'mlflow', kind: 'status', status: 429, times: 1 });
    await stage.command('Look at the limited one');
    const session = await stage.ended();
    expect(session.ended?.outcome).toBe('done');
    expect([...session.calls.values()].map((c) => (c.status.is === 'finished' ? c.status.outcome.status : c.status.is))).toEqual(['ok']);
  });

  test('an overloaded Claude is asked again later; meanwhile no job is active', async () => {
    stage.standIns.fault({ target: 'claude', kind: 'status', status: 529, retryAfterS: 3, times: 1 });
    await stage.command('Look at the overloaded one');
    await stage.until('the stored wait, with the worker free', async () => (await stage.session())?.retry && (await stage.turns.getActiveCount()) === 0);
    await stage.shows(/Waiting for Claude/);
    expect((await stage.ended()).ended?.outcome).toBe('done');
  });

  test('an answer in HTML with a 500 says nothing false and loses nothing', async () => {
    stage.standIns.fault({ target: 'mlflow', kind: 'html', status: 500, times: 2 });
    await stage.command('Look at the broken one');
    const session = await stage.ended();
    expect(session.ended?.outcome).toBe('done');
    const result = JSON.stringify(stage.claude.requests.at(-1)?.request.messages.at(-1));
    expect(result).toContain('0.7126');
  });
});
