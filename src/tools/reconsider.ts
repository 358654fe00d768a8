import { digestOf } from '../policy/digest.ts';
import { judge, type Standing } from '../policy/judge.ts';
import { approversOf } from '../policy/rules.ts';
import { UpstreamError } from '../services/http.ts';
import type { Preview } from '../session/events.ts';
import { type SessionFacts, ToolError, type WriteTool } from './define-tool.ts';
import { type GateDeps, intended } from './gate.ts';

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
  { services, settings, permissions, now }: GateDeps,
): Promise<Reconsidered> {
  const read = tool.input.safeParse(input);
  if (!read.success) {
    const [issue] = read.error.issues;
    const argument = (issue?.path ?? []).map(String);
    const where = argument.length > 1 ? `${argument.slice(1).join('.')}: ` : '';
    return { is: 'no', why: `${where}${issue?.message ?? 'These arguments are not taken.'}`, argument };
  }
  try {
    const plan = await tool.plan(read.data as never, { services, settings, session: { ...facts, resolved: undefined }, signal, now });
    if (plan.kind === 'question') return { is: 'no', why: plan.ask, ...(plan.argument ? { argument: plan.argument } : {}) };
    if (plan.kind === 'refusal') return { is: 'no', why: plan.why };
    const verdict = judge(intended(tool, plan), permissions, standing);
    if (verdict.is === 'refuse') return { is: 'no', why: verdict.why };
    const rule = verdict.is === 'confirm' ? verdict.approvers : approversOf(tool.name, permissions.approvers);
    if (!rule) return { is: 'no', why: 'labmate.json names nobody who may approve this.' };
    const preview = { ...plan.preview, ...(verdict.placement ? { environment: verdict.placement.environment } : {}) };
    return { is: 'asks', digest: digestOf(tool.name, plan.arguments), arguments: plan.arguments, preview, expiresAfterMs: rule.expiresAfterMs };
  } catch (error) {
    if (error instanceof ToolError || error instanceof UpstreamError) return { is: 'no', why: error.message };
    throw error;
  }
}
