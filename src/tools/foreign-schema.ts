import { isRecord } from '../policy/is-record.ts';

type Json = { [key: string]: unknown };

/** What a mounted server says a tool takes, and why it can't be shown to a model. */
export class Unfit extends Error {
  override readonly name = 'Unfit';
}

const TYPES = new Set(['object', 'array', 'string', 'number', 'integer', 'boolean', 'null']);
const NUMBERS = new Set(['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf']);
const COUNTS = new Set(['minLength', 'maxLength', 'minItems', 'maxItems', 'minProperties', 'maxProperties', 'minContains', 'maxContains']);
const ONE = new Set(['items', 'additionalProperties', 'contains', 'not', 'propertyNames', 'if', 'then', 'else']);
const LISTS = new Set(['anyOf', 'oneOf', 'allOf', 'prefixItems']);
const MAPS = new Set(['properties', '$defs', 'definitions', 'patternProperties']);
/** The names that a model's API takes for an argument; another one would make it refuse every request of every session. */
const ARGUMENT = /^[A-Za-z0-9_.-]{1,64}$/;
const DEEPEST = 24;
const MOST_PARTS = 3_000;
const MOST_WORDS = 500;
const MOST_VALUES = 10_000;

/**
 * A server's JSON Schema as far as we pass it on: known keywords with values they may have, and words in which nothing is invisible. A model's API refuses a request
 * with one bad schema in it, whatever else it holds, so what can't be mended makes the tool unfit. Nothing outside the schema is ever referred to.
 */
export function fitSchema(given: unknown, words: (text: string, most: number) => string): Json {
  if (!isRecord(given) || given['type'] !== 'object') throw new Unfit('what it takes is no JSON Schema of an object');
  const parts = { left: MOST_PARTS };
  const schema = fitted(given, given, words, parts, 0);
  for (const key of Object.keys(asRecord(schema['properties'])))
    if (!ARGUMENT.test(key)) throw new Unfit(`it has an argument ${JSON.stringify(key.slice(0, 80))}, which models cannot name`);
  // Not taken at the top by the model's API; the server holds arguments against them all the same.
  const { anyOf: _any, oneOf: _one, allOf: _all, not: _not, if: _if, ...rest } = schema;
  return rest;
}

function fitted(schema: Json, root: Json, words: (text: string, most: number) => string, parts: { left: number }, depth: number): Json {
  if (depth > DEEPEST) throw new Unfit('what it takes is nested too deep');
  parts.left -= 1;
  if (parts.left < 0) throw new Unfit('what it takes is too long to be shown');
  const deeper = (value: unknown): unknown => {
    if (typeof value === 'boolean') return value;
    if (!isRecord(value)) throw new Unfit('what it takes is no valid JSON Schema');
    return fitted(value, root, words, parts, depth + 1);
  };
  const kept: Json = {};
  for (const [key, value] of Object.entries(schema)) {
    if (key === 'type') kept[key] = typeOf(value);
    else if (key === 'description' || key === 'title') kept[key] = typeof value === 'string' ? words(value, MOST_WORDS) : '';
    else if (key === '$ref') kept[key] = reference(value, root);
    else if (key === 'required') kept[key] = Array.isArray(value) ? [...new Set(value.filter((v) => typeof v === 'string'))] : [];
    else if (key === 'enum' && Array.isArray(value) && value.length > 0) kept[key] = plainJson(value);
    else if (key === 'const' || key === 'default') kept[key] = plainJson(value);
    else if (key === 'format' && typeof value === 'string' && /^[\w-]{1,40}$/.test(value)) kept[key] = value;
    else if (key === 'pattern' && typeof value === 'string' && isPattern(value)) kept[key] = value;
    else if (key === 'uniqueItems' && typeof value === 'boolean') kept[key] = value;
    else if (NUMBERS.has(key) && typeof value === 'number' && (key !== 'multipleOf' || value > 0)) kept[key] = value;
    else if (COUNTS.has(key) && Number.isInteger(value) && (value as number) >= 0) kept[key] = value;
    else if (LISTS.has(key) && Array.isArray(value) && value.length > 0) kept[key] = value.map(deeper);
    else if (MAPS.has(key) && isRecord(value)) kept[key] = Object.fromEntries(Object.entries(value).flatMap(([k, v]) => entry(key, k, deeper(v))));
    // The older form of a tuple has no meaning any more.
    else if (ONE.has(key) && !Array.isArray(value)) kept[key] = deeper(value);
  }
  return kept;
}

function entry(of: string, key: string, value: unknown): [string, unknown][] {
  if (key.length > 200) throw new Unfit('it has an argument with an endless name');
  return of === 'patternProperties' && !isPattern(key) ? [] : [[key, value]];
}

function typeOf(value: unknown): unknown {
  const all = Array.isArray(value) ? [...new Set(value)] : [value];
  if (all.length === 0 || !all.every((type) => typeof type === 'string' && TYPES.has(type)))
    throw new Unfit('what it takes has a type that JSON does not have');
  return Array.isArray(value) ? all : value;
}

/** Only into the schema itself: what lies elsewhere can be another thing each time somebody looks. */
function reference(value: unknown, root: Json): string {
  const inside = typeof value === 'string' ? /^#(?:\/(\$defs|definitions)\/([\w.-]{1,200}))?$/.exec(value) : null;
  if (!inside) throw new Unfit(`what it takes refers to ${JSON.stringify(String(value).slice(0, 120))}, which is not part of it`);
  const [whole, map, name] = inside;
  if (map !== undefined && name !== undefined && !Object.hasOwn(asRecord(root[map]), name))
    throw new Unfit(`what it takes refers to ${whole}, which is not there`);
  return whole;
}

function isPattern(text: string): boolean {
  if (text.length > 500) return false;
  try {
    new RegExp(text, 'u');
    return true;
  } catch {
    return false;
  }
}

function plainJson(value: unknown): unknown {
  const text = JSON.stringify(value) ?? 'null';
  if (text.length > MOST_VALUES) throw new Unfit('it lists more values than can be shown');
  if (!text.isWellFormed()) throw new Unfit('it has a value that is no text');
  return value;
}

function asRecord(value: unknown): Json {
  return isRecord(value) ? value : {};
}
