import type { Scenario } from '../scenario.ts';
import { ablationPrompt } from './ablation-prompt.ts';
import { check, noPull, onlyNewRun } from './checks.ts';

export const jobFails: Scenario = {
  name: 'job-fails',
  about: 'The training runs out of memory: its cause stands in the thread, and nothing is compared or opened.',
  async play(stage, before) {
    await stage.open(ablationPrompt({ change: 'fail=oom' }));
    await stage.sam.click('approve_call', await stage.card(/101/));
    const { words } = await stage.ended();
    check(/out of memory/i.test(words), 'The final message does not say that the training ran out of memory.');
    const run = await onlyNewRun(stage, before);
    check(run.result === 'FAILED', `The run ended as ${run.result}.`);
    await noPull(stage, before);
    check((await stage.posts()).length === 0, 'Something was posted to the channel although there was nothing to compare.');
  },
};
