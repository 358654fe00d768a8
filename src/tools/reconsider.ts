import type { Standing } from '../policy/judge.ts';
import { approversOf } from '../policy/rules.ts';
import { UpstreamError } from '../services/http.ts';
import type { Preview } from '../session/events.ts';
import { faultInWords } from './arguments.ts';
import { type SessionFacts, ToolError, type WriteTool } from './define-tool.ts';
import type { GateDeps } from './gate.ts';
import { propose } from './propose.ts';

/** What a changed call would be asked as; or why it can't be, and the path of the argument where that is known. */
export type Reconsidered =
  | { is: 'asks'; digest: string; arguments: Record<string, unknown>; preview: Preview; expiresAfterMs: number }
  | { is: 'no'; why: string; argument?: readonly string[] };

/**
 * Plans and judges a call again with other arguments, as the gate will at the moment of the call: the same schema, the same look-ups, the same rules. Runs
 * nothing. A person is asked again even where a rule would let the new arguments run: somebody asked for a decision.
 */
export async function reconsider(
  tool: WriteTool,
  input: Record<string, unknown>,
  { facts, standing, signal }: { facts: SessionFacts; standing: Standing; signal: AbortSignal },
  deps: GateDeps,
): Promise<Reconsidered> {
  const read = tool.input.safeParse(input);
  if (!read.success) {
    const [issue] = read.error.issues;
    return { is: 'no', why: issue ? faultInWords(issue, input) : 'These arguments are not taken.', argument: (issue?.path ?? []).map(String) };
  }
  try {
    const { services, settings, now, permissions } = deps;
    const proposed = await propose(tool, read.data, standing, { services, settings, session: { ...facts, resolved: undefined }, signal, now }, deps);
    if (proposed.is === 'question')
      return { is: 'no', why: proposed.question.ask, ...(proposed.question.argument ? { argument: proposed.question.argument } : {}) };
    if (proposed.is === 'refused') return { is: 'no', why: proposed.why, ...(proposed.argument ? { argument: proposed.argument } : {}) };
    const { plan, digest, preview, verdict } = proposed;
    const rule = verdict.is === 'confirm' ? verdict.approvers : approversOf(tool.name, permissions.approvers);
    if (!rule) return { is: 'no', why: 'labmate.json names nobody who may approve this.' };
    return { is: 'asks', digest, arguments: plan.arguments, preview, expiresAfterMs: rule.expiresAfterMs };
  } catch (error) {
    if (error instanceof ToolError) return { is: 'no', why: error.what, ...(error.argument ? { argument: error.argument } : {}) };
    if (error instanceof UpstreamError) return { is: 'no', why: error.message };
    throw error;
  }
}
