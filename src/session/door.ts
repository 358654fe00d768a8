import type { Call, Session } from './state.ts';

/** A client's session ends after this long without a call. */
export const QUIET_MS = 3_600_000;
/** Lines after which a client that never pauses begins a new log: each call reads it. */
const LONG = 1_000;

/** Approved, and not made again since: at a door people say yes, and the client calls. */
export function waitsForClient(s: Session, call: Call): boolean {
  if (s.opened.door !== 'mcp' || call.status.is !== 'parked' || call.status.waiting.for !== 'approval') return false;
  return s.approvals.get(call.status.waiting.approval)?.state === 'approved' && !call.woken.some((w) => w.why === 'again');
}

export function isLong(s: Session): boolean {
  return s.seq >= LONG;
}
