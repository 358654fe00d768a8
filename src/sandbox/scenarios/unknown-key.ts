import type { Scenario } from '../scenario.ts';
import { ablationPrompt } from './ablation-prompt.ts';
import { asked } from './asked.ts';
import { check, nothingDone, onlyNewRun } from './checks.ts';

export const unknownKey: Scenario = {
  name: 'unknown-key',
  about: 'A misspelt parameter: it is named and asked about, never sent and never corrected in silence.',
  async play(stage, before) {
    await stage.open(ablationPrompt({ change: 'feature_sett=tiny' }));
    await asked(stage, /feature_sett/);
    await nothingDone(stage, before);
    await stage.priya.say('feature_set', stage.root());
    await stage.sam.click('approve_call', await stage.card(/101/));
    await stage.ended();
    const { parameters } = await onlyNewRun(stage, before);
    check(parameters['feature_set'] === 'tiny', `The run has feature_set=${parameters['feature_set']}.`);
    check(!('feature_sett' in parameters), 'The misspelt parameter was sent.');
  },
};
