import { editedApproval } from '../session/approval-id.ts';
import type { SessionEvent } from '../session/events.ts';
import { questionMeant } from '../session/question-meant.ts';
import { type Session, theApproval } from '../session/state.ts';
import type { Command } from './commands.ts';
import { openTwin } from './open-twin.ts';

/** What the state at the tip said of a command, for its answer. */
export type Known = { session?: Session; votes?: number; need?: number; twin?: string };

/** The event for a command, seen from this state; null where it speaks of what is not there, or asks for what is being done. */
export function eventOf(session: Session, command: Exclude<Command, { do: 'open' }>, known: Known, now: number): SessionEvent | null {
  if (command.do === 'tell') {
    const { by, text, ts, kind, standing, of } = command;
    const isTyped = (kind === 'message' || kind === 'change') && standing !== 'other';
    const answers = command.answers ?? (isTyped ? questionMeant(session, by) : undefined);
    return { type: 'told', by, text, ts, kind, standing, ...(answers === undefined ? {} : { answers }), ...(of ? { of } : {}) };
  }
  if (command.do === 'ask') {
    const { call, client, tool, input } = command;
    const twin = openTwin(session, command);
    if (twin) known.twin = twin.id;
    if (twin) return null;
    const usage = { input: 0, output: 0, cache_read: 0, cache_write: 0 };
    return { type: 'replied', model: client, saw: session.seq, stop: 'tool_use', content: [], calls: [{ id: call, tool, input }], usage, request_id: null };
  }
  if (command.do === 'looked') {
    const { call, client, tool, input, outcome } = command;
    return { type: 'looked', call, client, tool, input, outcome };
  }
  if (command.do === 'wake') {
    const { call, why, data } = command;
    return session.calls.has(call) ? { type: 'woken', call, why, ...(data ? { data } : {}) } : null;
  }
  if (!session.approvals.has(command.approval)) return null;
  const { id: approval, call, digest, votes, need } = theApproval(session, command.approval);
  switch (command.do) {
    case 'approve':
      known.votes = votes.length + 1;
      known.need = need;
      return {
        type: 'approved',
        call,
        approval,
        by: command.by,
        digest,
        votes: votes.length + 1,
        need,
        ...(command.name ? { name: command.name.slice(0, 200) } : {}),
      };
    case 'deny':
      return { type: 'denied', call, approval, by: command.by, digest, ...(command.reason ? { reason: command.reason } : {}) };
    case 'edit': {
      const { by, arguments: args, preview, input, expiresAfterMs } = command;
      const expires_at = new Date(now + expiresAfterMs).toISOString();
      const next = { approval: editedApproval(approval, command.digest), digest: command.digest, arguments: args, preview, expires_at, input };
      return { type: 'edited', call, approval, by, digest, next };
    }
    case 'withdraw':
      return { type: 'withdrawn', call, approval, by: command.by, of: 'vote', ...(command.why ? { why: command.why } : {}) };
    case 'refuse':
      return { type: 'refused', of: 'decision', call, approval, by: command.by, why: command.why };
    case 'expire':
      return { type: 'expired', call, approval };
    default:
      return command satisfies never;
  }
}
