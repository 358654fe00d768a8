import type { z } from 'zod';
import { mayApprove } from '../policy/approvers.ts';
import type { View } from '../services/slack.ts';
import { editedApproval } from '../session/approval-id.ts';
import { changedArguments } from '../session/changed-arguments.ts';
import { hasMoved } from '../session/has-moved.ts';
import { isShownWhole } from '../session/in-full.ts';
import type { Call } from '../session/state.ts';
import { within } from '../within.ts';
import { type Asked, lookUpWhether, nameOf, whatIsAsked, whereAsked, whyNotCounted } from './decide.ts';
import type { Desk, Reconsidered } from './desk.ts';
import { inDialog } from './in-dialog.ts';
import { type submissionSchema, told } from './modals.ts';
import { type FieldError, whatBecame } from './settled-form.ts';
import { AFTER_ALL, notStored, store, TOO_LONG, UNKNOWN, whyNot } from './store.ts';
import type { Schema } from './views/argument-kind.ts';
import { blockOf, editForm, fieldsOf } from './views/edit-form.ts';
import { objection, readFields, wasWritten, writtenIn } from './views/edited-fields.ts';

/** Slack's 3 s, shared: the look-ups, then the change, then the yes that it may be. */
const PLAN_MS = 1_200;
const STORE_MS = 800;
const VOTE_MS = 300;

/** What a submitted form comes to: a field that is wrong, another view in its place, or null to close it. */
export type Submitted = FieldError | { view: View } | null;

/** The form for a call that waits for a yes, or why this person gets none. */
export async function editView(desk: Desk, key: string, by: string, asked: Asked): Promise<View> {
  const why = await whyNotCounted(desk, key, by, asked, 'edit');
  if (why) return told('Edit', await inDialog(desk, why));
  const form = await formOf(desk, asked);
  if (!form) return told('Edit', `${asked.tool} can't be changed here: its backend is not configured.`);
  const counts = isShownWhole(asked.approval) && (await lookUpWhether(desk, asked, by, mayApprove)).ok;
  const then = counts ? 'Sending it is your yes, unless it brings up something that this card did not show.' : 'An approver has to say yes to it.';
  return editForm(
    asked.approval.id,
    form,
    `What you change is checked and asked anew: earlier votes no longer count. ${then}`,
    counts ? 'Change and approve' : 'Change',
  );
}

/** Takes a changed call. It is planned and judged anew, and is asked in place of the old one. Nothing is stored when something is wrong with it. */
export async function onEdit(desk: Desk, { team, user, view }: z.infer<typeof submissionSchema>): Promise<Submitted> {
  const asked = team.id === desk.self.team ? await whatIsAsked(desk, view.private_metadata) : null;
  const form = asked && (await formOf(desk, asked));
  const sent = new Map(Object.entries(view.state.values).map(([block, { value: given }]) => [block, given?.selected_option?.value ?? given?.value ?? '']));
  // Slack shows a sentence only under a field that the form has.
  const under = (why: string, at = 0) => {
    const field = form?.fields[at];
    return { field: field && sent.has(blockOf(field)) ? blockOf(field) : firstField(view), why };
  };
  if (!asked || !form) return under(UNKNOWN);
  const { session, approval, call } = asked;
  const key = `view:${view.id}`;
  const written = writtenIn(form.fields, sent);
  if (!written) return under((await whyNotCounted(desk, key, user.id, asked, 'edit')) ?? OTHERS_NOW);
  const read = readFields(form.fields, written, form.input);
  if ('why' in read) return under(read.why, read.at);
  if (read.changed === 0) return under('Nothing is changed.');

  const took = async (planned: Reconsidered, no: string | null, limits: { edit?: number; vote?: number } = {}): Promise<Submitted> => {
    if (no) return under(no);
    if (planned.is === 'no') {
      const { at, why } = objection(planned, form.fields, written);
      return under(why, at);
    }
    if (planned.digest === approval.digest) return under('With this, exactly the same would be sent.');
    const { is: _, preview, ...rest } = planned;
    const { why } = approval.preview;
    const next = { ...rest, preview: { ...preview, ...(why ? { why } : {}) }, input: read.input };
    const stored = await store(desk, key, { do: 'edit', session: session.id, approval: approval.id, by: user.id, ...next }, limits.edit);
    const late = notStored(stored);
    const differs = changedArguments(approval.arguments, planned.arguments);
    // A yes to what somebody has written themselves, beside what they were shown; what came with it they have not seen.
    const seen = isShownWhole(approval) && hasMoved(approval.preview, preview) === null;
    const own = seen && differs.every((d) => wasWritten(d, form.fields, written, form.input));
    const agreed = async (withinMs?: number) => (own ? agree(desk, `${key}:yes`, user.id, asked, planned.digest, withinMs) : null);
    // Slack has its answer by then.
    const afterAll = async () => (await (await agreed())?.late()) ?? AFTER_ALL;
    if (late) return { ...under(late.why), where: whereAsked(desk, asked), ...late, afterAll };
    const not = await agreed(limits.vote);
    if (not)
      desk.later(async () => {
        const text = await not.late();
        if (text) await desk.slack.whisper({ channel: whereAsked(desk, asked), user: user.id, text });
      });
    return null;
  };

  const planned = plan(desk, asked, call, read.input);
  const no = whyNotCounted(desk, key, user.id, asked, 'edit');
  // Whoever needs the answer is told why there is none; until then nobody listens.
  no.catch(() => {});
  const soon = await within(PLAN_MS, planned, () => null);
  if (soon) return took(soon, await no, { edit: STORE_MS, vote: VOTE_MS });
  desk.later(async () => {
    const done = await took(await planned, await no);
    const say = async (words: string) => desk.slack.updateModal(view.id, told('Edit', await inDialog(desk, words)));
    if (done === null) return say('It is changed; the new question is in the thread.');
    if (!('why' in done)) return;
    await say(done.settled !== undefined ? done.why : `It is not changed. ${done.why}`);
    if (done.settled !== undefined) await say((await whatBecame(done, done.settled)).words);
  });
  return { view: told('Edit', 'The look-ups take longer than Slack lets a form wait. Nothing is changed yet; this window says when it is.') };
}

const OTHERS_NOW = 'What can be changed here is not what it was when this form was opened, so nothing is changed. Close it and choose Edit again.';

/** The block of a form's first field; a sentence that is about none of them stands there. */
export function firstField({ state }: { state?: { values?: object } }): string {
  return Object.keys(state?.values ?? {})[0] ?? '0';
}

const NO_YES = 'It is changed, but your yes to it could not be stored. Please approve it on its new card.';

/** The yes to a changed call, of somebody who may. Null where it is stored or nobody asked for it; else `late` says in the end why it does not count, null where it does after all. */
async function agree(
  desk: Desk,
  key: string,
  user: string,
  asked: Asked,
  digest: string,
  withinMs?: number,
): Promise<{ late(): Promise<string | null> } | null> {
  if (!(await lookUpWhether(desk, asked, user, mayApprove)).ok) return null;
  const { session, approval } = asked;
  const yes = { do: 'approve', session: session.id, approval: editedApproval(approval.id, digest), by: user, name: await nameOf(desk, user) } as const;
  const stored = await store(desk, key, yes, withinMs);
  if (whyNot(stored) === null) return null;
  return {
    async late() {
      if (stored.is === 'unsure') return (await stored.settled) === 'stored' ? null : NO_YES;
      if (stored.is === 'too long') return `It is changed, and its new card can only be denied. ${TOO_LONG}`;
      // Somebody else was quicker; the card says who.
      return stored.is === 'late' ? NO_YES : null;
    },
  };
}

async function formOf(desk: Desk, { tool, call, approval }: Asked) {
  const schema = await desk.editing?.schemaOf(tool);
  const input = call.input;
  if (!schema || typeof input !== 'object' || input === null || Array.isArray(input)) return null;
  return { ...fieldsOf(tool, schema as Schema, input as Record<string, unknown>, approval.arguments), input: input as Record<string, unknown> };
}

async function plan(desk: Desk, { session }: Asked, call: Call, input: Record<string, unknown>): Promise<Reconsidered> {
  try {
    return (await desk.editing?.reconsider(session, call, input, AbortSignal.timeout(20_000))) ?? { is: 'no', why: 'It cannot be changed here.' };
  } catch (error) {
    desk.log.error({ session: session.id, call: call.id, why: String(error) }, 'a changed call could not be planned');
    return { is: 'no', why: 'It could not be looked up what this would do, so nothing is changed. Please try again.' };
  }
}
