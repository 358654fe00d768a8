import { z } from 'zod';
import { mayApprove } from '../policy/approvers.ts';
import { approversOf } from '../policy/rules.ts';
import { sessionOfRef } from '../runtime/commands.ts';
import type { View } from '../services/slack.ts';
import type { Session } from '../session/state.ts';
import { approverMentions, cardChannel } from './cards.ts';
import { onChangePlan } from './change-session.ts';
import { type Asked, decide, decideAll, lookUp, lookUpWhether, whatIsAsked, whyNotCounted } from './decide.ts';
import { type Answer, type Desk, maySteer, roleIn } from './desk.ts';
import { editView } from './editing.ts';
import { sayLost } from './gone.ts';
import { publishHome } from './home.ts';
import { inDialog } from './in-dialog.ts';
import { callDetails, denyReason, told } from './modals.ts';
import { onChangeSomething, onRunAgain, openForm } from './new-experiment.ts';
import { retryAll } from './outages.ts';
import { AFTER_ALL, REPEAT, type Settled, store, UNKNOWN, whyNot } from './store.ts';
import { readQuestion } from './views/question.ts';

/** What we use of a click. Who clicked is the signed payload's user; `value` is an id, looked up here. */
export const clickSchema = z.object({
  team: z.object({ id: z.string() }),
  user: z.object({ id: z.string() }),
  view: z.object({ id: z.string(), type: z.string() }).optional(),
  container: z.object({ message_ts: z.string().optional(), channel_id: z.string().optional(), thread_ts: z.string().optional() }),
  trigger_id: z.string().catch(''),
  response_url: z.string().optional(),
  actions: z.array(z.object({ action_id: z.string(), value: z.string().optional(), action_ts: z.string().catch('') })).min(1),
});
type Given = z.infer<typeof clickSchema>;
type Click = { key: string; by: string; value: string; channel: string; trigger: string /** It was made on the clicker's own Home tab. */; home: boolean };
type Reaction = (desk: Desk, click: Click) => Promise<Answer & { settled?: Settled }>;

const GONE = { text: UNKNOWN };

/** Every button of ours, by its action id. */
export const BUTTONS: Record<string, Reaction> = {
  approve_call: (desk, click) => decideBy(desk, click, { do: 'approve' }),
  withdraw_approval: (desk, click) => decideBy(desk, click, { do: 'withdraw' }),
  deny_call: deny,
  edit_call: edit,
  show_call: show,
  approve_all: approveAll,
  stop_session: (desk, click) => steer(desk, click, 'stop', 'Stop.', 'Stopping.'),
  raise_budget: raise,
  retry_step: (desk, click) => steer(desk, click, 'retry', 'Try again.', 'Trying again.'),
  retry_all: retryAll,
  change_session: onChangePlan,
  cancel_run: (desk, click) => afterStop(desk, click, 'cancel_run', 'Cancel the run.', 'Canceling it.'),
  leave_run: (desk, click) => afterStop(desk, click, 'leave_run', 'Leave it.', 'It goes on.'),
  answer_person: answer,
  rerun_session: onRunAgain,
  rerun_changed: onChangeSomething,
  start_experiment: (desk, click) => openForm(desk, click.trigger, null).then(() => ({ text: '' })),
};

/** Reacts to a click. What it stores is stored when this is done; the sentence goes to the clicker alone. */
export async function onClick(desk: Desk, given: Given): Promise<void> {
  const [action] = given.actions;
  const reaction = action && BUTTONS[action.action_id];
  if (!action || !reaction || given.team.id !== desk.self.team) return;
  const by = given.user.id;
  const { message_ts: message = '', channel_id: channel = '' } = given.container;
  const key = action.action_ts && (message || given.view) ? `act:${channel}:${message || given.view?.id}:${action.action_ts}:${by}` : `act:${given.trigger_id}`;
  const home = given.view?.type === 'home';
  const { settled, ...said } = await reaction(desk, { key, by, value: action.value ?? '', channel, trigger: given.trigger_id, home });
  const say = (answer: Answer) => sayTo(desk, given, answer);
  if (said.text) desk.later(() => say(said));
  const { thread_ts: thread } = given.container;
  if (said.text === GONE.text && thread) desk.later(() => sayLost(desk, { channel, thread, session: sessionOfRef(action.value ?? '') }));
  if (settled) desk.later(async () => say({ text: (await settled) === 'stored' ? AFTER_ALL : REPEAT }));
}

/** A sentence for the clicker of whatever this is, as far as it can be read. */
export function answerClick(desk: Desk, body: unknown, text: string): void {
  const read = clickSchema.safeParse(body);
  if (read.success) desk.later(() => sayTo(desk, read.data, { text }));
}

function sayTo(desk: Desk, { container, user, view, response_url }: Given, answer: Answer): Promise<unknown> {
  // Home has no place for a private word but itself.
  if (view?.type === 'home') return publishHome(desk, user.id, answer.text);
  const { thread_ts: thread, channel_id: channel = '' } = container;
  return response_url ? desk.slack.respond(response_url, { ...answer, thread }) : desk.slack.whisper({ channel, user: user.id, thread, ...answer });
}

async function decideBy(desk: Desk, click: Click, decision: { do: 'approve' } | { do: 'withdraw' }): ReturnType<Reaction> {
  const who = decision.do === 'approve' ? lookUp(desk, click.by) : undefined;
  const asked = await whatIsAsked(desk, click.value);
  if (!asked || !standsIn(desk, asked, click)) return GONE;
  const { text, settled } = await decide(desk, click.key, click.by, asked, decision, who);
  return { text, ...(settled === undefined ? {} : { settled }) };
}

/** The dialog opens before anything is awaited: its trigger lives 3 s. Whether a denial would count is looked up meanwhile, and again when it is submitted. */
function deny(desk: Desk, click: Click): ReturnType<Reaction> {
  return dialog(desk, click, denyReason(click.value), async (asked) => {
    const why = await whyNotCounted(desk, click.key, click.by, asked, 'deny');
    return why ? told('Deny', await inDialog(desk, why)) : null;
  });
}

/** The value names every question that stood on the card when it was drawn: one that came later is not agreed to. */
async function approveAll(desk: Desk, click: Click): ReturnType<Reaction> {
  const session = sessionOfRef(click.value);
  const refs = click.value.slice(session.length + 1).split('+');
  const all = (await Promise.all(refs.map((ref) => whatIsAsked(desk, `${session}/${ref}`)))).filter((asked) => asked !== null);
  if (all.length === 0 || all.some((asked) => !standsIn(desk, asked, click))) return GONE;
  const { text, settled } = await decideAll(desk, click.key, click.by, all);
  return { text, ...(settled === undefined ? {} : { settled }) };
}

function edit(desk: Desk, click: Click): ReturnType<Reaction> {
  return dialog(desk, click, told('Edit', 'Loading…'), (asked) => editView(desk, click.key, click.by, asked));
}

function show(desk: Desk, click: Click): ReturnType<Reaction> {
  return dialog(desk, click, told('What is asked', 'Loading…'), async ({ session, approval, tool }) =>
    callDetails(approval, tool, {
      requester: session.opened.by,
      closed: session.ended !== undefined || session.stop !== undefined,
      mayApprove: () => approverMentions(approversOf(tool, desk.permissions.approvers), session.opened.by),
    }),
  );
}

/** A card stands in its session's channel, where its approvers are asked, or on somebody's Home. */
function standsIn(desk: Desk, { session, tool }: Asked, { channel, home }: Click): boolean {
  return (
    home || channel === session.opened.channel || channel === cardChannel(session, tool, { approvers: desk.permissions.approvers, channels: desk.channels })
  );
}

/** Opens a dialog at once, and puts another in its place when what it is about is known. */
async function dialog(desk: Desk, click: Click, first: View, then: (asked: Asked) => Promise<View | null>): ReturnType<Reaction> {
  const opened = desk.slack.openModal(click.trigger, first);
  desk.later(async () => {
    const asked = await whatIsAsked(desk, click.value);
    const next = asked && standsIn(desk, asked, click) ? await then(asked) : told('What is asked', GONE.text);
    if (next) await desk.slack.updateModal(await opened, next);
  });
  try {
    await opened;
    return { text: '' };
  } catch (error) {
    return { text: `The dialog could not be opened. ${error instanceof Error ? error.message : ''}` };
  }
}

/** More turns and money are spent on one person's word, so it is an approver's to give, under the rule of `raise_budget` or the default. */
async function raise(desk: Desk, click: Click): ReturnType<Reaction> {
  const session = await sessionHere(desk, click);
  if (!session) return GONE;
  if (!session.limit || session.ended) return { text: 'It is at no limit now.' };
  const may = await lookUpWhether(desk, { session, tool: 'raise_budget' }, click.by, mayApprove);
  if (!may.ok) return { text: may.why };
  // Two who raise one limit at the same time raise it once.
  const key = `raise:${session.id}:${session.limit.seq}`;
  const stored = await store(desk, key, { do: 'tell', session: session.id, by: click.by, text: '', ts: null, kind: 'raise', standing: 'approver' });
  return { text: whyNot(stored) ?? 'Its limits are doubled; it goes on.', ...(stored.is === 'unsure' ? { settled: stored.settled } : {}) };
}

/** The session was stopped and a run goes on: the first answer counts. */
async function afterStop(desk: Desk, click: Click, kind: 'cancel_run' | 'leave_run', text: string, thanks: string): ReturnType<Reaction> {
  const session = await sessionHere(desk, click);
  if (session && (session.ended || !session.offer || session.offer.answer)) return { text: 'This is decided already; the thread says how.' };
  return steer(desk, click, kind, text, thanks);
}

async function steer(desk: Desk, click: Click, kind: 'stop' | 'retry' | 'cancel_run' | 'leave_run', text: string, thanks: string): ReturnType<Reaction> {
  const session = await sessionHere(desk, click);
  if (!session) return GONE;
  const may = await maySteer(desk, session, click.by, 'do this');
  if (!may.ok) return { text: may.why };
  const { standing } = may;
  const stored = await store(desk, click.key, { do: 'tell', session: session.id, by: click.by, text, ts: null, kind, standing });
  return { text: whyNot(stored) ?? thanks, ...(stored.is === 'unsure' ? { settled: stored.settled } : {}) };
}

/** A click on an option. The value is `session/call/number`; the words of the option come from the log. */
async function answer(desk: Desk, click: Click): ReturnType<Reaction> {
  const session = await sessionHere(desk, click);
  const rest = click.value.slice(sessionOfRef(click.value).length + 1);
  const [id, number] = [rest.slice(0, rest.lastIndexOf('/')), Number(rest.slice(rest.lastIndexOf('/') + 1))];
  const call = session?.calls.get(id);
  const question = session && call ? readQuestion(session, call) : null;
  const option = question?.options[number];
  if (!session || !question || option === undefined) return GONE;
  if (question.answer) return { text: `<@${question.answer.by}> answered this already.` };
  if (question.instead)
    return { text: `<@${question.instead}> wrote while several questions were open, so this one is over; anything still open is asked again.` };
  const { may, standing } = await roleIn(desk, session, click.by);
  if (!may.ok) return { text: may.why };
  if (standing === 'other') return { text: `This question is for <@${question.to ?? session.opened.by}>; the requester and approvers can answer it too.` };
  const stored = await store(desk, click.key, {
    do: 'tell',
    session: session.id,
    by: click.by,
    text: option,
    ts: null,
    kind: 'message',
    standing,
    answers: id,
  });
  return { text: whyNot(stored) ?? '', ...(stored.is === 'unsure' ? { settled: stored.settled } : {}) };
}

async function sessionHere(desk: Desk, click: Click): Promise<Session | null> {
  const session = await desk.reading.session(sessionOfRef(click.value));
  return session && session.opened.team === desk.self.team && session.opened.channel === click.channel ? session : null;
}
