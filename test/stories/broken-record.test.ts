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

test('I13 where a record was changed nothing is done on its word, and the thread says so once', async () => {
  await stage.command('Run it');
  const card = await stage.card();
  const session = (await stage.session())!;
  const log = stage.keys.log(session.id);
  const rows = await stage.redis.xrange(log, '-', '+');
  // Somebody gives the run other parameters, and clicks.
  await stage.redis.del(log);
  for (const [id, fields] of rows) await stage.redis.xadd(log, id, ...fields.map((f) => f.replaceAll('"v2"', '"v9"')));
  await stage.redis.zadd(stage.keys.due, 0, session.id);
  await stage.shows('This experiment is set aside');
  await stage.click('U2', card, 'approve_call');
  await stage.until('the approver to be told', () => stage.whispers('U2').length > 0);
  expect(stage.launches()).toHaveLength(0);
  expect(stage.messages().filter((m) => wordsOf(m).includes('This experiment is set aside'))).toHaveLength(1);
  expect(await stage.redis.hget(stage.keys.st(session.id), 'status')).toBe('broken');
});
