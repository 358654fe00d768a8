import type { z } from 'zod';
import type { View } from '../services/slack.ts';
import type { Session } from '../session/state.ts';
import type { Answer, Desk } from './desk.ts';
import { idFrom } from './given.ts';
import { modal, type submissionSchema, told } from './modals.ts';
import { runAgain, runChanged } from './rerun.ts';

const PROMPT = 'prompt';
/** As long a text as Slack takes in a field. */
const LONGEST = 3_000;
const TITLE = 'Change something';
const GONE = 'I know nothing of this any more; it may belong to another installation.';

type Click = { by: string; value: string; channel: string; trigger: string };

/** A click on "Run again". */
export async function onRunAgain(desk: Desk, click: Click): ReturnType<typeof runAgain> {
  const earlier = await sessionHere(desk, click.value, click.channel);
  return earlier ? runAgain(desk, click.by, earlier) : { text: GONE };
}

/** A click on "Change something": a form with what was asked, to be changed and sent as the next experiment. It opens before anything is awaited. */
export async function onChangeSomething(desk: Desk, click: Click): Promise<Answer> {
  const opened = desk.slack.openModal(click.trigger, told(TITLE, 'Loading…'));
  desk.later(async () => {
    const earlier = await sessionHere(desk, click.value, click.channel);
    await desk.slack.updateModal(await opened, earlier ? form(earlier) : told(TITLE, GONE));
  });
  try {
    await opened;
    return { text: '' };
  } catch (error) {
    return { text: `The dialog could not be opened. ${error instanceof Error ? error.message : ''}` };
  }
}

/** The request of an earlier experiment, ready to be rewritten. `private_metadata` is that session's id and nothing else. */
export function form({ id, opened: { alias, prompt } }: Session): View {
  if (prompt.length > LONGEST)
    return told(
      TITLE,
      `The request of ${alias} has ${prompt.length} characters, more than a form takes. Use /experiment rerun ${alias} key=value, or write it anew.`,
    );
  return {
    ...modal('new_experiment', TITLE, [
      { type: 'section', text: { type: 'plain_text', text: `This opens a new experiment, which says that it repeats ${alias}.`, emoji: false } },
      {
        type: 'input',
        block_id: PROMPT,
        label: { type: 'plain_text', text: 'What shall be done' },
        element: { type: 'plain_text_input', action_id: PROMPT, multiline: true, max_length: LONGEST, initial_value: prompt },
      },
    ]),
    private_metadata: id,
    submit: { type: 'plain_text', text: 'Run it' },
  };
}

/** Takes the rewritten request. Answers what stands under the field when nothing was opened; null when it was. */
export async function onNewExperiment(desk: Desk, { team, user, view }: z.infer<typeof submissionSchema>): Promise<{ field: string; why: string } | null> {
  const why = (sentence: string) => ({ field: PROMPT, why: sentence });
  const earlier = team.id === desk.self.team ? await sessionHere(desk, view.private_metadata) : null;
  if (!earlier) return why(GONE);
  const prompt = view.state.values[PROMPT]?.[PROMPT]?.value ?? '';
  if (prompt.trim() === '') return why('Say what shall be done.');
  const refused = await runChanged(desk, `view:${view.id}`, idFrom(team.id, earlier.opened.channel, view.id), user.id, earlier, prompt);
  return refused ? why(refused) : null;
}

async function sessionHere(desk: Desk, id: string, channel?: string): Promise<Session | null> {
  const session = await desk.reading.session(id);
  if (session?.opened.team !== desk.self.team || !desk.channels.includes(session.opened.channel)) return null;
  return channel === undefined || channel === session.opened.channel ? session : null;
}
