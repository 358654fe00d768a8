import { record, textOf } from '../blocks/json.ts';
import { Flows, Inlines } from './flow.tsx';
import { unescapeSlack } from './links.ts';
import { emojiAt, parseInline, parseMrkdwn } from './mrkdwn.ts';
import type { Inline } from './nodes.ts';

/** A text object of a block: mrkdwn with all its markup, plain text with emoji only. */
export function Text({ of }: { of: unknown }) {
  const text = textOf(of);
  if (record(of).type === 'mrkdwn') return <Flows flows={parseMrkdwn(text)} />;
  return <Inlines nodes={plainInline(text, record(of).emoji !== false)} />;
}

/** The same on one line, for titles and labels: no lists, quotes or code blocks. */
export function TextLine({ of }: { of: unknown }) {
  const text = textOf(of);
  return <Inlines nodes={record(of).type === 'mrkdwn' ? parseInline(text) : plainInline(text, record(of).emoji !== false)} />;
}

/** Plain text: line ends, and `:emoji:` unless switched off. */
export function plainInline(source: string, withEmoji: boolean): Inline[] {
  const nodes: Inline[] = [];
  let plain = '';
  const flush = () => {
    if (plain) nodes.push({ kind: 'text', text: unescapeSlack(plain) });
    plain = '';
  };
  for (let at = 0; at < source.length; ) {
    const found = source[at] === '\n' ? { node: { kind: 'break' } as Inline, end: at + 1 } : withEmoji ? emojiAt(source, at) : null;
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
