import { useSurface } from '../blocks/surface.ts';
import { emojiCharacter } from './emoji.ts';
import type { Flow, Inline, ListItem } from './nodes.ts';

/** Draws parsed text. Everything a person or a model wrote ends up in text nodes and attributes, never in HTML. */
export function Flows({ flows }: { flows: Flow[] }) {
  return (
    <>
      {flows.map((flow) => (
        <FlowNode flow={flow} />
      ))}
    </>
  );
}

function FlowNode({ flow }: { flow: Flow }) {
  switch (flow.kind) {
    case 'paragraph':
      return (
        <p class="text-p">
          <Inlines nodes={flow.children} />
        </p>
      );
    case 'heading':
      return (
        <p class={`text-heading text-heading-${Math.min(flow.level, 4)}`}>
          <Inlines nodes={flow.children} />
        </p>
      );
    case 'quote':
      return (
        <blockquote class="text-quote">
          <Flows flows={flow.children} />
        </blockquote>
      );
    case 'code-block':
      return (
        <pre class="text-pre">
          <code>{flow.text}</code>
        </pre>
      );
    case 'list':
      return <ListNode ordered={flow.ordered} start={flow.start} items={flow.items} />;
    case 'table':
      return <TableNode table={flow} />;
    case 'rule':
      return <hr class="divider" />;
    default:
      return flow satisfies never;
  }
}

function ListNode({ ordered, start, items }: { ordered: boolean; start: number; items: ListItem[] }) {
  const children = items.map((item) => (
    <li class={item.checked === null ? undefined : 'text-task'}>
      {item.checked !== null && <span class="text-check">{item.checked ? '☑' : '☐'}</span>}
      <Inlines nodes={item.children} />
      <Flows flows={item.nested} />
    </li>
  ));
  return ordered ? (
    <ol class="text-list" start={start}>
      {children}
    </ol>
  ) : (
    <ul class="text-list">{children}</ul>
  );
}

function TableNode({ table }: { table: Extract<Flow, { kind: 'table' }> }) {
  return (
    <div class="table-scroll">
      <table class="table">
        <thead>
          <tr>
            {table.header.map((cell, column) => (
              <th scope="col" class={`align-${table.align[column] ?? 'left'}`}>
                <Inlines nodes={cell} />
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {table.rows.map((row) => (
            <tr>
              {row.map((cell, column) => (
                <td class={`align-${table.align[column] ?? 'left'}`}>
                  <Inlines nodes={cell} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

export function Inlines({ nodes }: { nodes: Inline[] }) {
  return (
    <>
      {nodes.map((node) => (
        <InlineNode node={node} />
      ))}
    </>
  );
}

function InlineNode({ node }: { node: Inline }) {
  const surface = useSurface();
  switch (node.kind) {
    case 'text':
      return <>{node.text}</>;
    case 'break':
      return <br />;
    case 'bold':
      return (
        <strong>
          <Inlines nodes={node.children} />
        </strong>
      );
    case 'italic':
      return (
        <em>
          <Inlines nodes={node.children} />
        </em>
      );
    case 'strike':
      return (
        <s>
          <Inlines nodes={node.children} />
        </s>
      );
    case 'code':
      return <code class="text-code">{node.text}</code>;
    case 'link':
      return (
        <Outside url={node.url}>
          <Inlines nodes={node.children} />
        </Outside>
      );
    case 'user':
      return <span class={node.id === surface.me ? 'mention mention-me' : 'mention'}>@{surface.user(node.id) ?? node.label ?? node.id}</span>;
    case 'channel':
      return <span class="mention">#{surface.channel(node.id) ?? node.label?.replace(/^#/, '') ?? node.id}</span>;
    case 'group':
      return <GroupMention id={node.id} label={node.label} />;
    case 'broadcast':
      return <span class="mention mention-me">@{node.range}</span>;
    case 'emoji':
      return <Emoji name={node.name} />;
    default:
      return node satisfies never;
  }
}

/** A user group by its handle, marked where one is in it oneself. */
export function GroupMention({ id, label = null }: { id: string; label?: string | null }) {
  const group = useSurface().group(id);
  return <span class={group?.mine ? 'mention mention-me' : 'mention'}>@{group?.handle ?? label?.replace(/^@/, '') ?? id}</span>;
}

export function Emoji({ name }: { name: string }) {
  return (
    <span class="emoji" role="img" aria-label={name.replaceAll('_', ' ')} title={`:${name}:`}>
      {emojiCharacter(name)}
    </span>
  );
}

/** A link out of the page: always a new tab, which learns nothing of this one. */
export function Outside({ url, children }: { url: string; children: preact.ComponentChildren }) {
  const here = useSurface().permalink(url);
  return (
    <a class="link" href={here ?? url} target="_blank" rel="noopener noreferrer">
      {children}
    </a>
  );
}
