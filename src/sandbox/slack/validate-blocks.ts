import { isJson } from './messages.ts';
import { checkElement, textOf } from './validate-elements.ts';
import type { Json } from './world.ts';

export type Refusal = { error: 'invalid_blocks' | 'msg_blocks_too_long' | 'invalid_blocks_format'; messages: string[] };
export type Surface = 'message' | 'modal' | 'home';

const blocksAllowed: Record<Surface, number> = { message: 50, modal: 100, home: 100 };
const textAllowed = 13_200;
const chartsAllowed = 2;
const tableTextAllowed = 10_000;

/** What Slack would say against these blocks, or null. The limits are docs.slack.dev's, as far as they are public. */
export function refuseBlocks(blocks: unknown, surface: Surface = 'message'): Refusal | null {
  if (!Array.isArray(blocks)) return { error: 'invalid_blocks_format', messages: ['blocks is no list'] };
  const messages: string[] = [];
  if (blocks.length > blocksAllowed[surface]) messages.push(`no more than ${blocksAllowed[surface]} items allowed [json-pointer:/blocks]`);
  blocks.forEach((block, i) => {
    for (const fault of checkBlock(block, surface)) messages.push(`${fault} [json-pointer:/blocks/${i}]`);
  });
  const all = blocks.filter(isJson);
  const ids = all.map((b) => b['block_id']).filter((id) => id !== undefined);
  const twice = ids.find((id, i) => ids.indexOf(id) !== i);
  if (twice !== undefined) messages.push(`block_id already used: ${String(twice)}`);
  if (all.filter((b) => b['type'] === 'data_visualization').length > chartsAllowed)
    messages.push(`no more than ${chartsAllowed} data_visualization blocks allowed`);
  const inTables = all.filter((b) => b['type'] === 'data_table' || b['type'] === 'table').reduce((sum, b) => sum + textLength(b['rows']), 0);
  if (inTables > tableTextAllowed) messages.push(`tables hold more than ${tableTextAllowed} characters`);
  if (messages.length > 0) return { error: 'invalid_blocks', messages };
  const length = textLength(blocks);
  // A view has a limit of its own, in bytes.
  return surface === 'message' && length > textAllowed
    ? { error: 'msg_blocks_too_long', messages: [`the text of all blocks is ${length} characters long`] }
    : null;
}

/** All text in some blocks: Slack limits the sum as well as each part. */
export function textLength(value: unknown): number {
  if (Array.isArray(value)) return value.reduce<number>((sum, v) => sum + textLength(v), 0);
  if (!isJson(value)) return 0;
  return Object.entries(value).reduce((sum, [key, v]) => {
    const counts = typeof v === 'string' && ['text', 'title', 'alt_text', 'caption', 'label'].includes(key);
    return sum + (counts ? (v as string).length : textLength(v));
  }, 0);
}

function checkBlock(block: unknown, surface: Surface): string[] {
  if (!isJson(block)) return ['must be an object'];
  const type = String(block['type']);
  const check = checks[type];
  if (!check) return [`unsupported type: ${type}`];
  if (type === 'alert' && surface !== 'modal') return ['alert is allowed in modals only'];
  if ((type === 'data_visualization' || type === 'data_table' || type === 'plan') && surface !== 'message') return [`${type} is allowed in messages only`];
  return [...(longId(block['block_id']) ? ['block_id is longer than 255 characters'] : []), ...check(block)];
}

const longId = (id: unknown) => id !== undefined && (typeof id !== 'string' || id.length > 255);

const checks: Record<string, (block: Json) => string[]> = {
  section: (b) => {
    const fields = b['fields'];
    if (b['text'] === undefined && fields === undefined) return ['section needs text or fields'];
    return [
      ...(b['text'] === undefined ? [] : textOf(b['text'], 'text', 3000)),
      ...(fields === undefined ? [] : [...list(fields, 'fields', 1, 10), ...each(fields, (f) => textOf(f, 'field', 2000))]),
      ...(b['accessory'] === undefined ? [] : checkElement(b['accessory'])),
    ];
  },
  header: (b) => textOf(b['text'], 'text', 150, 'plain_text'),
  divider: () => [],
  context: (b) => [
    ...list(b['elements'], 'elements', 1, 10),
    ...each(b['elements'], (e) => (isJson(e) && e['type'] === 'image' ? image(e) : textOf(e, 'element', 3000))),
  ],
  actions: (b) => [...list(b['elements'], 'elements', 1, 25), ...each(b['elements'], checkElement), ...distinctActions(b['elements'])],
  context_actions: (b) => [...list(b['elements'], 'elements', 1, 5), ...each(b['elements'], checkElement)],
  image: (b) => [...image(b), ...(b['title'] === undefined ? [] : textOf(b['title'], 'title', 2000, 'plain_text'))],
  input: (b) => [
    ...textOf(b['label'], 'label', 2000, 'plain_text'),
    ...checkElement(b['element']),
    ...(b['hint'] === undefined ? [] : textOf(b['hint'], 'hint', 2000, 'plain_text')),
  ],
  markdown: (b) => string(b['text'], 'text', 12_000),
  rich_text: (b) => list(b['elements'], 'elements', 1, 1000),
  table: (b) => rows(b, 1, 100),
  data_table: (b) => [...rows(b, 2, 101), ...string(b['caption'], 'caption', 2000)],
  data_visualization: chart,
  plan: (b) => [...string(b['title'], 'title', 3000), ...each(b['tasks'] ?? [], taskCard)],
  task_card: taskCard,
  card: (b) => [
    ...(b['title'] === undefined ? [] : textOf(b['title'], 'title', 150)),
    ...(b['body'] === undefined ? [] : textOf(b['body'], 'body', 200)),
    ...each(b['actions'] ?? [], checkElement),
  ],
  carousel: (b) => list(b['elements'], 'elements', 1, 10),
  container: (b) => [...list(b['child_blocks'], 'child_blocks', 1, 10), ...each(b['child_blocks'], (c) => checkBlock(c, 'message'))],
  alert: (b) => textOf(b['text'], 'text', 3000),
  file: (b) => string(b['external_id'], 'external_id', 255),
  video: (b) => [...string(b['video_url'], 'video_url', 3000), ...string(b['alt_text'], 'alt_text', 2000)],
};

function taskCard(card: unknown): string[] {
  if (!isJson(card)) return ['task must be an object'];
  const known = ['pending', 'in_progress', 'complete', 'error'].includes(String(card['status']));
  const rich = ['details', 'output'].filter((part) => card[part] !== undefined && !(isJson(card[part]) && card[part]['type'] === 'rich_text'));
  return [
    ...string(card['task_id'], 'task_id', 255),
    ...string(card['title'], 'title', 3000),
    ...(known ? [] : [`task status is ${String(card['status'])}`]),
    ...rich.map((part) => `${part} must be a rich_text block`),
  ];
}

function chart(block: Json): string[] {
  const faults = string(block['title'], 'title', 50);
  const shape = block['chart'];
  if (!isJson(shape)) return [...faults, 'chart is missing'];
  if (shape['type'] === 'pie') return [...faults, ...list(shape['segments'], 'segments', 1, 20)];
  if (!['line', 'bar', 'area'].includes(String(shape['type']))) return [...faults, `unsupported chart type: ${String(shape['type'])}`];
  const axis = isJson(shape['axis_config']) ? shape['axis_config'] : {};
  const categories = Array.isArray(axis['categories']) ? axis['categories'] : [];
  const series = Array.isArray(shape['series']) ? shape['series'].filter(isJson) : [];
  const names = series.map((s) => s['name']);
  return [
    ...faults,
    ...list(shape['series'], 'series', 1, 6),
    ...list(axis['categories'], 'categories', 1, 20),
    ...(new Set(names).size < names.length ? ['series names must differ'] : []),
    ...['x_label', 'y_label'].flatMap((label) => (axis[label] === undefined ? [] : string(axis[label], label, 50))),
    ...series.flatMap((s) => [...string(s['name'], 'series name', 20), ...points(s['data'], categories)]),
  ];
}

function points(data: unknown, categories: unknown[]): string[] {
  if (!Array.isArray(data) || data.length === 0 || data.length > 20) return ['a series holds 1 to 20 points'];
  return data.flatMap((point) => {
    if (!isJson(point)) return ['a point must be an object'];
    const known = categories.includes(point['label']) ? [] : [`point ${String(point['label'])} is no category`];
    return [...string(point['label'], 'label', 20), ...(Number.isFinite(point['value']) ? [] : ['a value must be a finite number']), ...known];
  });
}

function rows(block: Json, least: number, most: number): string[] {
  const faults = list(block['rows'], 'rows', least, most);
  if (faults.length > 0) return faults;
  const widths = (block['rows'] as unknown[]).map((row) => (Array.isArray(row) ? row.length : 0));
  if (widths.some((w) => w < 1 || w > 20)) return ['a row holds 1 to 20 cells'];
  if (new Set(widths).size > 1) return ['all rows must have the same number of cells'];
  return each((block['rows'] as unknown[]).flat(), cell);
}

function cell(value: unknown): string[] {
  if (!isJson(value)) return ['a cell must be an object'];
  if (value['type'] === 'rich_text') return [];
  if (value['type'] === 'raw_number')
    return Number.isFinite(value['value']) && typeof value['text'] === 'string' ? [] : ['a raw_number needs a finite value and a text'];
  return value['type'] === 'raw_text' && typeof value['text'] === 'string' && value['text'] !== '' ? [] : ['a cell needs a type and a text'];
}

function image(block: Json): string[] {
  const source = typeof block['image_url'] === 'string' || isJson(block['slack_file']);
  return [...(source ? [] : ['an image needs image_url or slack_file']), ...string(block['alt_text'], 'alt_text', 2000)];
}

function distinctActions(elements: unknown): string[] {
  if (!Array.isArray(elements)) return [];
  const ids = elements.filter(isJson).flatMap((e) => (typeof e['action_id'] === 'string' ? [e['action_id']] : []));
  return new Set(ids).size < ids.length ? ['action_id must differ within one block'] : [];
}

function string(value: unknown, name: string, most: number): string[] {
  if (typeof value !== 'string' || value === '') return [`${name} is missing`];
  return value.length > most ? [`${name} must be at most ${most} characters`] : [];
}

function list(value: unknown, name: string, least: number, most: number): string[] {
  if (!Array.isArray(value) || value.length < least) return [`${name} needs at least ${least} items`];
  return value.length > most ? [`no more than ${most} ${name} allowed`] : [];
}

function each(value: unknown, check: (item: unknown) => string[]): string[] {
  return Array.isArray(value) ? value.flatMap(check) : [];
}
