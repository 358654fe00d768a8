import { visible } from '../policy/outside-text.ts';

/** Names and values from a backend, for one cell or one line of Markdown: visible, on one line, unable to end its place. */
export function cell(text: string, max = 80): string {
  const line = visible(text).replace(/\s+/g, ' ').trim();
  const short = line.length > max ? `${line.slice(0, max - 1)}…` : line;
  return short.replaceAll('|', '\\|').replaceAll('`', "'");
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map((_, i) => (i === 0 ? '---' : '---:')), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
}

/** `a, b, c and 17 more`; `none` for an empty list. */
export function listed(names: readonly string[], most = 20): string {
  if (names.length === 0) return 'none';
  const shown = names
    .slice(0, most)
    .map((name) => cell(name))
    .join(', ');
  return names.length > most ? `${shown} and ${names.length - most} more` : shown;
}

/** Text of a machine, as it is: it can't end its own fence. */
export function fenced(text: string): string {
  return `\`\`\`\n${visible(text).replaceAll('```', "'''")}\n\`\`\``;
}
