import { z } from 'zod';
import { quotedWords } from '../policy/model-words.ts';
import { unixLines } from '../policy/outside-text.ts';
import type { View } from '../services/slack.ts';
import { argumentsInFull, MOST_ARGUMENTS } from '../session/in-full.ts';
import type { Approval } from '../session/state.ts';
import { decide, whatIsAsked, whereAsked } from './decide.ts';
import type { Desk } from './desk.ts';
import type { FieldError } from './settled-form.ts';
import { UNKNOWN } from './store.ts';
import { saidBy } from './views/card.ts';
import { type CardView, differences } from './views/decision.ts';
import { fitted, LIMITS } from './views/limits.ts';
import { bold, bullets, clock, code, context, mono, para, rich, t, user } from './views/rich.ts';

const REASON = 'reason';

/** Asks why, before a denial counts. `private_metadata` is the approval's id and nothing else. */
export function denyReason(approval: string): View {
  return {
    ...modal('deny_reason', 'Deny', [
      { type: 'section', text: { type: 'plain_text', text: 'Nothing will be run. The model is told, with your reason.', emoji: false } },
      {
        type: 'input',
        block_id: REASON,
        optional: true,
        label: { type: 'plain_text', text: 'Reason' },
        element: { type: 'plain_text_input', action_id: REASON, multiline: true, max_length: 1_000 },
      },
    ]),
    private_metadata: approval,
    submit: { type: 'plain_text', text: 'Deny' },
  };
}

/** A dialog that only says something, in place of one that cannot be. */
export function told(title: string, text: string): View {
  return modal('call_details', title, [{ type: 'section', text: { type: 'plain_text', text: text.slice(0, 2_900), emoji: false } }]);
}

/** Everything about a call that waits or waited: all arguments, all facts, who asked and, while it waits, who may say yes, the digest. */
export function callDetails({ preview, ...a }: Approval, tool: string, { requester, mayApprove, closed }: CardView): View {
  const all = argumentsInFull(a);
  const parts = all.slice(0, MOST_ARGUMENTS).match(/[\s\S]{1,2800}/g) ?? [' '];
  const facts = [
    ...(preview.environment ? [`Environment: ${preview.environment}`] : []),
    ...preview.facts.map((f) => `${f.label}: ${f.value}`),
    ...(preview.adds?.length ? [`labmate itself adds: ${preview.adds.join('; ')}`] : []),
  ];
  const differs = differences(preview).flatMap(({ title, changes }) => [
    para(t(title)),
    ...(changes.length > 0 ? [bullets(changes.map((c) => [t(`${c.name}: ${c.from ?? '(not set)'} → ${c.to}`.slice(0, 1_500))]))] : []),
  ]);
  const blocks = [
    rich(
      para(bold(preview.summary)),
      bullets([[t('Asked for by '), user(requester)], ...facts.map((f) => [t(f.slice(0, 1_500))])]),
      ...differs,
      para(t('Exactly this is sent, with '), mono(tool), t(':')),
    ),
    ...parts.map((part) => rich(code(part))),
    ...(preview.why ? [rich(para(...saidBy(a.edits?.by ?? null)), quotedWords(preview.why))] : []),
    ...(a.state === 'pending' && !closed ? [rich(para(t('May approve: '), ...mayApprove(tool)))] : []),
    context(
      `${Buffer.byteLength(all)} bytes · digest ${a.digest} · expires ${clock(a.expiresAt)}${all.length > MOST_ARGUMENTS ? ` · ${all.length - MOST_ARGUMENTS} characters are not shown, so nobody can approve it` : ''}`,
    ),
  ];
  return modal('call_details', 'What is asked', fitted(blocks, { blocks: LIMITS.modalBlocks, text: 200_000 }) as View['blocks']);
}

export function modal(callback: string, title: string, blocks: unknown[]): View {
  return {
    type: 'modal',
    callback_id: callback,
    title: { type: 'plain_text', text: title.slice(0, LIMITS.modalTitle) },
    close: { type: 'plain_text', text: 'Close' },
    blocks: blocks as View['blocks'],
  };
}

/** What a field says, with line ends as Slack's own inputs send them; other clients, and what is pasted there, may have Windows' ones. */
const fieldValue = z.string().transform(unixLines);

/** What we use of a submitted dialog. */
export const submissionSchema = z.object({
  team: z.object({ id: z.string() }),
  user: z.object({ id: z.string() }),
  view: z.object({
    id: z.string(),
    callback_id: z.string(),
    private_metadata: z.string(),
    state: z.object({
      values: z.record(z.string(), z.record(z.string(), z.object({ value: fieldValue.nullish(), selected_option: z.object({ value: z.string() }).nullish() }))),
    }),
  }),
});

/** A denial, with or without a reason. Answers what stands under the field when it did not count; null when it did. */
export async function onDenyReason(desk: Desk, { team, user, view }: z.infer<typeof submissionSchema>): Promise<FieldError | null> {
  const why = (sentence: string) => ({ field: REASON, why: sentence });
  if (team.id !== desk.self.team) return why('This belongs to another workspace.');
  const asked = await whatIsAsked(desk, view.private_metadata);
  if (!asked) return why(UNKNOWN);
  const reason = view.state.values[REASON]?.[REASON]?.value?.trim();
  const answer = await decide(desk, `view:${view.id}`, user.id, asked, { do: 'deny', ...(reason ? { reason } : {}) });
  if (answer.counted) return null;
  return { ...why(answer.text), ...(answer.settled ? { settled: answer.settled, where: whereAsked(desk, asked) } : {}) };
}
