import type { Outcome, Preview } from '../session/events.ts';
import type { Session } from '../session/state.ts';

/** What the world may do to a session. Every one of them comes in through `deliver`. */
export type Command =
  | {
      do: 'open';
      session: string;
      team: string;
      channel: string;
      /** Null for a slash command: the host posts the root message itself. */
      thread: string | null;
      /** Where a client's session lives instead: one principal at one MCP door. */
      place?: string | undefined;
      by: string;
      prompt: string;
      door: 'command' | 'mention' | 'direct' | 'reply' | 'shortcut' | 'form' | 'mcp' | 'button';
      quoted?: { by: string; text: string; ts: string }[] | undefined;
      /** The thread's earlier session, whose report the model is given. */
      after?: string | undefined;
      /** The session this one repeats; `changes` are the parameters that its prompt states. */
      rerunOf?: { session: string; changes: Record<string, string> } | undefined;
    }
  | {
      do: 'tell';
      session: string;
      by: string;
      text: string;
      ts: string | null;
      kind: 'message' | 'edit' | 'delete' | 'stop' | 'change' | 'retry' | 'raise' | 'cancel_run' | 'leave_run';
      standing: 'requester' | 'approver' | 'asked' | 'other';
      answers?: string | undefined;
      /** For `edit` and `delete`: the message's ts. */
      of?: string | undefined;
    }
  /** `name`: what Slack calls them now, for readers who are not in Slack. */
  | { do: 'approve'; session: string; approval: string; by: string; name?: string | undefined }
  | { do: 'deny'; session: string; approval: string; by: string; reason?: string | undefined }
  | { do: 'withdraw'; session: string; approval: string; by: string; why?: string | undefined }
  /** Other arguments in place of those that were asked about: a new question with no votes. */
  | {
      do: 'edit';
      session: string;
      approval: string;
      by: string;
      digest: string;
      arguments: Record<string, unknown>;
      preview: Preview;
      /** What the tool is asked with from now on. */
      input: Record<string, unknown>;
      expiresAfterMs: number;
    }
  /** A click that does not count: recorded, nothing else. */
  | { do: 'refuse'; session: string; approval: string; by: string; why: string }
  /** A client of an MCP door makes a call that acts; a person or a rule decides, as for any other. */
  | { do: 'ask'; session: string; call: string; client: string; tool: string; input: Record<string, unknown> }
  /** It had a look, and this is what it saw. */
  | { do: 'looked'; session: string; call: string; client: string; tool: string; input: Record<string, unknown>; outcome: Outcome }
  | { do: 'wake'; session: string; call: string; why: 'job' | 'tripwire' | 'deadline' | 'retry' | 'again'; data?: Record<string, unknown> | undefined }
  | { do: 'expire'; session: string; approval: string };

export type Delivered =
  /** `alias` is what people type. For `approve`: whether the quorum is reached. */
  | { is: 'stored'; session: string; seq: number; alias: string; votes?: number; need?: number }
  /** The same delivery, or the same person's same vote, was stored before. */
  | { is: 'duplicate'; session: string; seq: number /** For `ask`: the equal call that was still open. */; call?: string }
  /** Somebody decided first. */
  | { is: 'decided'; state: string; by: string | null; at: string | null }
  /** Nobody can be shown all of what this yes would send. */
  | { is: 'too long' }
  | { is: 'closed'; session: string }
  | { is: 'unknown' }
  /** The deadline passed before it could be stored: nothing was stored. */
  | { is: 'late' }
  | { is: 'limit'; which: 'user' | 'team'; limit: number };

/**
 * Stores a command exactly once. `key` names the delivery (event_id, trigger_id, ...): the same key again is a duplicate.
 * `withinMs`: nothing is stored later than so many ms from now, in Redis time. `seen`: the session as it was read just now; where it has gone on since, it is read
 * again. Throws when Redis can't be reached.
 */
export type Deliver = (key: string, command: Command, options?: { withinMs?: number; seen?: Session }) => Promise<Delivered>;

/** The id of the session a reference such as an approval id belongs to. */
export function sessionOfRef(ref: string): string {
  return ref.split('/')[0] ?? ref;
}
