import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Script } from '../../src/sandbox/claude/scripted.ts';
import { wordsOf } from '../../src/sandbox/print-thread.ts';
import { openStage, type StoryStage } from './stage.ts';

const BIG_JOB = '9007199254740993123';
const call = (tool: string, input: Record<string, unknown>) => ({ calls: [{ tool, input }] });
const script = (when: string, ...steps: Script['steps']): Script => ({ when, steps: [...steps, { say: 'That is all.' }] });

/** Runs job 101 with a fault and waits for it; the run's id comes from the real answer. */
function runAndWait(when: string, job: string, parameters: Record<string, string>): Script {
  const wait = { run_ids: [] as string[], until: 'all' };
  return script(
    when,
    { say: 'I will run it.', ...call('run_databricks_job', { job_id: job, parameters }) },
    {
      ...call('wait_for_job', wait),
      expect: ([started]) => {
        wait.run_ids = [String((started?.data as { run_id?: unknown } | undefined)?.run_id)];
      },
    },
  );
}

describe('bad input', () => {
  let stage: StoryStage;
  beforeAll(async () => {
    stage = await openStage({
      mode: 'socket',
      trainingSeconds: 1,
      scripts: [
        script('unknown metric', call('find_best_run', { experiment: 'ads-rank-v3', metric: 'val_f2', mode: 'max' })),
        script('unknown experiment', call('find_best_run', { experiment: 'ads-rank-v9', metric: 'val_f1' })),
        runAndWait('long id', BIG_JOB, {}),
        runAndWait('vanishing run', '101', { fail: 'vanish' }),
        runAndWait('failing run', '101', { fail: 'oom' }),
        script('no such tool', call('launch_rocket', { job_id: '101' })),
        { when: 'very long', steps: [{ say: 'Read.' }] },
      ],
    });
  });
  afterAll(async () => stage?.close());
  beforeEach(() => stage.begin());

  const outcomes = async () => [...((await stage.ended()).calls.values() ?? [])].map((c) => (c.status.is === 'finished' ? c.status.outcome : null));
  const whispered = (to: string, words: RegExp) =>
    stage.until(`${to} to be told ${words}`, () => stage.messages().findLast((m) => m.onlyFor === to && words.test(wordsOf(m))));
  const approve = async () => stage.click('U2', await stage.card(), 'approve_call');

  test('a word near a subcommand is answered privately and opens nothing', async () => {
    await stage.command('stats');
    await whispered('U1', /status/);
    expect(await stage.session()).toBeNull();
  });

  test('no text is answered with the help, privately', async () => {
    await stage.command('');
    await whispered('U1', /\/experiment/);
    expect(await stage.session()).toBeNull();
  });

  test('a channel that is not served is answered privately', async () => {
    await stage.command('Run the training job', 'U1', 'C0RANDOM');
    await whispered('U1', /ml-experiments|C0ML/);
    expect(await stage.session()).toBeNull();
  });

  test('40,000 characters are a prompt like any other, kept to the letter', async () => {
    const prompt = `very long ${'x'.repeat(39_990)}`;
    await stage.command(prompt);
    expect((await stage.ended()).opened.prompt).toBe(prompt);
    await stage.shows(/record: \d+ lines/);
  });

  test('a metric that does not exist gives near misses, never some run', async () => {
    await stage.command('Look for the unknown metric');
    const [found] = await outcomes();
    expect(found?.data?.['run_id']).toBeUndefined();
    expect(found?.text).toMatch(/val_f1/);
  });

  test('an experiment that does not exist is said to be none', async () => {
    await stage.command('Look in the unknown experiment');
    const [found] = await outcomes();
    expect(found?.data?.['run_id']).toBeUndefined();
    expect(found?.text).toMatch(/ads-rank-v9/);
  });

  test('a job id with 19 digits is kept exact on the card, in the call and in the run', async () => {
    await stage.command('Run the long id');
    expect(JSON.stringify((await stage.card()).blocks)).toContain(BIG_JOB);
    await approve();
    expect((await outcomes()).map((o) => o?.status)).toEqual(['ok', 'ok']);
    expect(stage.launches().at(-1)?.jobId).toBe(BIG_JOB);
  });

  test('a run that vanishes is told as that', async () => {
    await stage.command('Run the vanishing run');
    await approve();
    const [, waited] = await outcomes();
    expect(waited?.text).toMatch(/no such run|does not know|vanished|gone/i);
  });

  test('a run that fails is told with its cause', async () => {
    await stage.command('Run the failing run');
    await approve();
    const [, waited] = await outcomes();
    expect(waited?.text).toMatch(/out of memory|OutOfMemory|OOM/i);
    await stage.shows(/out of memory|OutOfMemory|OOM/i);
  });

  test('a tool that does not exist is an error the model can read, and the session lives', async () => {
    await stage.command('Call no such tool');
    const [failed] = await outcomes();
    expect(failed).toMatchObject({ status: 'failed', text: expect.stringContaining('launch_rocket') });
  });
});
