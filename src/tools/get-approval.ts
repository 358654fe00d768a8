import { z } from 'zod';
import { isApprovalId } from '../session/approval-id.ts';
import { pendingApprovals } from '../session/state.ts';
import { done, readTool, ToolError } from './define-tool.ts';
import { cell } from './markdown.ts';
import { theSession } from './stored-session.ts';

export const getApproval = readTool({
  name: 'get_approval',
  title: 'Look up an approval',
  description:
    "State of one approval of this team: pending, approved, denied, expired, used or withdrawn, and by whom. Use when a call answered requires_confirmation. Not for asking a person (ask_person). confirmation_id: from that call's answer.",
  input: z.strictObject({
    confirmation_id: z.string().refine((id) => isApprovalId(id), "an id from a call's answer: session/number-digest"),
  }),
  output: z.looseObject({
    confirmation_id: z.string(),
    status: z.string(),
    summary: z.string(),
    by: z.array(z.string()).optional(),
    reason: z.string().optional(),
    expires_at: z.string(),
  }),
  needs: ['sessions'],
  async run({ confirmation_id }, ctx) {
    const [id = '', number = ''] = confirmation_id.split('/');
    const { session } = await theSession(id, ctx);
    const approval = session.approvals.get(`${session.id}/${number}`);
    if (!approval) {
      const pending = pendingApprovals(session).map((a) => a.id);
      const next = pending.length > 0 ? `one of these is pending: ${pending.join(', ')}.` : 'nothing of that experiment is pending.';
      throw new ToolError('APPROVAL_NOT_FOUND', `Experiment ${session.opened.alias} has no approval ${cell(confirmation_id)}.`, next);
    }
    const { state, preview, votes, need, expiresAt } = approval;
    // A card whose time is over decides nothing more, even before the log says so.
    const late = state === 'pending' && (Date.parse(expiresAt) <= ctx.now() || session.ended !== undefined);
    const status = late ? 'expired' : state === 'edited' ? 'withdrawn' : state;
    const by = state === 'denied' || state === 'withdrawn' || state === 'edited' ? (approval.by ? [approval.by] : []) : votes.map((v) => v.by);
    const reason = state === 'edited' ? 'The arguments were edited; a new approval took its place.' : approval.reason;
    const counted = status === 'pending' ? ` ${votes.length} of ${need} have said yes; it runs out at ${expiresAt}.` : '';
    const who = by.length > 0 ? ` By ${by.map((u) => cell(u)).join(', ')}.` : '';
    return done(`${cell(preview.summary, 300)}: ${status}.${counted}${who}${reason ? ` Reason: ${cell(reason, 300)}` : ''}`, {
      confirmation_id: approval.id,
      status,
      summary: preview.summary,
      ...(by.length > 0 ? { by } : {}),
      ...(reason ? { reason } : {}),
      expires_at: expiresAt,
      votes: votes.length,
      need,
    });
  },
});
