import type { Call, Session } from './state.ts';

/** The call by which approvers agree to what a mounted server offers. No model and no client makes it: labmate itself asks. */
export const ACCEPT_TOOLS = 'accept_mcp_tools';
/** Who asks then. No Slack id looks like this. */
export const LABMATE = 'labmate';

/** A client's session ends after this long without a call. */
export const QUIET_MS = 3_600_000;
/** Lines after which a client that never pauses begins a new log: each call reads it. */
const LONG = 1_000;

/** Approved, and not made again since: at a door people say yes, and the client calls. */
export function waitsForClient(s: Session, call: Call): boolean {
  // Nobody calls again for what labmate itself asks.
  if (s.opened.door !== 'mcp' || call.tool === ACCEPT_TOOLS || call.status.is !== 'parked' || call.status.waiting.for !== 'approval') return false;
  return s.approvals.get(call.status.waiting.approval)?.state === 'approved' && !call.woken.some((w) => w.why === 'again');
}

/** A session that labmate opened to ask about a mounted server: over when that is decided. */
export function isReview(s: Session): boolean {
  return s.opened.door === 'mcp' && s.calls.size > 0 && [...s.calls.values()].every((call) => call.tool === ACCEPT_TOOLS);
}

export function isLong(s: Session): boolean {
  return s.seq >= LONG;
}

/** One request of a client at a door, for whoever measures: names and ids only, and only names that are ours. */
export type DoorRequest = {
  /** `tools/call`; "other" for a method that nobody knows. */
  method: string;
  /** The tool, prompt or kind of address it names; null where it names none, "unknown" where there is none of that name. */
  target: string | null;
  id: string;
  /** The connection, once there is one. */
  connection: string | null;
  /** Of the client's own trace, by W3C's `traceparent`. */
  parent: string | null;
};

/** `asked`: people must agree first. `tool_error`: the tool says no. `aborted`: it was taken back, or the connection went, before the answer. Else the protocol's error code. */
export type DoorOutcome = 'ok' | 'asked' | 'tool_error' | 'aborted' | { code: number };

/** Is told of a request, begins it, and answers who is told how it ended. */
export type DoorWatch = (request: DoorRequest, begin: () => void) => (outcome: DoorOutcome) => void;
