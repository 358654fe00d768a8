import { wordsOf } from '../print-thread.ts';
import type { Scenario } from '../scenario.ts';
import { ablationPrompt } from './ablation-prompt.ts';
import { nothingDone } from './checks.ts';

const reason = 'The cluster is booked until Friday';

export const denied: Scenario = {
  name: 'denied',
  about: 'The approver says no, and why: nothing runs, and the thread says who and why.',
  async play(stage, before) {
    await stage.open(ablationPrompt());
    const card = await stage.card(/101/);
    await stage.sam.click('deny_call', card);
    await stage.sam.submit(reason);
    await stage.ended();
    await nothingDone(stage, before);
    await stage.untilThread('the reason on the card', (thread) => thread.some((m) => m.ts === card.ts && wordsOf(m).includes(reason)));
  },
};
