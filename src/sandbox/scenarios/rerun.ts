import { wordsOf } from '../print-thread.ts';
import type { Scenario } from '../scenario.ts';
import { ablationPrompt } from './ablation-prompt.ts';
import { check, newRuns, noPull } from './checks.ts';

export const rerun: Scenario = {
  name: 'rerun',
  about: 'An experiment is repeated with a change by a command, then by a button: the thread shows the line, and each run needs its own yes.',
  async play(stage, before) {
    await stage.open(ablationPrompt({ change: 'feature_set=tiny' }));
    await stage.sam.click('approve_call', await stage.card(/tiny/));
    await stage.ended();
    const alias = /\be-[a-z0-9]+\b/.exec(wordsOf((await stage.thread())[0] ?? never('There is no first message.')))?.[0] ?? '';

    await stage.priya.command('/experiment', `rerun ${alias} dropout=0.1`);
    await stage.untilThread('the place in the line', (thread) => thread.some((m) => wordsOf(m).includes(`Second of this line: ${alias} →`)));
    await stage.sam.click('approve_call', await stage.card(/0\.1/));
    await stage.ended(2);

    const last = (await stage.thread()).findLast((m) => wordsOf(m).includes('Run again')) ?? never('There is no button to run it again.');
    await stage.oscar.click('rerun_session', last);
    await stage.untilThread('the next place in the line', (thread) => thread.some((m) => wordsOf(m).includes(`Third of this line: ${alias} →`)));
    await stage.sam.click('approve_call', await stage.card(/0\.1/));
    await stage.ended(3);

    const runs = await newRuns(stage, before);
    check(runs.length === 3, `${runs.length} training runs were started instead of three.`);
    const repeated = runs.filter((run) => run.parameters['feature_set'] === 'tiny' && run.parameters['dropout'] === '0.1');
    check(repeated.length === 2, `${repeated.length} runs have the changed parameter, and two should.`);
    await noPull(stage, before);
  },
};

function never(sentence: string): never {
  throw new Error(sentence);
}
