import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Script } from '../../src/sandbox/claude/scripted.ts';
import { openStage, type StoryStage } from './stage.ts';

const run = (when: string, parameters: Record<string, string>): Script => ({
  when,
  steps: [{ say: 'I will run the job.', calls: [{ tool: 'run_databricks_job', input: { job_id: '101', parameters } }] }, { say: 'Finished.' }],
});

describe('a line of experiments, over real processes', () => {
  let stage: StoryStage;
  beforeAll(async () => {
    stage = await openStage({
      mode: 'socket',
      // The more exact opening first: a repetition holds the words of what it repeats.
      scripts: [
        run('Run it again with feature_set=v3 and dropout=0.1', { feature_set: 'v3', dropout: '0.1' }),
        run('Run it again with feature_set=v3', { feature_set: 'v3' }),
        run('the first of the line', { feature_set: 'v2' }),
      ],
    });
  });
  afterAll(async () => stage?.close());

  test('is repeated by command and by button; each needs its own yes, each knows where it stands, and asking about it costs no tokens', async () => {
    await stage.begin();
    await stage.command('Run the first of the line with feature_set=v2');
    await stage.click('U2', await stage.card(), 'approve_call');
    const one = await stage.ended();
    const root = (await stage.reading.root(one.id))?.ts;

    await stage.begin();
    await stage.command(`rerun ${one.opened.alias} feature_set=v3`);
    await stage.click('U2', await stage.card(), 'approve_call');
    const two = await stage.ended();
    expect(two.opened).toMatchObject({ thread: root, rerun_of: { session: one.id, head: one.head, line: 2, changes: { feature_set: 'v3' } } });
    await stage.shows(`Second of this line: ${one.opened.alias} → ${two.opened.alias}`);

    // A session's end is in the log before it is in the thread.
    const final = await stage.until('the final message of the second', () =>
      stage.messages().find((m) => stage.button(m, 'rerun_session') && JSON.stringify(m.blocks).includes(`"value":"${two.id}"`)),
    );
    await stage.begin();
    await stage.command(`rerun ${two.opened.alias} dropout=0.1`);
    await stage.click('U2', await stage.card(), 'approve_call');
    const three = await stage.ended();
    expect(three.opened.prompt).toBe(
      'Run it again with feature_set=v3 and dropout=0.1. What was asked first:\n\nRun the first of the line with feature_set=v2',
    );
    await stage.shows(`Third of this line: ${one.opened.alias} → ${two.opened.alias} → ${three.opened.alias}`);

    await stage.begin();
    await stage.click('U4', final, 'rerun_session');
    await stage.click('U2', await stage.card(), 'approve_call');
    const four = await stage.ended();
    expect(four.opened).toMatchObject({ by: 'U4', prompt: two.opened.prompt, door: 'button', rerun_of: { alias: two.opened.alias, line: 3 } });

    expect(stage.launches().map((launch) => launch.parameters)).toMatchObject([
      { feature_set: 'v2' },
      { feature_set: 'v3' },
      { feature_set: 'v3', dropout: '0.1' },
      { feature_set: 'v3' },
    ]);
    // Nothing is asked of a model for these.
    const asked = stage.claude.requests.length;
    await stage.command(`show ${three.opened.alias}`);
    await stage.until('the place in the line', () => stage.whispers('U1').find((w) => w.includes('Third of four in this line')));
    await stage.command('find dropout 0.1');
    await stage.until('what find found', () => stage.whispers('U1').find((w) => w.includes('Found for') && w.includes(three.opened.alias)));
    await stage.command('best ads-rank-v3 val_f1');
    await stage.until('the best run', () => stage.whispers('U1').find((w) => w.includes('Best val_f1 in ads-rank-v3')));
    await stage.command(`compare ${one.opened.alias} ${three.opened.alias}`);
    await stage.until('the comparison', () => stage.whispers('U1').find((w) => /against baseline|I could not compare them/.test(w)));
    expect(stage.claude.requests).toHaveLength(asked);
    stage.model.check();
  });
});
