import { fenced, prose } from './quote.ts';
import { report } from './report.ts';
import { wordsOf } from './said.ts';
import type { Session } from './state.ts';

/** So many characters at most are handed on, and so many of them from the beginning of the thread. */
const MOST = 24_000;
const BEGINNING = 10_000;

/**
 * What the next session of a thread is told of those before it: what this one was told itself, then this one's report. Whoever says "run it again" means the experiment,
 * not the thanks that came after it; of a session that only talked, the words are handed on. Where it grows too long its middle is left out: how the thread began
 * says what the experiment is, and its end what was last.
 */
export function handedOn(session: Session): string {
  const before = session.opened.after?.report;
  if (before === undefined) return report(session);
  const acted = [...session.calls.values()].some((call) => call.started);
  const whole = `${before.trimEnd()}\n\n${acted ? report(session) : talk(session)}`;
  if (whole.length <= MOST) return whole;
  const first = whole.slice(0, whole.lastIndexOf('\n', BEGINNING));
  const last = whole.slice(whole.indexOf('\n', whole.length - (MOST - BEGINNING)));
  return `${first}\n\n… (left out; the records have it)\n${last}`;
}

function talk({ opened, ended, replies }: Session): string {
  const answer = ended?.text || wordsOf(replies.findLast((reply) => !reply.host)?.content ?? []);
  const parts = [`# Experiment ${prose(opened.alias, 40)}`, '## What was asked', fenced(opened.prompt), '## What was answered', fenced(answer, 'text', 4_000)];
  return `${parts.join('\n\n')}\n`;
}
