import { afterAll, beforeAll, expect, test } from 'vitest';
import { wordsOf } from '../../src/sandbox/print-thread.ts';
import { openStage, type StoryStage } from './stage.ts';

let stage: StoryStage;
beforeAll(async () => {
  stage = await openStage({
    mode: 'socket',
    scripts: [{ steps: [{ say: 'I will run it.', calls: [{ tool: 'run_databricks_job', input: { job_id: '101', parameters: { feature_set: 'v2' } } }] }] }],
  });
});
afterAll(async () => stage?.close());

test('after lost data nothing is done on the strength of a card: the click is told so, and nothing runs', async () => {
  await stage.command('Run it');
  const card = await stage.card();
  // Everything this installation knew is gone, as after FLUSHALL; the cards in Slack still stand.
  const mine = await stage.redis.keys(`${stage.keys.due.replace(/due$/, '')}*`);
  await stage.redis.del(...mine);
  await stage.click('U2', card, 'approve_call');
  await stage.until('the approver to be told', () => stage.whispers('U2').find((w) => w.includes("I don't know this any more")));
  // Everybody in the thread is told, once, however often somebody clicks.
  await stage.shows("I don't know this experiment any more");
  await stage.click('U3', card, 'approve_call');
  await stage.until('the second to be told', () => stage.whispers('U3').find((w) => w.includes("I don't know this any more")));
  expect(stage.messages().filter((m) => m.onlyFor === null && wordsOf(m).includes("I don't know this experiment"))).toHaveLength(1);
  expect(stage.launches()).toHaveLength(0);
  await stage.command('status');
  await stage.until('an answer from a product that goes on', () => stage.whispers('U1').length > 1);
});
