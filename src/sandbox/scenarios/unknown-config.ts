import { wordsOf } from '../print-thread.ts';
import type { Scenario } from '../scenario.ts';
import { ablationPrompt } from './ablation-prompt.ts';
import { asked } from './asked.ts';
import { check, nothingDone, onlyNewRun } from './checks.ts';

export const unknownConfig: Scenario = {
  name: 'unknown-config',
  about: 'The config file does not exist: it asks instead of choosing one, and goes on with the answer.',
  async play(stage, before) {
    await stage.open(ablationPrompt({ config: 'missing_config.json', change: 'feature_set=tiny' }));
    await asked(stage, /missing_config\.json/);
    await nothingDone(stage, before);
    await stage.priya.say('base_config.json', stage.root());
    const card = await stage.card(/101/);
    check(wordsOf(card).includes('base_config.json'), 'The card does not show the config that was answered.');
    await stage.sam.click('approve_call', card);
    await stage.ended();
    const run = await onlyNewRun(stage, before);
    check(run.parameters['feature_set'] === 'tiny', `The run has feature_set=${run.parameters['feature_set']}.`);
  },
};
