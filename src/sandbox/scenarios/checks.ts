import type { BackendRun } from '../backends.ts';
import type { Before } from '../scenario.ts';
import type { Stage } from '../stage.ts';

/** Fails the scenario with this sentence where it does not hold. */
export function check(holds: boolean, sentence: string): void {
  if (!holds) throw new Error(sentence);
}

export async function newRuns({ backends }: Stage, before: Before): Promise<BackendRun[]> {
  return (await backends.runs()).filter((run) => !before.runs.includes(run.runId));
}

export async function onlyNewRun(stage: Stage, before: Before): Promise<BackendRun> {
  const runs = await newRuns(stage, before);
  const [run] = runs;
  if (!run || runs.length > 1) throw new Error(`${runs.length} training runs were started instead of one.`);
  return run;
}

/** Nothing was trained and no pull request was opened. */
export async function nothingDone(stage: Stage, before: Before): Promise<void> {
  const runs = await newRuns(stage, before);
  check(runs.length === 0, `${runs.length} training runs were started, and there should be none.`);
  await noPull(stage, before);
}

export async function noPull({ backends }: Stage, before: Before): Promise<void> {
  const pulls = (await backends.pulls()).filter((pull) => !before.pulls.includes(pull.number));
  check(pulls.length === 0, `A pull request was opened, and there should be none: "${pulls[0]?.title}".`);
}
