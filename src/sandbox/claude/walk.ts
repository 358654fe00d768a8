import type { Got } from './conversation.ts';

export type Ask = { tool: string; input: Record<string, unknown> };

/** A walk asks for calls, gets what they answered, and ends with its last words. It is replayed from its start at every request. */
export type Walk<End = string> = Generator<{ say: string; calls: Ask[] }, End, Got[]>;

/** A part of a walk that may turn out to be the end of it. */
export type Or<Value> = { go: Value } | { end: string };

/** What a person answered; null where nobody did. */
export function answerIn(got: Got | undefined): string | null {
  return got && !got.failed && typeof got.data['answer'] === 'string' ? got.data['answer'] : null;
}
