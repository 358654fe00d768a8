import { parseMarkdownInline } from './markdown-inline.ts';
import type { Align, Flow, ListItem } from './nodes.ts';

/** Parses the Markdown a `markdown` block may hold: headings, lists, tables, quotes, fenced code and rules. */
export function parseMarkdown(text: string): Flow[] {
  return flowsOf(text.replaceAll('\r\n', '\n').split('\n'));
}

const FENCE = /^\s*(```+|~~~+)\s*([\w+-]*)/;
const HEADING = /^(#{1,6})\s+(.*?)\s*#*$/;
const RULE = /^\s*([-*_])(?:\s*\1){2,}\s*$/;
const QUOTE = /^\s*> ?/;
const ITEM = /^(\s*)([-*+•]|\d{1,9}[.)])\s+(.*)$/;
const TABLE_RULE = /^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$/;

/** Each reader takes lines from the top and says how many it used, or null when the line is not its own. */
type Reader = (lines: string[]) => { flow: Flow; used: number } | null;
const READERS: Reader[] = [readFence, readHeading, readRule, readQuote, readList, readTable];

function flowsOf(lines: string[]): Flow[] {
  const flows: Flow[] = [];
  for (let at = 0; at < lines.length; ) {
    const rest = lines.slice(at);
    if ((rest[0] ?? '').trim() === '') {
      at += 1;
      continue;
    }
    const { flow, used } = readSpecial(rest) ?? readParagraph(rest);
    flows.push(flow);
    at += used;
  }
  return flows;
}

function readSpecial(lines: string[]) {
  for (const read of READERS) {
    const found = read(lines);
    if (found) return found;
  }
  return null;
}

function readParagraph(lines: string[]): { flow: Flow; used: number } {
  let used = 1;
  while (used < lines.length && (lines[used] ?? '').trim() !== '' && !readSpecial(lines.slice(used))) used += 1;
  return { flow: { kind: 'paragraph', children: parseMarkdownInline(lines.slice(0, used).join('\n').trim()) }, used };
}

function readFence(lines: string[]) {
  const open = FENCE.exec(lines[0] ?? '');
  if (!open) return null;
  const close = lines.findIndex((line, index) => index > 0 && line.trim().startsWith(open[1] ?? '```'));
  const end = close < 0 ? lines.length : close;
  const flow: Flow = { kind: 'code-block', text: lines.slice(1, end).join('\n'), language: open[2] ?? '' };
  return { flow, used: close < 0 ? end : end + 1 };
}

function readHeading(lines: string[]) {
  const found = HEADING.exec(lines[0] ?? '');
  if (!found) return null;
  const flow: Flow = { kind: 'heading', level: found[1]?.length ?? 1, children: parseMarkdownInline(found[2] ?? '') };
  return { flow, used: 1 };
}

function readRule(lines: string[]) {
  return RULE.test(lines[0] ?? '') ? { flow: { kind: 'rule' } as Flow, used: 1 } : null;
}

function readQuote(lines: string[]) {
  let used = 0;
  while (used < lines.length && QUOTE.test(lines[used] ?? '')) used += 1;
  if (used === 0) return null;
  const flow: Flow = { kind: 'quote', children: flowsOf(lines.slice(0, used).map((line) => line.replace(QUOTE, ''))) };
  return { flow, used };
}

function readList(lines: string[]) {
  const first = ITEM.exec(lines[0] ?? '');
  if (!first) return null;
  const indent = first[1]?.length ?? 0;
  const ordered = /\d/.test(first[2] ?? '');
  const items: ListItem[] = [];
  let used = 0;
  while (used < lines.length) {
    const item = ITEM.exec(lines[used] ?? '');
    if (!item || (item[1]?.length ?? 0) !== indent || /\d/.test(item[2] ?? '') !== ordered) break;
    const body = deeper(lines.slice(used + 1), indent);
    items.push(itemOf(item[3] ?? '', body));
    used += 1 + body.length;
  }
  const flow: Flow = { kind: 'list', ordered, start: ordered ? Number.parseInt(first[2] ?? '1', 10) : 1, items };
  return { flow, used };
}

/** The lines that belong to a list item: those indented under it. */
function deeper(lines: string[], indent: number): string[] {
  const end = lines.findIndex((line) => line.trim() === '' || line.length - line.trimStart().length <= indent);
  return end < 0 ? lines : lines.slice(0, end);
}

function itemOf(text: string, body: string[]): ListItem {
  const task = /^\[([ xX])\]\s+(.*)$/.exec(text);
  const checked = task ? task[1] !== ' ' : null;
  return { children: parseMarkdownInline(task?.[2] ?? text), checked, nested: flowsOf(body.map((line) => line.trimEnd())) };
}

function readTable(lines: string[]) {
  if (!(lines[0] ?? '').includes('|') || !TABLE_RULE.test(lines[1] ?? '') || !(lines[1] ?? '').includes('-')) return null;
  let used = 2;
  while (used < lines.length && (lines[used] ?? '').includes('|')) used += 1;
  const header = cells(lines[0] ?? '').map(parseMarkdownInline);
  const flow: Flow = {
    kind: 'table',
    align: cells(lines[1] ?? '').map(alignOf),
    header,
    rows: lines.slice(2, used).map((line) => header.map((_, column) => parseMarkdownInline(cells(line)[column] ?? ''))),
  };
  return { flow, used };
}

/** Splits a table row at its bars; `\|` is a bar in the text. */
function cells(line: string): string[] {
  const inner = line
    .trim()
    .replace(/^\|/, '')
    .replace(/(?<!\\)\|$/, '');
  return inner.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll('\\|', '|'));
}

function alignOf(rule: string): Align {
  if (rule.startsWith(':') && rule.endsWith(':')) return 'center';
  return rule.endsWith(':') ? 'right' : 'left';
}
