import type { Outcome } from './events.ts';
import type { Session } from './state.ts';

/** How a tool's failure was written for the model. */
const failure = /^[A-Z][A-Z0-9_]+: ([\s\S]*?) Next: [\s\S]*?\((?:not )?retryable\)/;
/** What tools told the model to do, where they had nothing to fail at. */
const advice = / (?:To wait on, call again without this condition or with a greater after_step|Nothing was chosen in its place; ask the person)\./;

/** What people read of an outcome. Records from before it was kept apart hold the model's words: of these, what is not for it alone. */
export function saidOf({ said, text }: Outcome): string {
  return said ?? text.replace(failure, '$1').replace(advice, '');
}

/** The text a person reads of one reply of the model. */
export function wordsOf(content: readonly unknown[]): string {
  return content
    .flatMap((block) => (isText(block) ? [block.text.trim()] : []))
    .filter(Boolean)
    .join('\n\n');
}

/** What the model said last, in the text a person reads; empty where it said nothing. */
export function lastWords({ replies }: Session): string {
  return wordsOf(replies.findLast((reply) => !reply.host)?.content ?? []);
}

/** Whether a block of a reply is text. */
export function isText(block: unknown): block is { type: 'text'; text: string } {
  return typeof block === 'object' && block !== null && 'type' in block && block.type === 'text' && 'text' in block && typeof block.text === 'string';
}
