import type { ComponentChildren } from 'preact';
import { formatSlackDate } from '../text/angle.ts';
import { Emoji, GroupMention, Outside } from '../text/flow.tsx';
import { safeUrl, unescapeSlack } from '../text/links.ts';
import { type Json, list, record, shownText, string } from './json.ts';
import { useSurface } from './surface.ts';

/** A rich_text block: sections, lists, quotes and preformatted text. Lists of the same style at different indents follow each other, as Slack posts them. */
export function RichText({ block }: { block: Json }) {
  return (
    <div class="rich-text">
      {list(block.elements).map((part) => (
        <Part part={record(part)} />
      ))}
    </div>
  );
}

function Part({ part }: { part: Json }) {
  const children = <Spans elements={list(part.elements)} />;
  switch (part.type) {
    case 'rich_text_section':
      return <div class="rich-section">{children}</div>;
    case 'rich_text_quote':
      return <blockquote class="text-quote">{children}</blockquote>;
    case 'rich_text_preformatted':
      return <pre class="text-pre">{children}</pre>;
    case 'rich_text_list':
      return <RichList part={part} />;
    default:
      return <pre class="text-pre">{JSON.stringify(part, null, 2)}</pre>;
  }
}

function RichList({ part }: { part: Json }) {
  const indent = typeof part.indent === 'number' ? Math.min(Math.max(part.indent, 0), 8) : 0;
  const items = list(part.elements).map((item) => (
    <li>
      <Spans elements={list(record(item).elements)} />
    </li>
  ));
  const offset = typeof part.offset === 'number' ? part.offset : 0;
  return part.style === 'ordered' ? (
    <ol class={`text-list indent-${indent}`} start={offset + 1}>
      {items}
    </ol>
  ) : (
    <ul class={`text-list indent-${indent}`}>{items}</ul>
  );
}

function Spans({ elements }: { elements: unknown[] }) {
  return (
    <>
      {elements.map((element) => (
        <Styled style={record(record(element).style)}>
          <Span element={record(element)} />
        </Styled>
      ))}
    </>
  );
}

function Styled({ style, children }: { style: Json; children: ComponentChildren }) {
  let node = <>{children}</>;
  if (style.code) node = <code class="text-code">{node}</code>;
  if (style.bold) node = <strong>{node}</strong>;
  if (style.italic) node = <em>{node}</em>;
  if (style.strike) node = <s>{node}</s>;
  if (style.underline) node = <u>{node}</u>;
  return node;
}

function Span({ element }: { element: Json }) {
  const surface = useSurface();
  switch (element.type) {
    case 'text':
      return <>{shownText(element.text)}</>;
    case 'link': {
      const url = safeUrl(unescapeSlack(string(element.url)));
      const text = shownText(element.text) || shownText(element.url);
      return url ? <Outside url={url}>{text}</Outside> : text;
    }
    case 'emoji':
      return <Emoji name={string(element.name)} />;
    case 'user': {
      const id = string(element.user_id);
      return <span class={id === surface.me ? 'mention mention-me' : 'mention'}>@{surface.user(id) ?? id}</span>;
    }
    case 'channel':
      return <span class="mention">#{surface.channel(string(element.channel_id)) ?? string(element.channel_id)}</span>;
    case 'usergroup':
      return <GroupMention id={string(element.usergroup_id)} />;
    case 'team':
      return <span class="mention">@{string(element.team_id)}</span>;
    case 'broadcast':
      return <span class="mention mention-me">@{string(element.range)}</span>;
    case 'date':
      return <>{formatSlackDate(Number(element.timestamp), string(element.format)) ?? (string(element.fallback) || 'a date that is not a date')}</>;
    case 'color':
      return <Color value={string(element.value)} />;
    default:
      return <code class="text-code">{JSON.stringify(element)}</code>;
  }
}

function Color({ value }: { value: string }) {
  return (
    <span class="color">
      {/^#[0-9a-f]{3,8}$/i.test(value) && <span class="color-dot" style={{ background: value }} />}
      {value}
    </span>
  );
}
