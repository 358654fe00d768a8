import type { EventOf } from './events.ts';
import type { Session } from './state.ts';

export type RerunOf = NonNullable<EventOf<'opened'>['rerun_of']>;

/** As many of a line's earlier members as are named. */
const NAMED = 10;

/** What `opened` says of a session that repeats `earlier`. */
export function repeats(earlier: Session, changes: Record<string, string>): RerunOf {
  const { alias, rerun_of: before } = earlier.opened;
  return {
    session: earlier.id,
    alias,
    head: earlier.head,
    first: before?.first ?? earlier.id,
    line: (before?.line ?? 1) + 1,
    earlier: [...(before?.earlier ?? []), alias].slice(-NAMED),
    changes,
  };
}

/**
 * The prompt of a repetition with these parameters: what was asked first, to the letter, under one line that states every change since. It stands for itself, so
 * the record of the repetition says exactly what was run.
 */
export function changedPrompt(earlier: Session, changes: Readonly<Record<string, string>>): { prompt: string; changes: Record<string, string> } {
  const { prompt, rerun_of: before } = earlier.opened;
  const all = { ...before?.changes, ...changes };
  if (Object.keys(changes).length === 0) return { prompt, changes: all };
  // A value has no blanks, so the line above ends where the first empty line stands.
  const first = before && Object.keys(before.changes).length > 0 ? prompt.slice(prompt.indexOf('\n\n') + 2) : prompt;
  const stated = Object.entries(all).map(([key, value]) => `${key}=${value}`);
  return { prompt: `Run it again with ${stated.join(' and ')}. What was asked first:\n\n${first}`, changes: all };
}

const ORDINALS = ['first', 'second', 'third', 'fourth', 'fifth', 'sixth', 'seventh', 'eighth', 'ninth', 'tenth'];
const CARDINALS = ['one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten'];

/** "third of this line: e-aaaa → e-bbbb → e-cccc"; with `members`, "third of five in this line: …". */
export function placeInLine({ line, earlier }: RerunOf, alias: string, members?: number): string {
  const ordinal = ORDINALS[line - 1] ?? `number ${line}`;
  const left = line - 1 - earlier.length;
  const of = members === undefined ? 'of this line' : `of ${CARDINALS[members - 1] ?? members} in this line`;
  return `${ordinal} ${of}: ${[...(left > 0 ? ['…'] : []), ...earlier, alias].join(' → ')}`;
}
