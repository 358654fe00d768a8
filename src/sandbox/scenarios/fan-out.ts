import { wordsOf } from '../print-thread.ts';
import type { Scenario } from '../scenario.ts';
import { check, newRuns } from './checks.ts';

export const fanOut: Scenario = {
  name: 'fan-out',
  about: 'Three trainings side by side: one card, one wait, one chart over all, and the best named with what is known of noise.',
  async play(stage, before) {
    await stage.open('Try feature_set v1, v2 and v3 side by side and tell me which is best by val_f1.');
    await stage.sam.click('approve_all', await stage.card(/feature_set=v1/));
    const ranking = await stage.untilThread('the three over each other', (thread) => thread.find((m) => /Best of 3: feature_set=v2/.test(wordsOf(m))));
    const chart = ranking.blocks.find((b) => (b as { type?: string }).type === 'data_visualization') as { chart?: { series?: unknown[] } } | undefined;
    check(chart?.chart?.series?.length === 3, 'The chart does not have a line for each of the three.');
    check(/best of 3, which flatters it/.test(wordsOf(ranking)), 'Nothing is said of picking the best of three after the fact.');
    const { words } = await stage.ended();
    check(/feature_set=v2/.test(words), `The end does not name the best: ${words}`);
    const sets = (await newRuns(stage, before)).map((run) => run.parameters['feature_set']).sort();
    check(sets.join() === 'v1,v2,v3', `The trainings were ${sets.join()}.`);
  },
};
