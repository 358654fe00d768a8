import { wordsOf } from '../print-thread.ts';
import type { Scenario } from '../scenario.ts';
import { isOpenCard } from '../stage.ts';
import { ablationPrompt } from './ablation-prompt.ts';
import { check, noPull, onlyNewRun } from './checks.ts';

export const noGain: Scenario = {
  name: 'no-gain',
  about: 'A smaller feature set does not pay off: the diff goes to the channel, without a card and without a pull request.',
  async play(stage, before) {
    await stage.open(ablationPrompt({ change: 'feature_set=tiny' }));
    await stage.sam.click('approve_call', await stage.card(/101/));
    const post = await stage.until('the diff in the channel', async () => {
      check(!(await stage.thread()).some((m) => isOpenCard(m) && !/101/.test(wordsOf(m))), 'There was a card, although a post to this channel needs none.');
      return (await stage.posts())[0];
    });
    check(/val_f1/.test(wordsOf(post)), 'The post does not mention val_f1.');
    await stage.ended();
    await onlyNewRun(stage, before);
    await noPull(stage, before);
    check((await stage.posts()).length === 1, 'The diff was posted more than once.');
  },
};
