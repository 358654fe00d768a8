import { angleToken } from './angle.ts';
import { isEmoji } from './emoji.ts';
import { safeUrl, unescapeSlack } from './links.ts';
import type { Flow, Inline, ListItem } from './nodes.ts';

/** Parses Slack's mrkdwn: `*bold*`, `_italic_`, `~strike~`, code, quotes, lists, links, mentions and emoji. */
export function parseMrkdwn(text: string): Flow[] {
  const flows: Flow[] = [];
  const parts = text.split(/```\n?([\s\S]*?)\n?```/);
  parts.forEach((part, index) => {
    if (index % 2 === 1) flows.push({ kind: 'code-block', text: unescapeSlack(part), language: '' });
    else if (part.trim() !== '') flows.push(...parseLines(index === 0 ? part : part.replace(/^\n/, '')));
  });
  return flows;
}

const QUOTE = /^(?:&gt;|>) ?/;
const QUOTE_REST = /^(?:&gt;|>){3} ?/;
const BULLET = /^(\s*)(?:[•◦▪-]|\*(?= ))\s+/;
const NUMBER = /^(\s*)(\d{1,3})[.)]\s+/;

function parseLines(text: string): Flow[] {
  const lines = text.replace(/\n$/, '').split('\n');
  const flows: Flow[] = [];
  for (let at = 0; at < lines.length; ) {
    const line = lines[at] ?? '';
    if (QUOTE_REST.test(line)) {
      const rest = [line.replace(QUOTE_REST, ''), ...lines.slice(at + 1)].join('\n');
      flows.push({ kind: 'quote', children: parseLines(rest) });
      return flows;
    }
    const kind = lineKind(line);
    let end = at + 1;
    while (end < lines.length && lineKind(lines[end] ?? '') === kind && !QUOTE_REST.test(lines[end] ?? '')) end += 1;
    const run = lines.slice(at, end);
    if (kind === 'quote') flows.push({ kind: 'quote', children: parseLines(run.map((each) => each.replace(QUOTE, '')).join('\n')) });
    else if (kind === 'text') flows.push({ kind: 'paragraph', children: parseInline(run.join('\n')) });
    else flows.push(list(run, kind === 'number'));
    at = end;
  }
  return flows;
}

function lineKind(line: string): 'quote' | 'bullet' | 'number' | 'text' {
  if (QUOTE.test(line)) return 'quote';
  if (BULLET.test(line)) return 'bullet';
  return NUMBER.test(line) ? 'number' : 'text';
}

function list(lines: string[], ordered: boolean): Flow {
  const marker = ordered ? NUMBER : BULLET;
  const items = lines.map((line): ListItem => ({ children: parseInline(line.replace(marker, '')), checked: null, nested: [] }));
  return { kind: 'list', ordered, start: ordered ? Number(NUMBER.exec(lines[0] ?? '')?.[2] ?? 1) : 1, items };
}

/** Parses one run of mrkdwn without lists or quotes. Text that only looks like markup stays text. */
export function parseInline(source: string): Inline[] {
  const nodes: Inline[] = [];
  let plain = '';
  const flush = () => {
    if (plain) nodes.push({ kind: 'text', text: unescapeSlack(plain) });
    plain = '';
  };
  for (let at = 0; at < source.length; ) {
    const found = tokenAt(source, at);
    if (found) {
      flush();
      nodes.push(found.node);
      at = found.end;
    } else {
      plain += source[at];
      at += 1;
    }
  }
  flush();
  return nodes;
}

type Found = { node: Inline; end: number };
const STYLES: Record<string, 'bold' | 'italic' | 'strike'> = { '*': 'bold', _: 'italic', '~': 'strike' };

function tokenAt(source: string, at: number): Found | null {
  const char = source[at] ?? '';
  if (char === '\n') return { node: { kind: 'break' }, end: at + 1 };
  if (char === '`') return codeAt(source, at);
  if (char === '<') return angleAt(source, at);
  if (char === ':') return emojiAt(source, at);
  if (char === 'h') return urlAt(source, at);
  const style = STYLES[char];
  return style ? styleAt(source, at, char, style) : null;
}

function codeAt(source: string, at: number): Found | null {
  const end = source.indexOf('`', at + 1);
  const text = source.slice(at + 1, end);
  if (end < 0 || text === '' || text.includes('\n')) return null;
  return { node: { kind: 'code', text: unescapeSlack(text) }, end: end + 1 };
}

function angleAt(source: string, at: number): Found | null {
  const end = source.indexOf('>', at);
  const node = end < 0 ? null : angleToken(source.slice(at + 1, end));
  return node && { node, end: end + 1 };
}

/** `:name:` of a known emoji; also used by plain text, where it is the only markup. */
export function emojiAt(source: string, at: number): Found | null {
  const name = /^:([a-z0-9_+'-]+):/.exec(source.slice(at, at + 60))?.[1];
  return name && isEmoji(name) ? { node: { kind: 'emoji', name }, end: at + name.length + 2 } : null;
}

/** A bare address; the full stop or bracket after it belongs to the sentence. */
function urlAt(source: string, at: number): Found | null {
  const raw = /^https?:\/\/[^\s<>|`*]+/.exec(source.slice(at))?.[0]?.replace(/[.,;:!?)\]}'"]+$/, '');
  const url = raw && safeUrl(unescapeSlack(raw));
  return url && raw ? { node: { kind: 'link', url, children: [{ kind: 'text', text: url }] }, end: at + raw.length } : null;
}

/** A marker opens only at a word's start and closes only at a word's end, so `a*b*c` and `snake_case_name` stay as typed. */
function styleAt(source: string, at: number, marker: string, style: 'bold' | 'italic' | 'strike'): Found | null {
  if (/[\p{L}\p{N}]/u.test(source[at - 1] ?? ' ') || /\s/.test(source[at + 1] ?? ' ')) return null;
  for (let end = at + 1; end < source.length && source[end] !== '\n'; end += 1) {
    const skipped = source[end] === '<' || source[end] === '`' ? tokenAt(source, end) : null;
    if (skipped) {
      end = skipped.end - 1;
    } else if (end > at + 1 && source[end] === marker && !/\s/.test(source[end - 1] ?? '') && !/[\p{L}\p{N}]/u.test(source[end + 1] ?? ' ')) {
      return { node: { kind: style, children: parseInline(source.slice(at + 1, end)) }, end: end + 1 };
    }
  }
  return null;
}
