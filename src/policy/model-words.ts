import { plain } from './outside-text.ts';

/** An element of Slack's rich text, where nothing is parsed: a mention or a link exists only where one was made. */
export type Rich = { type: string; [key: string]: unknown };
/** One of the parts that stand below each other in a rich text block. */
export type Passage = Rich & { elements: Rich[] };
type Known = ReadonlyMap<string, string>;
type Style = { bold?: true; italic?: true; code?: true };

/** No message holds more. */
const MOST = 14_000;
/** Words in more pieces than these are shown as they are: formatting is for readers, and Slack takes only so many elements. */
const MOST_PIECES = 300;

/**
 * Words that a model wrote in Markdown, as elements of one rich text block: emphasis, code, headings, lists, quotes and tables are what they are meant to be. A link
 * comes of an address only where the page is `known`, each with a short name; a mention never.
 */
export function richWords(markdown: string, known: Known = new Map()): Passage[] {
  const over = markdown.length - MOST;
  const text = over > 0 ? `${markdown.slice(0, MOST)}… (${over} more characters)` : markdown;
  const passages = passagesOf(text, known);
  return passages.length > 0 && piecesIn(passages) <= MOST_PIECES ? passages : [section([piece(text || ' ')])];
}

/** Text taken apart at the pages that are known: each of them becomes a link with a short name, everything else stays the text it is. */
export function splitAtLinks(text: string, known: Known): { text: string; url?: string }[] {
  // The longest first: one page's address may be another's beginning.
  const urls = [...known.keys()].filter((url) => text.includes(url)).sort((a, b) => b.length - a.length);
  const at = urls.map((url) => ({ url, from: text.indexOf(url) })).sort((a, b) => a.from - b.from || b.url.length - a.url.length)[0];
  if (!at) return text === '' ? [] : [{ text }];
  const { url, from } = at;
  const before = text.slice(0, from);
  return [
    ...(before === '' ? [] : [{ text: before }]),
    { url, text: nameAfter(before, known.get(url) ?? url) },
    ...splitAtLinks(text.slice(from + url.length), known),
  ];
}

/** "New run: run 7" says it twice. */
function nameAfter(before: string, name: string): string {
  const [kind = '', id] = name.split(/ (?=\S+$)/);
  const said = before.toLowerCase().replace(/[:\s]+$/, '');
  return id && said.endsWith(kind) ? id : name;
}

const FENCE = /^ {0,3}(```|~~~)/;
const ITEM = /^(\s*)([-*•]|\d{1,3}[.)])\s+(\S.*)$/;
const QUOTE = /^ {0,3}> ?(.*)$/;
const HEADING = /^ {0,3}#{1,6} +(\S.{0,200}?)[ #]*$/;
const ROW = /^\s*\|.*\|\s*$/;
const RULE_ROW = /^\s*\|[\s:|-]+\|\s*$/;

function passagesOf(text: string, known: Known): Passage[] {
  const lines = text.split('\n');
  const made: Passage[] = [];
  let words: string[] = [];
  const flush = () => {
    const said = words.join('\n').replace(/^\n+|\n+$/g, '');
    if (said.trim() !== '') made.push(section(inline(said, known)));
    words = [];
  };
  const add = (passage: Passage) => {
    flush();
    made.push(passage);
  };
  for (let at = 0; at < lines.length; ) {
    const line = lines[at] ?? '';
    const fenced = fenceFrom(lines, at);
    const heading = HEADING.exec(line)?.[1];
    if (fenced) {
      add({ type: 'rich_text_preformatted', elements: [piece(fenced.join('\n') || ' ')] });
      at += fenced.length + 2;
    } else if (ROW.test(line) && RULE_ROW.test(lines[at + 1] ?? '')) {
      const rows = runOf(lines, at, (each) => ROW.test(each));
      add({ type: 'rich_text_preformatted', elements: [piece(aligned(rows))] });
      at += rows.length;
    } else if (ITEM.test(line)) {
      const items = runOf(lines, at, (each) => ITEM.test(each));
      flush();
      made.push(...lists(items, known));
      at += items.length;
    } else if (QUOTE.test(line)) {
      const quoted = runOf(lines, at, (each) => QUOTE.test(each));
      add({ type: 'rich_text_quote', elements: inline(quoted.map((each) => QUOTE.exec(each)?.[1] ?? '').join('\n') || ' ', known) });
      at += quoted.length;
    } else if (heading) {
      add(section(inline(heading, known, { bold: true })));
      at += 1;
    } else {
      words.push(line);
      at += 1;
    }
  }
  flush();
  return made;
}

/** The lines between a fence and the one that closes it; null where none begins here or it is never closed. */
function fenceFrom(lines: readonly string[], at: number): string[] | null {
  const mark = FENCE.exec(lines[at] ?? '')?.[1];
  if (!mark) return null;
  const length = lines.slice(at + 1).findIndex((line) => line.trim() === mark);
  return length < 0 ? null : lines.slice(at + 1, at + 1 + length);
}

function runOf(lines: readonly string[], from: number, is: (line: string) => boolean): string[] {
  const end = lines.findIndex((line, at) => at > from && !is(line));
  return lines.slice(from, end < 0 ? undefined : end);
}

/** Neighbours of one kind and depth are one list; Slack nests by the depth. */
function lists(items: readonly string[], known: Known): Passage[] {
  const made: Passage[] = [];
  for (const item of items) {
    const [, space = '', mark = '-', words = ''] = ITEM.exec(item) ?? [];
    const indent = Math.min(4, Math.floor(space.replaceAll('\t', '  ').length / 2));
    const number = Number.parseInt(mark, 10);
    const style = Number.isNaN(number) ? 'bullet' : 'ordered';
    const last = made.at(-1);
    const one = section(inline(words, known));
    if (last?.['style'] === style && last['indent'] === indent) last.elements.push(one);
    else made.push({ type: 'rich_text_list', style, indent, ...(number > 1 ? { offset: number - 1 } : {}), elements: [one] });
  }
  return made;
}

/** A table in columns of one width: what is compared in it stands below each other. */
function aligned(rows: readonly string[]): string {
  const cells = rows
    .filter((row) => !RULE_ROW.test(row))
    .map((row) =>
      row
        .trim()
        .slice(1, -1)
        .split(/(?<!\\)\|/)
        .map((cell) =>
          cell
            .trim()
            .replace(/\\([|*_`])/g, '$1')
            .replace(/\*\*|`/g, ''),
        ),
    );
  const widths = (cells[0] ?? []).map((_, column) => Math.min(40, Math.max(...cells.map((row) => row[column]?.length ?? 0))));
  return cells
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** Names with underscores are metrics and features, so only stars make emphasis. Bounded, so that no words take long to look through. */
const MARKS = new RegExp(
  [
    /`([^`\n]{1,500})`/,
    /\*\*(?=\S)([^\n]{0,500}?\S)\*\*/,
    /(?<![\w*])\*(?=[^\s*])([^*\n]{0,500}?[^\s*])\*(?![\w*])/,
    /\[([^\]\n]{1,300})\]\((https?:\/\/[^()\s]{1,2000})\)/,
    /\\([*_`#[\]|])/,
  ]
    .map((mark) => mark.source)
    .join('|'),
  'g',
);

function inline(text: string, known: Known, style: Style = {}): Rich[] {
  const made: Rich[] = [];
  let from = 0;
  const words = (said: string) => made.push(...splitAtLinks(said, known).map((part) => (part.url ? link(part.url, part.text) : piece(part.text, style))));
  for (const found of text.matchAll(MARKS)) {
    const [whole, code, bold, italic, label, url, escaped] = found;
    words(text.slice(from, found.index));
    from = found.index + whole.length;
    if (code !== undefined) made.push(piece(code, { ...style, code: true }));
    else if (bold !== undefined) made.push(...inline(bold, known, { ...style, bold: true }));
    else if (italic !== undefined) made.push(...inline(italic, known, { ...style, italic: true }));
    else if (label !== undefined && url !== undefined) made.push(...linkOf(label, url, known, style));
    else made.push(piece(escaped ?? '', style));
  }
  words(text.slice(from));
  return made;
}

/** A page that is known under the name it is given here; of any other the address is shown and nothing can be pressed. A name that reads as an address would lie. */
function linkOf(label: string, url: string, known: Known, style: Style): Rich[] {
  const name = known.get(url);
  if (name === undefined) return [piece(`${label} (${url})`, style)];
  return [link(url, label.includes('://') ? name : label)];
}

function section(elements: Rich[]): Passage {
  return { type: 'rich_text_section', elements };
}

function piece(text: string, style: Style = {}): Rich {
  return { type: 'text', text: plain(text), ...(Object.keys(style).length > 0 ? { style } : {}) };
}

function link(url: string, text: string): Rich {
  return { type: 'link', url, text: plain(text) };
}

function piecesIn(parts: readonly Rich[]): number {
  return parts.reduce((sum, part) => sum + 1 + (Array.isArray(part['elements']) ? piecesIn(part['elements'] as Rich[]) : 0), 0);
}
