import type { Usage } from './events.ts';
import type { Call, Session } from './state.ts';

export type Prices = { input: number; output: number; cacheRead: number; cacheWrite: number };

/** What one session may use up. Times in ms. */
export type BudgetLimits = {
  turns: number;
  toolCalls: number;
  outputTokens: number;
  wallTimeMs: number;
  /** US dollars for the model, and what a million of each kind of token costs, by model. Absent: money is not counted. */
  usd?: { limit: number; prices: Readonly<Record<string, Prices>> } | undefined;
  /** So long a session that has reached a limit waits for a person to raise it; absent where nobody may, and then it ends at once. */
  raiseWithinMs?: number | undefined;
};

/** A call like the two before it is not made. */
const ALIKE = 3;

/** A sentence that says which limit is reached, or null. Checked before each question to the model, so it is overrun by one turn at most. */
export function overBudget(s: Session, now: number, limits: BudgetLimits): string | null {
  const { turns, toolCalls, outputTokens, wallTimeMs, usd } = raised(limits, s.raised);
  if (s.replies.length >= turns) return `This session has used its ${turns} model turns.`;
  if (s.calls.size >= toolCalls) return `This session has used its ${toolCalls} tool calls.`;
  if (s.usage.output >= outputTokens) return `This session has used its ${outputTokens} output tokens.`;
  if (usd && spent(s, usd.prices) >= usd.limit)
    return `This session has used ${dollars(spent(s, usd.prices))} of the model, and may use ${dollars(usd.limit)}.`;
  if (now - s.opened.m >= wallTimeMs) return `This session has been open for its ${Math.round(wallTimeMs / 3_600_000)} hours.`;
  return null;
}

/** A sentence where one reply asks for more calls than there are left; what is left of them is made. */
export function overToolCalls(s: Session, call: Call, limits: BudgetLimits): string | null {
  const { toolCalls } = raised(limits, s.raised);
  const place = [...s.calls.keys()].indexOf(call.id) + 1;
  return place > toolCalls ? `This session may make ${toolCalls} tool calls, and this would be number ${place}, so it was not made.` : null;
}

/** Each raise doubles what a session may use up. */
function raised(limits: BudgetLimits, times: number): BudgetLimits {
  const by = 2 ** times;
  const { turns, toolCalls, outputTokens, wallTimeMs, usd } = limits;
  return {
    ...limits,
    turns: turns * by,
    toolCalls: toolCalls * by,
    outputTokens: outputTokens * by,
    wallTimeMs: wallTimeMs * by,
    ...(usd ? { usd: { ...usd, limit: usd.limit * by } } : {}),
  };
}

/** What the model has cost so far, in US dollars. */
export function spent(s: Session, prices: Readonly<Record<string, Prices>>): number {
  return s.replies.reduce((sum, { model, usage }) => sum + costOf(usage, [model, s.opened.model], prices), 0);
}

/**
 * What one reply costs, in US dollars. It is priced by the name of the model that gave it, else by the one that was asked for (a provider answers with a dated
 * name); where neither has a price, by the dearest there is: a budget of money must not end at a new name.
 */
export function costOf(usage: Usage, models: readonly [gave: string, asked: string], prices: Readonly<Record<string, Prices>>): number {
  const dearest = Object.values(prices).reduce<Prices>(
    (most, p) => ({
      input: Math.max(most.input, p.input),
      output: Math.max(most.output, p.output),
      cacheRead: Math.max(most.cacheRead, p.cacheRead),
      cacheWrite: Math.max(most.cacheWrite, p.cacheWrite),
    }),
    { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 },
  );
  const named = models.find((model) => Object.hasOwn(prices, model));
  const price = (named === undefined ? undefined : prices[named]) ?? dearest;
  const millionths = usage.input * price.input + usage.output * price.output + usage.cache_read * price.cacheRead + usage.cache_write * price.cacheWrite;
  return millionths / 1_000_000;
}

/** `$4.20`, and of less than a cent what there is of it. */
export function dollars(amount: number): string {
  if (amount === 0 || amount >= 0.01) return `$${amount.toFixed(2)}`;
  return `$${Number(amount.toPrecision(2))}`;
}

/**
 * A sentence where a call repeats the two before it, tool and arguments alike; null otherwise. A call that has waited for a job, an answer or a person is no
 * repetition: something has happened in between.
 */
export function goesInCircles(s: Session, call: Call): string | null {
  const all = [...s.calls.values()];
  const at = all.indexOf(call);
  const last = all.slice(Math.max(0, at - ALIKE + 1), at + 1);
  if (last.length < ALIKE || !last.every((c) => c.tool === call.tool && sameJson(c.input, call.input))) return null;
  const earliest = last[0]?.reply ?? 0;
  const heard = s.told.some((t) => t.seq > earliest && t.seq < call.reply && t.standing !== 'other');
  if (heard || last.some((c) => c.woken.length > 0 || c.answer !== undefined || c.interrupted !== undefined)) return null;
  return `This would be the same call with the same arguments for the ${ALIKE}rd time in a row, so it was not made. Use what the earlier ones answered, do something else, or say what is missing.`;
}

/** Whether two values are the same JSON, whatever the order of their keys. */
function sameJson(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null || Array.isArray(a) !== Array.isArray(b)) return false;
  const [left, right] = [a as Record<string, unknown>, b as Record<string, unknown>];
  const keys = Object.keys(left);
  return keys.length === Object.keys(right).length && keys.every((key) => Object.hasOwn(right, key) && sameJson(left[key], right[key]));
}
