import { type Goal, goal, type Stage } from './stage.ts';

type Round = { list: number; get: number; refused: number };

/** A thousand sessions that wait for a thousand runs of one job: what a look at all of them asks of Databricks. */
export async function measureAsking(stage: Stage, { runs }: { runs: number }): Promise<Goal[]> {
  const watcher = await stage.start('contenders/watcher.js');
  const rounds = await watcher.ask<Round[]>('rounds', { runs, rounds: 3 });
  await watcher.stop();
  const total = (round: Round | undefined) => (round ? round.list + round.get : Number.NaN);
  const [first, second] = rounds;
  const refused = rounds.reduce((sum, r) => sum + r.refused, 0);
  if (refused > 0) throw new Error(`${refused} requests asked for a larger page than Databricks gives`);
  return [
    goal(
      `status requests a round, ${runs} runs, of one each`,
      Math.max(...rounds.map(total)) / runs,
      { atMost: 0.05 },
      `${total(first)} in the first round, ${total(second)} (${second?.list} pages, ${second?.get} single) in each later one`,
    ),
  ];
}
