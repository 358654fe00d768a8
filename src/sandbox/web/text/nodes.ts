/** What message text means once it is parsed: the same tree for Slack's mrkdwn and for Markdown, so that one component draws both. */

export type Inline =
  | { kind: 'text'; text: string }
  | { kind: 'break' }
  | { kind: 'bold' | 'italic' | 'strike'; children: Inline[] }
  | { kind: 'code'; text: string }
  | { kind: 'link'; url: string; children: Inline[] }
  | { kind: 'user' | 'channel' | 'group'; id: string; label: string | null }
  | { kind: 'broadcast'; range: string }
  | { kind: 'emoji'; name: string };

export type ListItem = { children: Inline[]; checked: boolean | null; nested: Flow[] };

export type Align = 'left' | 'center' | 'right';

export type Flow =
  | { kind: 'paragraph'; children: Inline[] }
  | { kind: 'heading'; level: number; children: Inline[] }
  | { kind: 'quote'; children: Flow[] }
  | { kind: 'code-block'; text: string; language: string }
  | { kind: 'list'; ordered: boolean; start: number; items: ListItem[] }
  | { kind: 'table'; align: Align[]; header: Inline[][]; rows: Inline[][][] }
  | { kind: 'rule' };

/** The characters a reader would see, for labels, tests and copying. */
export function plainText(nodes: Inline[]): string {
  return nodes.map(plainOf).join('');
}

function plainOf(node: Inline): string {
  switch (node.kind) {
    case 'text':
    case 'code':
      return node.text;
    case 'break':
      return '\n';
    case 'bold':
    case 'italic':
    case 'strike':
    case 'link':
      return plainText(node.children);
    case 'user':
    case 'channel':
    case 'group':
      return node.label ?? node.id;
    case 'broadcast':
      return `@${node.range}`;
    case 'emoji':
      return `:${node.name}:`;
    default:
      return node satisfies never;
  }
}
