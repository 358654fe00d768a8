import type { Scenario } from '../scenario.ts';
import { check, onlyNewRun } from './checks.ts';

export const chain: Scenario = {
  name: 'chain',
  about: 'Four systems in a row: run the job, fetch its metrics, open the pull request, and note the result in the tracking document on its branch.',
  async play(stage, before) {
    const { sam, backends } = stage;
    await stage.open(
      'Run a training job with feature_set=v2, fetch its metrics, open a PR titled "feat: feature set v2" and update the tracking doc docs/experiments.md.',
    );
    await sam.click('approve_call', await stage.card(/101/));
    await sam.click('approve_call', await stage.card(/^Open a pull request/m));
    await sam.click('approve_call', await stage.card(/^Add a row to docs\/experiments\.md/m));
    const { words } = await stage.ended();
    check(/Noted in docs\/experiments\.md/.test(words), `The end does not say where it was noted: ${words}`);
    await onlyNewRun(stage, before);
    const pulls = (await backends.pulls()).filter((pull) => !before.pulls.includes(pull.number));
    check(pulls.length === 1, `There are ${pulls.length} new pull requests instead of one.`);
  },
};
