import type { Scenario } from '../scenario.ts';
import { check, onlyNewRun } from './checks.ts';

export const diverges: Scenario = {
  name: 'diverges',
  about: 'A training that diverges is stopped as soon as it does: the own run, without another question.',
  async play(stage, before) {
    await stage.open('Train ads-train with learning_rate=1 and stop it if it diverges.');
    await stage.sam.click('approve_call', await stage.card(/learning_rate=1/));
    const { words } = await stage.ended();
    check(/"val_f1 not a number" came true at step 3/.test(words), `The end does not say what came true: ${words}`);
    check(/CANCELED/.test(words), `The run was not canceled: ${words}`);
    await onlyNewRun(stage, before);
  },
};
