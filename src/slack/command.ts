import { isDirect } from '../policy/direct.ts';
import { plain } from '../policy/outside-text.ts';
import { help, suggestion } from './answers.ts';
import { isExperiment } from './ask-runs.ts';
import { type Answer, type Desk, mayOpen } from './desk.ts';
import { type Given, idFrom, tellLater } from './given.ts';
import { openForm } from './new-experiment.ts';
import { FORMS, parseCommand, type Typed } from './parse-command.ts';
import { store, whyNot } from './store.ts';
import { subcommand } from './subcommands.ts';
import { fallback } from './views/limits.ts';

/** Answers /experiment. What it stores is stored when the answer is given. An empty text: the answer follows at the response_url. */
export async function onCommand(desk: Desk, given: Given): Promise<Answer> {
  if (given.team_id !== desk.self.team) return { text: 'This app belongs to another workspace; it takes commands from there only.' };
  const typed = await readTyped(desk, given.text);
  if (typed.is === 'help') return help();
  if (typed.is === 'empty')
    return openForm(desk, given.trigger_id, given.channel_id).then(
      () => ({ text: '' }),
      () => help(),
    );
  if (typed.is === 'suggestion') return suggestion(typed.word, typed.subcommand);
  if (!(await isHere(desk, given))) return notHere(desk);
  if (typed.is === 'unsure') return { text: typed.why };
  if (typed.is !== 'prompt') return subcommand(desk, given, typed);

  const may = await mayOpen(desk, given.user_id);
  if (!may.ok) return { text: may.why };
  const { team_id: team, channel_id: channel, user_id: by, trigger_id: trigger } = given;
  const session = idFrom(team, channel, trigger);
  const stored = await store(desk, `cmd:${trigger}`, { do: 'open', session, team, channel, thread: null, by, prompt: typed.prompt, door: 'command' });
  if (stored.is === 'unsure') tellLater(desk, given, stored.settled);
  const meant = typed.near ? ` ${absent(typed.unknown)}If you meant /experiment ${FORMS[typed.near]}, reply “stop” there.` : '';
  if (stored.is === 'stored') return { text: `Opened ${plain(stored.alias)}. Its thread follows in this channel.${meant}` };
  return { text: whyNot(stored) ?? 'Opened. Its thread follows in this channel.' };
}

/** `best EXPERIMENT METRIC` is a subcommand only where the experiment exists; nobody is asked about any other text. */
export async function readTyped(desk: Desk, text: string): Promise<Typed | { is: 'unsure'; why: string }> {
  const bot = desk.self.user;
  const typed = parseCommand(text, { bot, isExperiment: () => true });
  if (typed.is !== 'best') return typed;
  const known = await isExperiment(desk.runs, typed.experiment);
  if (typeof known === 'object') return { is: 'unsure', why: known.why };
  if (known) return typed;
  const prompt = parseCommand(text, { bot });
  return prompt.is === 'prompt' && desk.runs ? { ...prompt, unknown: typed.experiment } : prompt;
}

function absent(experiment: string | undefined): string {
  return experiment === undefined ? '' : `MLflow has no experiment called ${fallback(experiment)}. `;
}

/** In a channel of labmate.json, or in the direct messages of whoever types it with the app: a command can be typed in anybody's. */
async function isHere(desk: Desk, { channel_id: channel, user_id: user }: Given): Promise<boolean> {
  if (desk.channels.includes(channel)) return true;
  if (!isDirect(channel)) return false;
  try {
    return (await desk.slack.directWith(channel, AbortSignal.timeout(800))) === user;
  } catch (error) {
    desk.log.warn({ channel, why: String(error) }, 'Slack did not say whose direct messages these are');
    return false;
  }
}

export function notHere(desk: Desk): Answer {
  const served = desk.channels.map((c) => `<#${c}>`).join(', ');
  return {
    text: served
      ? `I work in ${served}, and in direct messages with me; this place is not configured.`
      : 'No channel is configured for me yet. An operator has to add one to labmate.json.',
  };
}
