import { canonicalJson } from '../policy/digest.ts';
import { type Call, openCalls, type Session } from '../session/state.ts';

/** The open call that asks for the same: a client that makes a call again means that one. */
export function openTwin(session: Session, { tool, input }: { tool: string; input: Record<string, unknown> }): Call | undefined {
  return openCalls(session).find((call) => call.tool === tool && canonicalJson(call.input) === canonicalJson(input));
}
