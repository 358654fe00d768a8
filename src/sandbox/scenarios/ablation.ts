import type { Scenario } from '../scenario.ts';
import { ablationPrompt } from './ablation-prompt.ts';
import { check, onlyNewRun } from './checks.ts';

export const ablation: Scenario = {
  name: 'ablation',
  about: 'A better feature set: two approvals, a comparison, one pull request, and a record whose head stands in three places.',
  async play(stage, before) {
    const { sam, oscar, backends } = stage;
    await stage.open(ablationPrompt());

    const card = await stage.card(/101/);
    await oscar.click('approve_call', card);
    await stage.until('a word to Oscar, who may not approve', async () => (await oscar.told()).length > 0);
    check((await backends.runs()).length === before.runs.length, 'A click by somebody who may not approve started a run.');
    await sam.click('approve_call', card);

    await sam.click('approve_call', await stage.card(/^Open a pull request/m));
    const { head } = await stage.ended();

    const run = await onlyNewRun(stage, before);
    check(run.jobId === '101' && run.parameters['feature_set'] === 'v2', `The run was job ${run.jobId} with feature_set=${run.parameters['feature_set']}.`);
    const pulls = (await backends.pulls()).filter((pull) => !before.pulls.includes(pull.number));
    check(pulls.length === 1, `There are ${pulls.length} new pull requests instead of one.`);
    const [pull] = pulls;
    check(pull?.title === 'feat: feature-set-v2 ablation', `The pull request is titled "${pull?.title}".`);
    check(/val_f1/.test(pull?.body ?? ''), 'The description of the pull request does not mention val_f1.');
    check((await stage.posts()).length === 0, 'Something was posted to the channel although val_f1 improved.');

    const anchored = async () => (await backends.pulls()).some((p) => p.number === pull?.number && p.body.includes(head));
    await stage.until("the record's head in the pull request", anchored);
    await stage.until("the record's head at the MLflow run", async () => (await backends.tags(run.runId))['labmate.record.sha256'] === head);
  },
};
