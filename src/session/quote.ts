import { figure } from '../analysis/numbers.ts';
import { beginning, visible } from '../policy/outside-text.ts';

/**
 * How text from outside stands in a Markdown report: prompts, names, arguments, the model's words, what backends said. It mentions nobody, links nowhere,
 * breaks out of no cell and no fence, and hides nothing.
 */

/** On one line, in a code span: exact words such as ids, names and values. Fits into a table's cell; a backtick and a pipe give way to their likes. */
export function code(text: string, max = 200): string {
  const line = oneLine(text, max).replaceAll('`', "'").replaceAll('|', '│');
  return line === '' ? '(empty)' : `\`${line}\``;
}

/** On one line, as running text. A word that would notify, refer or link stands in a code span, where a backslash would not stop it. */
export function prose(text: string, max = 2000): string {
  return oneLine(text, max)
    .replaceAll('`', "'")
    .split(' ')
    .map((word) => (acts.test(word) ? inert(word) : escaped(word)))
    .join(' ')
    .replace(/^(?:[+=-]|#(?!\d))|^\d+(?=[.)])/, (start) => (/\d/.test(start) ? `\`${start}\`` : `\\${start}`));
}

/** A mention, a reference to an issue, a bare link. */
const acts = /@(?=\w)|#(?=\d)|:\/\/|\bwww\./i;

/** The word in a code span, its brackets and the punctuation after it outside. */
function inert(word: string): string {
  const [, before = '', inner = '', after = ''] = /^([([{"']*)(.*?)([)\]}"'.,;:!?]*)$/u.exec(word) ?? [];
  return `${escaped(before)}${code(inner, word.length)}${escaped(after)}`;
}

function escaped(word: string): string {
  return word.replace(/[\\*[\]<>|~&$]|(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/gu, '\\$&');
}

/** A number in a cell of a table, empty where there is none; what stands in place of one is quoted. */
export function inCell(value: number | string | null): string {
  if (value === null) return '';
  return typeof value === 'number' ? figure(value) : prose(value, 20);
}

/** A block of its own, to the letter, in a fence longer than any inside it. */
export function fenced(text: string, language = 'text', max = 50_000): string {
  const whole = visible(text);
  const kept = whole.length > max ? `${beginning(whole, max)}\n… (${whole.length - max} more characters; whole in the record)` : whole;
  const longest = Math.max(2, ...[...kept.matchAll(/`+/g)].map((run) => run[0].length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}${language}\n${kept}\n${fence}`;
}

/** A link only where it is a plain web address; else the words themselves. */
export function link(url: string): string {
  return /^https?:\/\/[\w.:-]+(\/[\w\-./~%#?=&:+,@]*)?$/.test(url) ? `<${url}>` : code(url);
}

function oneLine(text: string, max: number): string {
  const line = visible(text).replace(/\s+/g, ' ').trim();
  return line.length > max ? `${beginning(line, max - 1)}…` : line;
}
