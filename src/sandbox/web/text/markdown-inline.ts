import { angleToken } from './angle.ts';
import { safeUrl } from './links.ts';
import { emojiAt } from './mrkdwn.ts';
import type { Inline } from './nodes.ts';

/** Parses Markdown inside one paragraph: emphasis, code, links, images (as links), Slack's mentions and emoji. */
export function parseMarkdownInline(source: string): Inline[] {
  const nodes: Inline[] = [];
  let plain = '';
  const flush = () => {
    if (plain) nodes.push({ kind: 'text', text: decode(plain) });
    plain = '';
  };
  for (let at = 0; at < source.length; ) {
    if (source[at] === '\\' && /[\\`*_{}[\]()#+\-.!|~<>]/.test(source[at + 1] ?? '')) {
      plain += source[at + 1];
      at += 2;
      continue;
    }
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

function tokenAt(source: string, at: number): Found | null {
  switch (source[at]) {
    case '\n':
      return { node: { kind: 'break' }, end: at + 1 };
    case '`':
      return codeAt(source, at);
    case '[':
      return linkAt(source, at);
    case '!':
      return source[at + 1] === '[' ? linkAt(source, at + 1) : null;
    case '<':
      return angleAt(source, at);
    case ':':
      return emojiAt(source, at);
    case 'h':
      return urlAt(source, at);
    case '*':
    case '_':
    case '~':
      return emphasisAt(source, at);
    default:
      return null;
  }
}

function codeAt(source: string, at: number): Found | null {
  const ticks = /^`+/.exec(source.slice(at))?.[0] ?? '`';
  const end = source.indexOf(ticks, at + ticks.length);
  if (end < 0) return null;
  const text = source.slice(at + ticks.length, end);
  return { node: { kind: 'code', text: text.length > 2 ? text.replace(/^ (.*) $/, '$1') : text }, end: end + ticks.length };
}

function linkAt(source: string, at: number): Found | null {
  const found = /^\[((?:[^[\]]|\\.)*)\]\(\s*<?([^\s()<>]*(?:\([^\s()]*\)[^\s()]*)*)>?(?:\s+"[^"]*")?\s*\)/.exec(source.slice(at));
  const url = found && safeUrl(found[2] ?? '');
  if (!found || !url) return null;
  const children = parseMarkdownInline(found[1] ?? '');
  return { node: { kind: 'link', url, children: children.length ? children : [{ kind: 'text', text: url }] }, end: at + found[0].length };
}

function angleAt(source: string, at: number): Found | null {
  const end = source.indexOf('>', at);
  const node = end < 0 ? null : angleToken(source.slice(at + 1, end));
  return node && { node, end: end + 1 };
}

function urlAt(source: string, at: number): Found | null {
  const url = /^https?:\/\/[^\s<>|`*]+/.exec(source.slice(at))?.[0]?.replace(/[.,;:!?)\]}'"]+$/, '');
  return url ? { node: { kind: 'link', url, children: [{ kind: 'text', text: url }] }, end: at + url.length } : null;
}

function emphasisAt(source: string, at: number): Found | null {
  const char = source[at] ?? '';
  const run = source[at + 1] === char ? char + char : char;
  if (char === '~' && run.length < 2) return null;
  const before = source[at - 1] ?? ' ';
  // An underscore inside a word is part of a name (`val_f1_best`); a star is not.
  if (char === '_' && /[\p{L}\p{N}]/u.test(before)) return null;
  const from = at + run.length;
  if (/\s/.test(source[from] ?? ' ')) return null;
  for (let end = source.indexOf(run, from + 1); end > 0; end = source.indexOf(run, end + 1)) {
    const after = source[end + run.length] ?? ' ';
    if (/\s/.test(source[end - 1] ?? ' ') || (char === '_' && /[\p{L}\p{N}]/u.test(after)) || (run.length === 1 && after === char)) continue;
    const children = parseMarkdownInline(source.slice(from, end));
    const kind = char === '~' ? 'strike' : run.length === 2 ? 'bold' : 'italic';
    return { node: { kind, children }, end: end + run.length };
  }
  return null;
}

function decode(text: string): string {
  return text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');
}
