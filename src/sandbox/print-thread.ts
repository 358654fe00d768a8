import type { SandboxChannel, SandboxMessage, SandboxUser } from './control-types.ts';

type Json = Record<string, unknown>;

/** A thread as plain text: who said what, and what their blocks show, with names in place of ids. */
export function printThread(messages: readonly SandboxMessage[], users: readonly SandboxUser[], channels: readonly SandboxChannel[]): string {
  const name = (id: string) => users.find((u) => u.id === id)?.realName ?? id;
  return messages
    .map((message) => {
      const only = message.onlyFor ? ` (only ${name(message.onlyFor)} sees this)` : '';
      const lines = contentOf(message).map((line) => withNames(line, users, channels));
      return [
        `${name(message.user)}${only}${message.edited ? ' (edited)' : ''}`,
        ...lines.flatMap((line) => line.split('\n')).map((line) => `    ${line}`),
      ].join('\n');
    })
    .join('\n\n');
}

/** All words of one message in one string, for a scenario that looks for some. */
export function wordsOf(message: SandboxMessage): string {
  return [message.text, ...contentOf(message)].join('\n');
}

function contentOf(message: SandboxMessage): string[] {
  const shown = message.blocks.flatMap(blockLines);
  const files = message.files.map((f) => `[file ${f.title || f.name}] ${f.url}`);
  return [...(shown.length > 0 ? shown : message.text ? [message.text] : []), ...files];
}

function blockLines(value: unknown): string[] {
  const block = value as Json;
  switch (block['type']) {
    case 'section':
      return [...some(plain(block['text'])), ...list(block['fields']).map((f) => `· ${plain(f)}`), ...elements(block['accessory'])];
    case 'header':
      return [plain(block['text']).toUpperCase()];
    case 'markdown':
      return some(String(block['text'] ?? ''));
    case 'context':
      return some(list(block['elements']).map(plain).join('  '));
    case 'divider':
      return ['---'];
    case 'actions':
    case 'context_actions':
      return [list(block['elements']).flatMap(elements).join(' ')];
    case 'rich_text':
      return some(richText(block));
    case 'plan':
      return [`Plan: ${plain(block['title'])}`, ...list(block['tasks']).flatMap(taskLines)];
    case 'task_card':
      return taskLines(block);
    case 'table':
    case 'data_table':
      return [
        ...some(String(block['caption'] ?? '')),
        ...(Array.isArray(block['rows']) ? block['rows'] : []).map((row) => `| ${list(row).map(plain).join(' | ')} |`),
      ];
    case 'data_visualization':
      return [`[chart ${plain(block['title'])}] ${chartWords((block['chart'] ?? {}) as Json)}`];
    case 'image':
      return [`[image ${String(block['alt_text'] ?? '')}]`];
    case 'card':
      return [block['title'], block['subtitle'], block['body']].map(plain).filter(Boolean).concat(list(block['actions']).flatMap(elements));
    case 'container':
      return [...some(plain(block['title'])), ...list(block['child_blocks']).flatMap(blockLines)];
    case 'carousel':
      return list(block['elements']).flatMap(blockLines);
    case 'alert':
      return [`! ${plain(block['text'])}`];
    default:
      return [`[${String(block['type'])}] ${JSON.stringify(block)}`];
  }
}

function taskLines(task: Json): string[] {
  const mark: Record<string, string> = { pending: '[ ]', in_progress: '[…]', complete: '[x]', error: '[!]' };
  const rest = [task['details'], task['output']].filter(Boolean).map((part) => `    ${richText(part as Json)}`);
  const sources = list(task['sources']).map((s) => `    ${String(s['text'])} ${String(s['url'])}`);
  return [`${mark[String(task['status'])] ?? '[?]'} ${plain(task['title'])}`, ...rest, ...sources];
}

function elements(element: unknown): string[] {
  const e = (element ?? null) as Json | null;
  if (!e) return [];
  if (e['type'] === 'image') return [`[image ${String(e['alt_text'] ?? '')}]`];
  if (e['type'] === 'button') return [`[ ${plain(e['text'])} ]${e['url'] ? ` ${String(e['url'])}` : ''}`];
  return [`[${String(e['type'])}]`];
}

/** Rich text flattened: the same words in the same order. */
function richText(value: Json): string {
  const part = (e: Json): string => {
    if (e['type'] === 'text') return String(e['text'] ?? '');
    if (e['type'] === 'link') return e['text'] ? `${String(e['text'])} (${String(e['url'])})` : String(e['url']);
    if (e['type'] === 'user') return `<@${String(e['user_id'])}>`;
    if (e['type'] === 'usergroup') return `<!subteam^${String(e['usergroup_id'])}>`;
    if (e['type'] === 'channel') return `<#${String(e['channel_id'])}>`;
    if (e['type'] === 'emoji') return `:${String(e['name'])}:`;
    if (e['type'] === 'rich_text_list')
      return list(e['elements'])
        .map((item, i) => `${'  '.repeat(Number(e['indent'] ?? 0))}${e['style'] === 'ordered' ? `${Number(e['offset'] ?? 0) + i + 1}.` : '-'} ${part(item)}`)
        .join('\n');
    if (e['type'] === 'rich_text_quote') return list(e['elements']).map(part).join('').replace(/^/gm, '> ');
    return list(e['elements']).map(part).join('');
  };
  return list(value['elements']).map(part).join('\n').trim();
}

function chartWords(chart: Json): string {
  const ends = (points: Json[]) => [points[0], points.at(-1)].map((p) => (p ? `${String(p['label'])}: ${String(p['value'])}` : '')).join(' … ');
  return list(chart['series'])
    .map((s) => `${String(s['name'])} ${ends(list(s['data']))}`)
    .join(', ');
}

function plain(value: unknown): string {
  if (typeof value === 'string') return value;
  const object = (value ?? {}) as Json;
  if (object['type'] === 'rich_text') return richText(object);
  if (object['type'] === 'image') return `[image ${String(object['alt_text'] ?? '')}]`;
  return String(object['text'] ?? '');
}

function withNames(line: string, users: readonly SandboxUser[], channels: readonly SandboxChannel[]): string {
  return line
    .replace(/<@(\w+)(?:\|[^>]*)?>/g, (_, id) => `@${users.find((u) => u.id === id)?.realName ?? id}`)
    .replace(/<#(\w+)(?:\|([^>]*))?>/g, (_, id, label) => `#${channels.find((c) => c.id === id)?.name ?? (label || id)}`)
    .replace(/<!subteam\^(\w+)(?:\|@?([^>]*))?>/g, (_, id, handle) => `@${handle || id}`)
    .replace(/<(https?:[^|>]+)\|([^>]+)>/g, '$2 ($1)')
    .replace(/<(https?:[^>]+)>/g, '$1')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&');
}

function list(value: unknown): Json[] {
  return Array.isArray(value) ? (value as Json[]) : [];
}

function some(text: string): string[] {
  return text ? [text] : [];
}
