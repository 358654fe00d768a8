import { backendsOf } from './backends.ts';
import { storyScenario } from './play-story.ts';
import { ablation } from './scenarios/ablation.ts';
import { chain } from './scenarios/chain.ts';
import { denied } from './scenarios/denied.ts';
import { diverges } from './scenarios/diverges.ts';
import { dropBelow } from './scenarios/drop-below.ts';
import { fanOut } from './scenarios/fan-out.ts';
import { followUp } from './scenarios/follow-up.ts';
import { jobFails } from './scenarios/job-fails.ts';
import { mount } from './scenarios/mount.ts';
import { noGain } from './scenarios/no-gain.ts';
import { notAScheduler } from './scenarios/not-a-scheduler.ts';
import { prodRefused } from './scenarios/prod-refused.ts';
import { rerun } from './scenarios/rerun.ts';
import { unknownConfig } from './scenarios/unknown-config.ts';
import { unknownKey } from './scenarios/unknown-key.ts';
import type { SlackStandIn } from './slack/slack-stand-in.ts';
import { snapshotOf } from './snapshot.ts';
import { type Stage, type StageParts, setStage } from './stage.ts';

/** A story that people and labmate play together. It throws with a clear sentence where it goes another way. */
export type Scenario = { name: string; about: string; play(stage: Stage, before: Before): Promise<void> };
/** What was there before the scenario began. */
export type Before = { runs: string[]; pulls: number[] };

export const scenarios: readonly Scenario[] = [
  ablation,
  noGain,
  denied,
  jobFails,
  prodRefused,
  unknownConfig,
  unknownKey,
  followUp,
  rerun,
  dropBelow,
  diverges,
  fanOut,
  chain,
  mount,
  notAScheduler,
];

/** The scenario of this name, or the story saved in this file; an Error that lists them all where there is none. */
export function findScenario(name: string): Scenario {
  if (name.endsWith('.json')) return storyScenario(name);
  const found = scenarios.find((scenario) => scenario.name === name);
  if (found) return found;
  throw new Error(`There is no scenario "${name}". There are:\n${scenarios.map((s) => `  ${s.name.padEnd(15)} ${s.about}`).join('\n')}`);
}

/** Plays a scenario on a sandbox that runs: its workspace, and the variables that name its backends. */
export function playInSandbox(
  name: string,
  sandbox: { slack: SlackStandIn; variables: Readonly<Record<string, string>> },
  write: (text: string) => void,
): Promise<boolean> {
  const { slack, variables } = sandbox;
  const snapshot = () => snapshotOf(slack.world, slack.origin, { banner: '', simulated: [] });
  return playScenario(findScenario(name), { act: slack.act, snapshot, backends: backendsOf(variables), patienceMs: 30_000 }, write);
}

/** Plays one scenario to its end, writes its thread down, and says whether it went as it should. */
export async function playScenario(scenario: Scenario, parts: StageParts, write: (text: string) => void): Promise<boolean> {
  const { backends } = parts;
  const stage = setStage(parts);
  const before = { runs: (await backends.runs()).map((run) => run.runId), pulls: (await backends.pulls()).map((pull) => pull.number) };
  const began = Date.now();
  let trouble: string | null = null;
  try {
    await scenario.play(stage, before);
  } catch (error) {
    trouble = error instanceof Error ? error.message : String(error);
  }
  await settled(parts);
  write(`${await stage.print()}\n\n`);
  const seconds = ((Date.now() - began) / 1000).toFixed(1);
  write(trouble === null ? `${scenario.name}: as it should be, in ${seconds} s\n` : `${scenario.name}: FAILED after ${seconds} s. ${trouble}\n`);
  return trouble === null;
}

/** The thread is brought up to date at most once a second: waits until nothing changes any more, so that what is printed is its last state. */
async function settled({ snapshot }: StageParts): Promise<void> {
  const end = Date.now() + 6000;
  let version = -1;
  while (Date.now() < end) {
    const now = (await snapshot()).version;
    if (now === version) return;
    version = now;
    await new Promise((resolve) => setTimeout(resolve, 1500));
  }
}
