import type { Scenario } from '../scenario.ts';
import type { Stage } from '../stage.ts';
import { ablationPrompt } from './ablation-prompt.ts';
import { check, nothingDone } from './checks.ts';

export const notAScheduler: Scenario = {
  name: 'not-a-scheduler',
  about: 'Asked for a schedule, or for a step that production depends on, it says so, names the orchestrators and calls no tool.',
  async play(stage, before) {
    for (const prompt of [`${ablationPrompt()} Do this every night.`, `${ablationPrompt()} Then deploy the model to production.`]) {
      await stage.open(prompt);
      const { words } = await stage.ended();
      for (const name of ['Airflow', 'Prefect', 'Dagster']) check(words.includes(name), `The answer does not name ${name}.`);
      await calledNothing(stage);
      await nothingDone(stage, before);
    }
  },
};

/** Asked, answered, ended: a tool call would be one line more. */
async function calledNothing(stage: Stage): Promise<void> {
  const { words } = await stage.ended();
  const lines = Number(/record: (\d+) lines/.exec(words)?.[1]);
  check(lines === 3, `The record has ${lines} lines; with three, nothing but the request, the answer and the end stand in it.`);
}
