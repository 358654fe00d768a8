import { openCalls, type Session } from './state.ts';

/** What `answers` of a message says where several questions are open and nothing tells which of them is meant. */
export const NO_ONE_QUESTION = '';

/**
 * Which question somebody's typed message answers: the only one that is open, else the only one that was put to them. `NO_ONE_QUESTION` where it could be any of several:
 * an answer that is taken for another question's could have an effect made twice. It is also that where words before these ended the wait for all of them. Undefined where none is asked.
 */
export function questionMeant(s: Session, by: string): string | undefined {
  const asked = openCalls(s).flatMap(({ id, status, answer, interrupted }) =>
    status.is === 'parked' && status.waiting.for === 'answer' ? [{ id, to: status.waiting.to, answer, interrupted }] : [],
  );
  const open = asked.filter(({ answer, interrupted }) => !answer && !interrupted);
  // Nobody has looked yet at what ended the wait for all of them; more words are no answer either.
  if (open.length === 0 && asked.some(({ interrupted }) => interrupted)) return NO_ONE_QUESTION;
  if (open.length < 2) return open[0]?.id;
  const theirs = open.filter(({ to }) => to === by);
  return theirs.length === 1 ? theirs[0]?.id : NO_ONE_QUESTION;
}
