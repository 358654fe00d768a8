import { isRecord } from '../../policy/is-record.ts';
import { unixLines } from '../../policy/outside-text.ts';

/** How people write an argument: as text, as a number, one of two words, a text a line, or as JSON where nothing simpler holds it. */
export type Kind = 'text' | 'number' | 'yes or no' | 'list' | 'json';

export type Schema = {
  type?: unknown;
  description?: unknown;
  default?: unknown;
  maxLength?: unknown;
  enum?: unknown;
  properties?: Record<string, Schema>;
  required?: readonly string[];
  items?: unknown;
  anyOf?: unknown;
  oneOf?: unknown;
  $ref?: unknown;
  $defs?: Record<string, Schema>;
  definitions?: Record<string, Schema>;
};

const KINDS: Record<string, Kind> = { string: 'text', number: 'number', integer: 'number', boolean: 'yes or no' };

/** The kind of an argument by the tool's schema; JSON where the value that it has now would not come back as it is. */
export function kindOf(schema: Schema, value: unknown, root: Schema): Kind {
  const kinds = kindsOf(schema, root);
  const [only = 'json'] = kinds;
  const kind = kinds.has('text') ? 'text' : kinds.size === 1 ? only : 'json';
  if (value === undefined || value === null) return kind;
  // A number where a text may stand, too: an id.
  if (typeof value === 'string' || (typeof value === 'number' && kind === 'text')) return 'text';
  const back = readAs(kind, textOf(kind, value));
  return 'value' in back && JSON.stringify(back.value) === JSON.stringify(value) ? kind : 'json';
}

/** A mounted server's schema may refer to itself without end. */
const DEEPEST = 4;

/** Every kind that a schema takes. `null` beside another is as good as left out. */
function kindsOf(given: Schema, root: Schema, depth = 0): Set<Kind> {
  if (depth > DEEPEST) return new Set(['json']);
  const schema = resolved(given, root);
  const either = schema.anyOf ?? schema.oneOf;
  if (Array.isArray(either)) return new Set(either.filter(isRecord).flatMap((one) => [...kindsOf(one, root, depth + 1)]));
  const named = schema.type ?? (Array.isArray(schema.enum) ? [...new Set(schema.enum.map((one) => typeof one))] : 'any');
  const types = [named].flat().filter((type) => type !== 'null');
  return new Set(types.map((type) => (type === 'array' && isTextOnly(schema.items, root, depth + 1) ? 'list' : (KINDS[String(type)] ?? 'json'))));
}

function isTextOnly(items: unknown, root: Schema, depth: number): boolean {
  if (!isRecord(items)) return false;
  const kinds = kindsOf(items, root, depth);
  return kinds.size === 1 && kinds.has('text');
}

/** What a part refers to within the schema, one step far. */
function resolved(schema: Schema, root: Schema): Schema {
  if (typeof schema.$ref !== 'string') return schema;
  const name = schema.$ref.replace(/^#\/(\$defs|definitions)\//, '');
  return root.$defs?.[name] ?? root.definitions?.[name] ?? {};
}

/** What JSON is to be written, in short: `[{"path": …, "content": …}]`. */
export function shapeOf(given: Schema, root: Schema, depth = 0): string {
  const schema = resolved(given, root);
  if (schema.type === 'array') return `[${isRecord(schema.items) && depth < DEEPEST ? shapeOf(schema.items, root, depth + 1) : '…'}, …]`;
  if (schema.type !== 'object') return depth === 0 ? '"text", 1, true, […] or {…}' : '…';
  const names = Object.keys(schema.properties ?? {});
  return names.length > 0 ? `{${names.map((name) => `"${name}": …`).join(', ')}}` : '{"name": …}';
}

/** A value as it stands in its field. */
export function textOf(kind: Kind, value: unknown): string {
  if (value === undefined || (value === null && kind !== 'json')) return '';
  switch (kind) {
    case 'yes or no':
      return value === true ? 'yes' : value === false ? 'no' : '';
    case 'list':
      return Array.isArray(value) ? value.map(String).join('\n') : '';
    case 'json':
      return JSON.stringify(value, null, 2);
    case 'text':
      // As it comes back from Slack, or it would count as changed.
      return unixLines(String(value));
    case 'number':
      return String(value);
    default:
      return kind satisfies never;
  }
}

/** What stands in a field that is not empty, as the tool is asked with it; or why it can't be read. */
export function readAs(kind: Kind, text: string): { value: unknown } | { why: string } {
  switch (kind) {
    case 'text':
      return { value: text };
    case 'number':
      return Number.isFinite(Number(text)) ? { value: Number(text) } : { why: 'Write a number.' };
    case 'yes or no':
      return text === 'yes' || text === 'no' ? { value: text === 'yes' } : { why: 'Choose yes or no.' };
    case 'list':
      return { value: jsonTexts(text) ?? lines(text) };
    case 'json':
      try {
        return { value: JSON.parse(text) };
      } catch {
        return { why: 'This is not JSON, in which texts stand in "double quotes".' };
      }
    default:
      return kind satisfies never;
  }
}

/** Some people write a list as JSON. */
function jsonTexts(text: string): string[] | null {
  const read = text.trim().startsWith('[') ? readAs('json', text) : null;
  const list = read && 'value' in read ? read.value : null;
  return Array.isArray(list) && list.every((item) => typeof item === 'string') ? list : null;
}

function lines(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}
