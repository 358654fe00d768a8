import type { Scenario } from '../scenario.ts';
import { ablationPrompt } from './ablation-prompt.ts';
import { check, newRuns, noPull } from './checks.ts';

export const followUp: Scenario = {
  name: 'follow-up',
  about: "A reply after the end opens the thread's next session, which knows what the first one did.",
  async play(stage, before) {
    await stage.open(ablationPrompt({ change: 'feature_set=tiny' }));
    await stage.sam.click('approve_call', await stage.card(/tiny/));
    const first = await stage.ended();
    const [firstRun] = await newRuns(stage, before);
    await stage.priya.say('Run it again with feature_set=tiny and dropout=0.1', stage.root());
    await stage.sam.click('approve_call', await stage.card(/0\.1/));
    const second = await stage.ended(2);
    check(second.head !== first.head, 'The second session has the record of the first.');
    const runs = await newRuns(stage, before);
    check(runs.length === 2, `${runs.length} training runs were started instead of two.`);
    const again = runs.find((run) => run.runId !== firstRun?.runId);
    check(again?.parameters['feature_set'] === 'tiny' && again.parameters['dropout'] === '0.1', 'The second run does not have the changed parameters.');
    check((await stage.posts()).length === 2, 'Each session should have posted its diff once.');
    await noPull(stage, before);
  },
};
