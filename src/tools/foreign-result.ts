import { isDeepStrictEqual } from 'node:util';
import { isRecord } from '../policy/is-record.ts';
import { isNestedDeeperThan } from '../policy/nesting.ts';
import { visible } from '../policy/outside-text.ts';
import type { ToolImage } from './define-tool.ts';
import { pictureSize, pictureType } from './picture-type.ts';

/** What a mounted server answered, as we keep and show it. All of it is text from outside: typed, made visible, and no longer than fits. */
export type ForeignResult = { failed: boolean; text: string; structured?: unknown; images: ToolImage[] };

const MOST_TEXT = 8_000;
const MOST_STRUCTURED = 12_000;
const MOST_IMAGES = 4;
/** What the model's API takes of a picture, which stays in the session's transcript. */
const MOST_PICTURE_BYTES = 3_500_000;
const MOST_PIXELS = 8_000;
const DEEPEST = 40;

type Part = { [key: string]: unknown };

/** Reads a `tools/call` result. `from` names the tool, for what people read under a picture. */
export function readResult(given: unknown, from: string): ForeignResult {
  const result = isRecord(given) ? given : {};
  const parts = (Array.isArray(result['content']) ? result['content'] : []).filter(isRecord);
  const images: ToolImage[] = [];
  const lines = parts.map((part) => lineOf(part, images, from)).filter((line) => line !== '');
  const structured = structuredOf(result['structuredContent']);
  // Servers say the same twice: in text, and as values.
  const told = structured?.value !== undefined && lines.length === 1 && isSame(lines[0] ?? '', result['structuredContent']) ? [] : lines;
  const text = [...told, ...(structured?.note ? [structured.note] : [])].join('\n');
  return {
    failed: result['isError'] === true,
    text: shortened(text, MOST_TEXT),
    ...(structured?.value === undefined ? {} : { structured: structured.value }),
    images,
  };
}

function lineOf(part: Part, images: ToolImage[], from: string): string {
  switch (part['type']) {
    case 'text':
      return seen(part['text']);
    case 'image':
      return picture(part, images, from);
    case 'audio':
      return `(a sound, ${typeName(part['mimeType'])}, left out)`;
    case 'resource_link':
      return `(a link: ${seen(part['name']).slice(0, 200)} ${seen(part['uri']).slice(0, 500)})`;
    case 'resource':
      return embedded(part['resource'], images, from);
    default:
      return `(something of the kind ${typeName(part['type'])}, left out)`;
  }
}

function embedded(given: unknown, images: ToolImage[], from: string): string {
  if (!isRecord(given)) return '';
  const where = seen(given['uri']).slice(0, 500);
  if (typeof given['text'] === 'string') return `${where}:\n${seen(given['text'])}`;
  if (typeof given['blob'] === 'string' && String(given['mimeType']).startsWith('image/')) return picture({ data: given['blob'] }, images, from);
  return `(${where}, ${typeName(given['mimeType'])}, left out)`;
}

function picture({ data }: Part, images: ToolImage[], from: string): string {
  if (typeof data !== 'string' || data.length > MOST_PICTURE_BYTES * 1.4) return '(a picture too large to be shown, left out)';
  const bytes = Buffer.from(data, 'base64');
  const mediaType = pictureType(bytes);
  const size = pictureSize(bytes);
  if (!mediaType || !size || size.width === 0 || size.height === 0) return '(something called a picture, which is none, left out)';
  if (bytes.length > MOST_PICTURE_BYTES || size.width > MOST_PIXELS || size.height > MOST_PIXELS) return '(a picture too large to be shown, left out)';
  if (images.length >= MOST_IMAGES) return '(one more picture, left out)';
  images.push({ data: bytes, mediaType, alt: `Picture ${images.length + 1} from ${from}` });
  return `(picture ${images.length}, ${size.width} × ${size.height})`;
}

/** Values that code could read; what is too much of them is said and left out whole, as half a value is a wrong one. */
function structuredOf(given: unknown): { value?: unknown; note?: string } | null {
  if (given === undefined) return null;
  if (!isRecord(given)) return { note: '(values that are no object, left out)' };
  if (isNestedDeeperThan(DEEPEST, given)) return { note: '(values nested too deep, left out)' };
  const { length } = JSON.stringify(given);
  return length > MOST_STRUCTURED ? { note: `(values of ${length} characters, left out)` } : { value: visibleDeep(given) };
}

function visibleDeep(value: unknown): unknown {
  if (typeof value === 'string') return seen(value);
  if (Array.isArray(value)) return value.map(visibleDeep);
  return isRecord(value) ? Object.fromEntries(Object.entries(value).map(([k, v]) => [seen(k), visibleDeep(v)])) : value;
}

function isSame(text: string, value: unknown): boolean {
  try {
    return isDeepStrictEqual(JSON.parse(text), value);
  } catch {
    return false;
  }
}

/** Colours and cursor moves of terminals go; what else cannot be seen is shown. */
function seen(given: unknown): string {
  if (typeof given !== 'string') return '';
  // What is far too long need not be looked at whole.
  const text = given.length > MOST_TEXT * 4 ? `${given.slice(0, MOST_TEXT * 4)}\n(${given.length - MOST_TEXT * 4} more characters)` : given;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for.
  return visible(text.toWellFormed().replace(/\u001b\[[0-9;?]*[A-Za-z]/g, ''));
}

function shortened(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most).toWellFormed()}\n(${text.length - most} more characters are left out)` : text;
}

function typeName(given: unknown): string {
  return typeof given === 'string' && /^[\w.+/-]{1,60}$/.test(given) ? given : 'unknown';
}
