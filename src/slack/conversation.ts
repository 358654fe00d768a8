import type { Desk } from './desk.ts';
import { served } from './which-session.ts';

/** Offers what to say to somebody who opens the conversation with the app. Where a workspace has no place for it, nothing is missing. */
export async function offerPrompts(desk: Desk, { user, channel }: { user: string; channel?: string | undefined }): Promise<void> {
  if (!channel) return;
  const all = await served(desk, user);
  // What was only answered, as what was not understood, is nobody's wish to hear again.
  const last = all.find(
    (about) => about.by === user && about.endedAt !== null && about.line === undefined && about.door !== 'mcp' && about.state !== 'answered',
  );
  const prompts = promptsFor(desk, last, all.flatMap((about) => changeIn(about.parameters))[0]);
  await desk.slack.agents.suggest({ channel, title: 'Describe an experiment in a sentence, or begin with one of these', prompts });
}

/** Something short that was tried before: what this team's jobs can be given is not known here otherwise. */
function changeIn(parameters: Record<string, string>): string[] {
  return Object.entries(parameters).flatMap(([name, value]) => (/^[\w.+-]{1,30}$/.test(name) && /^[\w.+-]{1,30}$/.test(value) ? [`${name}=${value}`] : []));
}

/** From what is usual in this team, what was tried in it before, and this person's last experiment. */
export function promptsFor({ usual }: Pick<Desk, 'usual'>, last?: { prompt: string }, change?: string): { title: string; message: string }[] {
  const { experiment, metrics = [] } = usual ?? {};
  const [metric] = metrics;
  const best = experiment ? `the best run in experiment "${experiment}"` : 'the best run so far';
  return [
    ...(metric
      ? [
          {
            title: change ? `Try ${change}` : 'Train and compare',
            message: `Run a training job${change ? ` with ${change}` : ''}. Wait for it to complete. Compare its ${metric} to ${best}. If ${metric} improved by more than 1%, open a GitHub PR with the metric comparison in the description. Otherwise, report it here.`,
          },
        ]
      : []),
    ...(metric && experiment ? [{ title: `Find the best ${metric}`, message: `What is the best run in experiment "${experiment}" by ${metric}?` }] : []),
    { title: 'See the jobs', message: 'Which training jobs are there?' },
    ...(last ? [{ title: 'Ask for the last one again', message: last.prompt }] : []),
  ].slice(0, 4);
}
