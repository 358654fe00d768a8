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
