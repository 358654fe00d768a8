import type { Session } from './state.ts';

/** What one session may use up. Times in ms. */
export type BudgetLimits = { turns: number; toolCalls: number; outputTokens: number; wallTimeMs: number };

/** A sentence that says which limit is reached, or null. Checked before each question to the model, so it is overrun by one turn at most. */
export function overBudget(s: Session, now: number, limits: BudgetLimits): string | null {
  if (s.replies.length >= limits.turns) return `This session has used its ${limits.turns} model turns.`;
  if (s.calls.size >= limits.toolCalls) return `This session has used its ${limits.toolCalls} tool calls.`;
  if (s.usage.output >= limits.outputTokens) return `This session has used its ${limits.outputTokens} output tokens.`;
  if (now - s.opened.m >= limits.wallTimeMs) return `This session has been open for its ${Math.round(limits.wallTimeMs / 3_600_000)} hours.`;
  return null;
}
