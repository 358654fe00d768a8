import { fenced, prose } from './quote.ts';
import { report } from './report.ts';
import { lastWords } from './said.ts';
import type { Session } from './state.ts';

/** So many characters at most are handed on, and so many of them from the beginning of the thread. */
const MOST = 24_000;
const BEGINNING = 10_000;

/** Where what is told of another session begins. */
const PART = /\n\n(?=# Experiment e-[0-9a-z]+\n\n(?:- Asked by|## What was asked))/;
const LEFT_OUT = '… (reports of sessions between are left out; the records have them)';

/**
 * What the next session of a thread is told of those before it: what this one was told itself, then this one's report. Whoever says "run it again" means the experiment,
 * not the thanks that came after it; of a session that only talked, the words are handed on. Where it grows too long whole parts of its middle are left out: how the
 * thread began says what the experiment is, and its end what was last.
 */
export function handedOn(session: Session): string {
  const before = session.opened.after?.report;
  if (before === undefined) return report(session);
  return shortened(`${before.trimEnd()}\n\n${session.calls.size > 0 ? report(session) : talk(session)}`);
}

/** Each part stays whole, so that what is quoted in it stays quoted; the first and the last stay, however long. */
function shortened(whole: string): string {
  if (whole.length <= MOST) return whole;
  const parts = whole.replaceAll(`\n\n${LEFT_OUT}`, '').split(PART);
  const first = [parts.shift() ?? ''];
  const last = [parts.pop() ?? ''];
  const long = (all: readonly string[]) => all.reduce((sum, part) => sum + part.length + 2, 0);
  while (parts[0] !== undefined && long(first) + parts[0].length <= BEGINNING) first.push(parts.shift() ?? '');
  for (let next = parts.at(-1); next !== undefined && long(first) + long(last) + next.length <= MOST; next = parts.at(-1)) last.unshift(parts.pop() ?? '');
  return [...first, ...(parts.length > 0 || whole.includes(LEFT_OUT) ? [LEFT_OUT] : []), ...last].join('\n\n');
}

function talk(session: Session): string {
  const { opened, ended } = session;
  const answer = ended?.text || lastWords(session);
  const parts = [`# Experiment ${prose(opened.alias, 40)}`, '## What was asked', fenced(opened.prompt), '## What was answered', fenced(answer, 'text', 4_000)];
  return `${parts.join('\n\n')}\n`;
}
