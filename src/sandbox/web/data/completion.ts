import type { Snapshot } from '../../control-types.ts';

export type Suggestion = { insert: string; label: string; hint: string };
export type Completion = { from: number; to: number; options: Suggestion[] };

const COMMANDS: Suggestion[] = [
  { insert: '/experiment ', label: '/experiment', hint: 'describe an experiment in a sentence' },
  ...[
    ['help', 'everything it understands'],
    ['status', 'what runs or waits right now'],
    ['list', 'the latest experiments'],
    ['show ID', 'where one stands'],
    ['stop ID', 'stop one now'],
    ['rerun ID key=value…', 'the same again, with these parameters changed'],
    ['compare A B', 'the second against the first, without a model'],
    ['best EXPERIMENT METRIC', 'the best run of an MLflow experiment'],
    ['find WORDS', 'search in what was asked, people and verdicts'],
    ['record ID', 'the record of one, as a file in its thread'],
    ['approvals', 'what waits for your yes'],
  ].map(([form = '', hint = '']) => ({ insert: `/experiment ${form.replace(/ .*/, ' ')}`, label: `/experiment ${form}`, hint })),
];

/** What can complete the word before the caret: a command at the very start, `@` a person, `#` a channel. Null when nothing fits. */
export function completionAt(text: string, caret: number, snapshot: Snapshot, inThread: boolean): Completion | null {
  const before = text.slice(0, caret);
  if (!inThread && /^\/\S*( \S*)?$/.test(before)) return offer(0, caret, before, COMMANDS);
  const word = /(?:^|\s)([@#])([\w.-]*)$/.exec(before);
  if (!word) return null;
  const [sign = '', typed = ''] = [word[1], word[2]];
  const options =
    sign === '@'
      ? snapshot.users
          .filter((user) => !user.deleted && user.id !== 'USLACKBOT')
          .map((user) => ({ insert: `@${user.name} `, label: `@${user.name}`, hint: user.role }))
      : snapshot.channels.filter((channel) => !channel.im).map((channel) => ({ insert: `#${channel.name} `, label: `#${channel.name}`, hint: 'channel' }));
  // The bot first: it is who one mostly talks to here.
  options.sort((a, b) => Number(b.hint === 'bot') - Number(a.hint === 'bot'));
  return offer(caret - typed.length - 1, caret, sign + typed, options);
}

function offer(from: number, to: number, typed: string, all: Suggestion[]): Completion | null {
  const options = all.filter((each) => each.label.toLowerCase().startsWith(typed.toLowerCase()) && each.insert !== typed);
  return options.length > 0 ? { from, to, options } : null;
}

/** Whether Enter sends: the text is a whole command already, and what else could follow it is only an offer. */
export function isWhole(text: string): boolean {
  return COMMANDS.some(({ insert, label }) => label === insert.trim() && label === text.trim());
}

/** Splits what was typed into a command and its text, or null for an ordinary message. */
export function parseCommand(text: string): { command: string; text: string } | null {
  const found = /^(\/[a-z][\w-]*)(?:\s+([\s\S]*))?$/.exec(text.trim());
  return found ? { command: found[1] ?? '', text: (found[2] ?? '').trim() } : null;
}
