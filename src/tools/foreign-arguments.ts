import { isRecord } from '../policy/is-record.ts';

type Json = { [key: string]: unknown };
/** `argument`: the path of the one that is wrong; empty where it is none of them alone. */
export type Wrong = { argument: readonly string[]; why: string };

/**
 * What is plainly wrong with arguments by a server's own schema, so that nobody is asked about a call that the server can only refuse; null where nothing is. Names,
 * types and choices at the top, and no more: a schema is the server's, and a validator that runs all of it can be made to run without end.
 */
export function whatIsWrong(schema: Json, input: Json): Wrong | null {
  const properties = isRecord(schema['properties']) ? schema['properties'] : {};
  const missing = asList(schema['required']).find((key) => typeof key === 'string' && !Object.hasOwn(input, key));
  if (missing !== undefined) return { argument: [String(missing)], why: `${String(missing)} is missing` };
  for (const [key, value] of Object.entries(input)) {
    const property = Object.hasOwn(properties, key) ? properties[key] : undefined;
    if (property === undefined && schema['additionalProperties'] === false && schema['patternProperties'] === undefined)
      return { argument: [key], why: `it has no argument ${key}` };
    if (!isRecord(property)) continue;
    const types = Array.isArray(property['type']) ? property['type'] : property['type'] === undefined ? [] : [property['type']];
    if (types.length > 0 && !types.some((type) => isOf(type, value))) return { argument: [key], why: `${key} must be ${types.join(' or ')}` };
    const choices = asList(property['enum']);
    if (choices.length > 0 && isPlain(value) && !choices.includes(value))
      return { argument: [key], why: `${key} must be one of ${choices.slice(0, 20).map(String).join(', ')}` };
  }
  return null;
}

function isOf(type: unknown, value: unknown): boolean {
  switch (type) {
    case 'integer':
      return Number.isInteger(value);
    case 'null':
      return value === null;
    case 'array':
      return Array.isArray(value);
    case 'object':
      return isRecord(value);
    default:
      return typeof value === type;
  }
}

function isPlain(value: unknown): boolean {
  return value === null || typeof value !== 'object';
}

function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
