import { safeMarkdown } from './pull-request-text.ts';

/** A pipe table of GitHub's Markdown, by the lines of its document. */
export type DocTable = { header: string[] /** Index of the first row's line. */; from: number /** One past the last row's line. */; to: number };

/** The tables of a document, top to bottom; what looks like one inside a code fence is none. */
export function tablesOf(text: string): DocTable[] {
  const lines = linesOf(text);
  const tables: DocTable[] = [];
  let fence: string | null = null;
  for (let i = 0; i < lines.length; i++) {
    const mark = /^ {0,3}(`{3,}|~{3,})/.exec(lines[i] ?? '')?.[1];
    if (mark && (fence === null || (mark[0] === fence[0] && mark.length >= fence.length))) fence = fence === null ? mark : null;
    const header = fence === null ? cellsOf(lines[i] ?? '') : [];
    if (header.length < 2 || !isDelimiter(lines[i + 1] ?? '', header.length)) continue;
    const from = i + 2;
    let to = from;
    while (to < lines.length && (lines[to] ?? '').includes('|')) to += 1;
    tables.push({ header, from, to });
    i = to - 1;
  }
  return tables;
}

/** The row whose first cell is `key`: its line as it stands, or null. */
export function rowOf(text: string, table: DocTable, key: string): string | null {
  return (
    linesOf(text)
      .slice(table.from, table.to)
      .find((line) => same(cellsOf(line)[0] ?? '', asCell(key))) ?? null
  );
}

/** The row with these columns set and its other cells kept; a new one has them empty. Columns are named by the header, in any case. */
export function newRow(table: DocTable, row: string | null, key: string, columns: Readonly<Record<string, string>>): string {
  const before = row === null ? [] : cellsOf(row);
  const cells = table.header.map((name, i) => {
    if (i === 0) return before[0] ?? asCell(key);
    const set = Object.entries(columns).find(([column]) => same(column, name));
    return set ? asCell(set[1]) : (before[i] ?? '');
  });
  return `| ${cells.join(' | ')} |`;
}

/** The document with that row replaced, or with it as the table's last one. Each line keeps its own end; a new one ends as the line above it. */
export function withRow(text: string, table: DocTable, before: string | null, after: string): string {
  const at = before === null ? -1 : linesOf(text).indexOf(before, table.from);
  const replaced = at >= 0 && at < table.to;
  const lines = text.split(/(?<=\n)/);
  const start = lines.slice(0, replaced ? at : table.to).join('');
  const rest = lines.slice(replaced ? at + 1 : table.to).join('');
  const end = endOf(lines[replaced ? at : table.to - 1] ?? '');
  // Where the table's last line is the document's, and has no end, the row above gets one.
  return replaced || end !== '' ? `${start}${after}${end}${rest}` : `${start}${endOf(lines[table.to - 2] ?? '')}${after}`;
}

function endOf(line: string): string {
  return /\r?\n$/.exec(line)?.[0] ?? '';
}

/** Whether a column of this name is in the header. */
export function hasColumn(table: DocTable, column: string): boolean {
  return table.header.some((name) => same(name, column));
}

function linesOf(text: string): string[] {
  return text.split(/\r?\n/);
}

/** The cells of a line, as they are written. A pipe behind a backslash belongs to its cell. */
function cellsOf(line: string): string[] {
  if (!line.includes('|')) return [];
  const inner = line
    .trim()
    .replace(/^\|/, '')
    .replace(/(?<!\\)\|$/, '');
  return inner.split(/(?<!\\)\|/).map((cell) => cell.trim());
}

function isDelimiter(line: string, columns: number): boolean {
  const cells = cellsOf(line);
  return cells.length === columns && cells.every((cell) => /^:?-+:?$/.test(cell));
}

/** A value as one cell: one line, no pipe of its own, nothing that mentions or hides. */
function asCell(value: string): string {
  return safeMarkdown(value).replace(/\s+/g, ' ').replace(/\\*\|/g, '\\|').replace(/\\+$/, '').trim();
}

function same(a: string, b: string): boolean {
  return a.trim().toLowerCase() === b.trim().toLowerCase();
}
