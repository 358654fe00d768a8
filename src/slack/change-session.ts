import type { z } from 'zod';
import { named } from '../policy/outside-text.ts';
import type { View } from '../services/slack.ts';
import { isSpoken, pendingApprovals, type Session } from '../session/state.ts';
import { type Answer, type Desk, maySteer } from './desk.ts';
import { modal, type submissionSchema, told } from './modals.ts';
import type { FieldError } from './settled-form.ts';
import { notStored, store, UNKNOWN } from './store.ts';
import { bullets, para, quote, rich, t } from './views/rich.ts';

const TITLE = 'Change the plan';
const DECIDED = 'The question is decided already, so there is nothing to take back. What was written is read now.';
const OVER = 'The experiment was stopped or has ended, so nothing is asked any more and no plan can change.';
const WORDS = 'words';

/** A click on "Change the plan": what is taken back, what was written, and room for more. It opens before anything is awaited; closing it changes nothing. */
export async function onChangePlan(desk: Desk, click: { by: string; value: string; channel: string; trigger: string }): Promise<Answer> {
  const opened = desk.slack.openModal(click.trigger, told(TITLE, 'Loading…'));
  desk.later(async () => {
    const session = await desk.reading.session(click.value);
    const here = session && session.opened.team === desk.self.team && session.opened.channel === click.channel ? session : null;
    const may = here ? await mayReplan(desk, here, click.by) : { ok: false as const, why: UNKNOWN };
    await desk.slack.updateModal(await opened, here && may.ok ? changeForm(here) : told(TITLE, may.ok ? UNKNOWN : may.why));
  });
  try {
    await opened;
    return { text: '' };
  } catch (error) {
    return { text: `The dialog could not be opened. ${error instanceof Error ? error.message : ''}` };
  }
}

/** Takes the form: the card is withdrawn, and the model plans anew. Answers what stands under the field when it did not count; null when it did. */
export async function onChangeSession(desk: Desk, { team, user, view }: z.infer<typeof submissionSchema>): Promise<FieldError | null> {
  const session = team.id === desk.self.team ? await desk.reading.session(view.private_metadata) : null;
  const may = session ? await mayReplan(desk, session, user.id) : { ok: false as const, why: UNKNOWN };
  if (!session || !may.ok) return { field: WORDS, why: may.ok ? UNKNOWN : may.why };
  const text = view.state.values[WORDS]?.[WORDS]?.value?.trim() || 'Plan again with what I wrote.';
  const stored = await store(desk, `view:${view.id}`, { do: 'tell', session: session.id, by: user.id, text, ts: null, kind: 'change', standing: may.standing });
  const late = notStored(stored);
  return late && { field: WORDS, where: session.opened.channel, ...late };
}

async function mayReplan(desk: Desk, session: Session, by: string): ReturnType<typeof maySteer> {
  const may = await maySteer(desk, session, by, 'change the plan');
  // A dialog's plain text renders no mention.
  if (!may.ok) return may.isOther ? { ...may, why: 'Only whoever asked for this experiment, or one of its approvers, can change the plan.' } : may;
  if (session.ended || session.stop) return { ok: false, why: OVER, isOther: false };
  return pendingApprovals(session).length === 0 ? { ok: false, why: DECIDED, isOther: false } : may;
}

/** `private_metadata` is the session's id and nothing else. */
export function changeForm(s: Session): View {
  const open = pendingApprovals(s);
  const since = open.map((a) => a.askedAt).sort()[0] ?? '';
  const kept = s.told.filter((m) => isSpoken(m) && m.standing !== 'other' && m.at >= since && m.text !== '').slice(-5);
  const blocks = [
    rich(
      para(t('This is taken back, and none of it is run:')),
      bullets(open.slice(0, 10).map((a) => [t(a.preview.summary.slice(0, 300))])),
      para(t(kept.length > 0 ? 'The model plans again, with what was written since:' : 'The model plans again.')),
      ...kept.map((m) => quote(named(m.text).slice(0, 600))),
    ),
    {
      type: 'input',
      block_id: WORDS,
      optional: true,
      label: { type: 'plain_text', text: 'Anything to add', emoji: false },
      element: { type: 'plain_text_input', action_id: WORDS, multiline: true, max_length: 3_000 },
    },
  ];
  return {
    ...modal('change_session', TITLE, blocks),
    private_metadata: s.id,
    submit: { type: 'plain_text', text: 'Plan again' },
    close: { type: 'plain_text', text: 'Leave it' },
  };
}
