import type { SandboxMessage } from '../control-types.ts';
import { wordsOf } from '../print-thread.ts';
import { isOpenCard, type Stage } from '../stage.ts';
import { check } from './checks.ts';

/** Waits for a question in the thread whose words match; a card before it is answered would be a guess. */
export async function asked(stage: Stage, words: RegExp): Promise<SandboxMessage> {
  const question = await stage.untilThread(`a question about ${words.source}`, (thread) =>
    thread.find((m) => m.bot && m.ts !== stage.root() && /\bA question\b/.test(wordsOf(m)) && words.test(wordsOf(m))),
  );
  check(!(await stage.thread()).some(isOpenCard), 'A card appeared before the question was answered.');
  return question;
}
