import type { Token, Tokens } from 'marked';
import { type Known, splitAtLinks } from './known-pages.ts';
import { plain, unescaped } from './outside-text.ts';

/** An element of Slack's rich text, where nothing is parsed: a mention or a link exists only where one was made. */
export type Rich = { type: string; [key: string]: unknown };
/** One of the parts that stand below each other in a rich text block. */
export type Passage = Rich & { elements: Rich[] };
type Style = { bold?: true; italic?: true; strike?: true; code?: true };

/** A line's tokens as elements; what is `known` becomes links. */
export function inline(tokens: readonly Token[], known: Known, style: Style = {}): Rich[] {
  return tokens.flatMap((token) => element(token as Inline, known, style));
}

type Inline =
  | Tokens.Text
  | Tokens.Paragraph
  | Tokens.Strong
  | Tokens.Em
  | Tokens.Del
  | Tokens.Codespan
  | Tokens.Link
  | Tokens.Image
  | Tokens.Escape
  | Tokens.Checkbox
  | Tokens.Br
  | Tokens.Hr;

function element(token: Inline, known: Known, style: Style): Rich[] {
  switch (token.type) {
    case 'text':
      return token.tokens ? inline(token.tokens, known, style) : split(token.text, known, style);
    case 'paragraph':
      return inline(token.tokens, known, style);
    case 'strong':
      return inline(token.tokens, known, { ...style, bold: true });
    case 'em':
      return inline(token.tokens, known, { ...style, italic: true });
    case 'del':
      return inline(token.tokens, known, { ...style, strike: true });
    case 'codespan':
      return [piece(token.text, { ...style, code: true })];
    case 'link':
      return token.raw.startsWith('[') ? linkOf(token, known, style) : split(token.raw, known, style);
    case 'image':
      return [piece(`${token.text} (${token.href})`.trim(), style)];
    case 'escape':
      return [piece(token.text, style)];
    case 'checkbox':
      return [piece(token.checked ? '☑ ' : '☐ ', style)];
    case 'br':
      return [piece('\n')];
    case 'hr':
      return [piece('───')];
    default:
      // HTML and whatever else there may be is shown as it was written: no word is lost.
      return split((token as Token).raw, known, style);
  }
}

function split(text: string, known: Known, style: Style): Rich[] {
  return splitAtLinks(text, known).map((part) => (part.url ? link(part.url, part.text) : piece(part.text, style)));
}

/** A page that is known under the name it is given here; of any other the address is shown and nothing can be pressed. A name that reads as an address would lie. */
function linkOf({ tokens, href }: Tokens.Link, known: Known, style: Style): Rich[] {
  const label = saidIn(inline(tokens, new Map()));
  const name = known.get(href);
  if (name === undefined) return [piece(`${label} (${href})`.trim(), style)];
  return [link(href, label === '' || label.includes('://') ? name : label)];
}

export function section(elements: Rich[]): Passage {
  return { type: 'rich_text_section', elements: elements.length > 0 ? elements : [piece(' ')] };
}

export function piece(text: string, style: Style = {}): Rich {
  return { type: 'text', text: plain(text), ...(Object.keys(style).length > 0 ? { style } : {}) };
}

function link(url: string, text: string): Rich {
  return { type: 'link', url, text: plain(text) };
}

/** What elements say, without how. */
export function saidIn(elements: readonly Rich[]): string {
  return elements.map((e) => unescaped(String(e['text'] ?? ''))).join('');
}
