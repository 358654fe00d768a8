import { wordsOf } from '../print-thread.ts';
import type { Scenario } from '../scenario.ts';
import { check, newRuns } from './checks.ts';

export const dropBelow: Scenario = {
  name: 'drop-below',
  about: 'F1 stays below 0.6: the feature distribution is shown in the thread before anything is trained again.',
  async play(stage, before) {
    const { sam } = stage;
    await stage.open(
      'Train ads-train with feature_set=tiny. If validation F1 drops below 0.6, check the feature distribution before re-training with feature_set=v1.',
    );
    await sam.click('approve_call', await stage.card(/feature_set=tiny/));
    const shown = () => stage.untilThread('the picture of the features', (thread) => thread.find((m) => m.files.some((f) => /distribution/.test(f.title))));
    await shown();
    check((await newRuns(stage, before)).length === 1, 'It was trained again before the feature distribution was looked at.');
    await sam.click('approve_call', await stage.card(/ads-train/));
    const { words } = await stage.ended();
    check(/"val_f1 below 0\.6" came true at step \d+/.test(words), `The end does not say what came true: ${words}`);
    const runs = await newRuns(stage, before);
    check(runs.length === 2, `${runs.length} trainings were started instead of two.`);
    check(
      (await stage.thread()).some((m) => /Best of 2: feature_set=v1/.test(wordsOf(m))),
      'The two trainings are not shown side by side.',
    );
  },
};
