import type { Scenario } from '../scenario.ts';
import { isOpenCard } from '../stage.ts';
import { check, nothingDone } from './checks.ts';

export const prodRefused: Scenario = {
  name: 'prod-refused',
  about: 'A production job is refused before anybody is asked.',
  async play(stage, before) {
    await stage.open('Run job 900 with feature_set=v2. Wait for it to complete. Compare its val_f1 to the best run in experiment "ads-rank-v3".');
    const seen = await stage.untilThread('the end', (thread) => {
      check(!thread.some(isOpenCard), 'A card appeared for a job in production.');
      return thread.some((m) => /record: \d+ lines/.test(m.text)) && thread;
    });
    check(!seen.some(isOpenCard), 'A card appeared for a job in production.');
    const { words } = await stage.ended();
    check(/\bprod/i.test(words), 'The final message does not say that the job belongs to production.');
    await nothingDone(stage, before);
  },
};
