import { Marked, type Token, type Tokens } from 'marked';
import { inline, type Passage, piece, type Rich, saidIn, section } from './inline-words.ts';
import type { Known } from './known-pages.ts';
import { named } from './outside-text.ts';

/** No message holds more. */
const MOST = 14_000;
/** Words in more pieces than these are shown as they are: formatting is for readers, and Slack takes only so many elements. */
const MOST_PIECES = 300;
/** A table may grow by its columns up to this; Slack takes some 13,000 in a message. */
const MOST_SHOWN = 12_000;
/** Slack takes no list deeper, and nobody formats deeper: who takes such words apart only gets lost in them. */
const DEEPEST = 8;

const markdown = new Marked({
  tokenizer: {
    // Names with underscores are metrics and features, and 2*3*4 is a product: neither is emphasis.
    emStrong: (source, _masked, before = '') => (source.startsWith('_') || /\w/.test(before) ? undefined : false),
    // "~5 % to ~6 %" is not struck out.
    del: (source) => (source.startsWith('~~') ? false : undefined),
    // An address is text until it is known; what is known is linked below.
    url: () => undefined,
  },
});

/**
 * Words that a model wrote in Markdown, as elements of one rich text block: emphasis, code, headings, lists, quotes and tables are what they are meant to be. A link
 * comes of an address only where the page is `known`, each with a short name; a mention never. `room`: what is longer is one text as it is, so that whoever cuts
 * the longest of a message cuts it, and not what stands beside its many pieces.
 */
export function richWords(words: string, known: Known = new Map(), room = Number.POSITIVE_INFINITY): Passage[] {
  const over = words.length - MOST;
  const text = over > 0 ? `${words.slice(0, MOST)}… (${over} more characters)` : words;
  const passages = text.split(/[\n\r\u2028\u2029]/).some(isTooDeep) ? [] : passagesOf(markdown.lexer(text), known);
  const all = leaves(passages);
  const fits = passages.length > 0 && piecesIn(passages) <= MOST_PIECES && saidIn(all).length <= Math.max(text.length, MOST_SHOWN) && lengthOf(all) <= room;
  return fits ? passages : [section([piece(text || ' ')])];
}

/** The same within one quote, where it stands among facts: nothing of it can look like a line of ours, and no address is a link. */
export function quotedWords(words: string, room?: number): Passage {
  return { type: 'rich_text_quote', elements: flat(richWords(named(words), new Map(), room)) };
}

/** Whether a line begins with more quotes and lists in each other than are taken apart. Reads each character once. */
function isTooDeep(line: string): boolean {
  const mark = /[ \t]*(?:>|(?:[-*+]|\d{1,9}[.)])(?=[ \t]))/y;
  let deep = 0;
  while (deep <= DEEPEST && mark.test(line)) deep += 1;
  // Nothing but dashes or stars is a rule.
  return deep > DEEPEST && !/^[-*\s]*$/.test(line);
}

/** The same words without their marks, for places where nothing is formatted. */
export function plainWords(words: string): string {
  const said = (p: Passage) => (p.type === 'rich_text_list' ? p.elements.map((e) => `- ${saidIn(e['elements'] as Rich[])}`).join('\n') : saidIn(p.elements));
  return richWords(words).map(said).join('\n').trim();
}

/**
 * The same on one line, for a button. What would begin a list, a quote or a heading is a sign of these words: "> 1 %" and "+ 5" are not "1 %" and "- 5". Marks that hold
 * no words are shown as they were written.
 */
export function plainLine(words: string): string {
  const tokens = new markdown.Lexer(markdown.defaults).inlineTokens(named(words));
  const said = saidIn(inline(tokens, new Map()));
  return said.replace(/\s*\n\s*/g, ' ').trim() || words;
}

/** Paragraphs that follow each other are one section with an empty line between: Slack leaves no room between sections. */
function passagesOf(tokens: readonly Token[], known: Known): Passage[] {
  const made: Passage[] = [];
  let words: Rich[] = [];
  const flush = () => {
    if (words.length > 0) made.push(section(words));
    words = [];
  };
  for (const token of tokens) {
    if (token.type === 'space') continue;
    const passages = passageOf(token as MarkedToken, known);
    if (passages) {
      flush();
      made.push(...passages);
    } else words.push(...(words.length > 0 ? [piece('\n\n')] : []), ...inline([token], known));
  }
  flush();
  return made;
}

type MarkedToken = Tokens.Code | Tokens.Heading | Tokens.Table | Tokens.List | Tokens.Blockquote | Tokens.Paragraph;

/** What is more than words; null for words. */
function passageOf(token: MarkedToken, known: Known): Passage[] | null {
  switch (token.type) {
    case 'code':
      return [{ type: 'rich_text_preformatted', elements: [piece(codeIn(token) || ' ')] }];
    case 'heading':
      return [section(inline(token.tokens, known, { bold: true }))];
    case 'table':
      return [{ type: 'rich_text_preformatted', elements: [piece(aligned(token))] }];
    case 'list':
      return lists(token, known, 0);
    case 'blockquote':
      return [{ type: 'rich_text_quote', elements: flat(passagesOf(token.tokens, known)) }];
    default:
      return null;
  }
}

/** What stands behind the opening fence names a language, or is words that are not to be lost. */
function codeIn({ lang = '', text }: Tokens.Code): string {
  return lang.includes(' ') || text === '' ? `${lang}\n${text}`.trim() : text;
}

/** Slack nests lists by their indent. What stands in an item and is more than words follows it, and the list goes on below. */
function lists(list: Tokens.List, known: Known, indent: number): Passage[] {
  const made: Passage[] = [];
  const style = list.ordered ? 'ordered' : 'bullet';
  let open: Passage | null = null;
  list.items.forEach((item, at) => {
    const words: Rich[] = [];
    const below: Passage[] = [];
    for (const token of item.tokens) {
      if (token.type === 'list') below.push(...lists(token as Tokens.List, known, indent + 1));
      else {
        const passages = passageOf(token as MarkedToken, known);
        if (passages) below.push(...passages);
        else if (token.type !== 'space') words.push(...(words.length > 0 && token.type === 'paragraph' ? [piece('\n')] : []), ...inline([token], known));
      }
    }
    if (!open) {
      const number = Number(list.start || 1) + at;
      open = { type: 'rich_text_list', style, indent: Math.min(indent, DEEPEST), ...(list.ordered && number > 1 ? { offset: number - 1 } : {}), elements: [] };
      made.push(open);
    }
    open.elements.push(section(words));
    if (below.length === 0) return;
    made.push(...below);
    open = null;
  });
  return made;
}

/** Passages as the elements of one: a quote holds no lists or blocks of code. */
function flat(passages: readonly Passage[]): Rich[] {
  const parts = passages.flatMap((p) => {
    if (p.type === 'rich_text_list') return p.elements.map((e) => [piece('• '), ...((e as Passage).elements ?? [])]);
    return [p.type === 'rich_text_preformatted' ? p.elements.map((e) => ({ ...e, style: { code: true } })) : p.elements];
  });
  const elements = parts.flatMap((part, at) => [...(at > 0 ? [piece('\n')] : []), ...part]);
  return elements.length > 0 ? elements : [piece(' ')];
}

/** A table in columns of one width: what is compared in it stands below each other. */
function aligned({ header, rows }: Tokens.Table): string {
  const cells = [header, ...rows].map((row) => row.map((cell) => saidIn(inline(cell.tokens, new Map()))));
  const widths = header.map((_, column) => Math.min(40, Math.max(...cells.map((row) => row[column]?.length ?? 0))));
  return cells
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function leaves(parts: readonly Rich[]): Rich[] {
  return parts.flatMap((part) => (Array.isArray(part['elements']) ? leaves(part['elements'] as Rich[]) : [part]));
}

/** As much of a message as they take. */
function lengthOf(elements: readonly Rich[]): number {
  return elements.reduce((sum, e) => sum + String(e['text'] ?? '').length, 0);
}

function piecesIn(parts: readonly Rich[]): number {
  return parts.reduce((sum, part) => sum + 1 + (Array.isArray(part['elements']) ? piecesIn(part['elements'] as Rich[]) : 0), 0);
}
