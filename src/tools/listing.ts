import { z } from 'zod';
import type { Tool } from './define-tool.ts';

type Json = { [key: string]: unknown };
export type Listed = { name: string; title: string; description: string; inputSchema: Json; outputSchema: Json; annotations: Json };

/**
 * A tool as clients and models see it. Every turn pays for these bytes, so the schemas say all that constrains a caller and nothing that goes without saying;
 * what comes back is checked on this side against the whole schema.
 */
export function listed(tool: Tool): Listed {
  const read = tool.kind === 'read';
  return {
    name: tool.name,
    title: tool.title,
    description: tool.description,
    inputSchema: slim(z.toJSONSchema(tool.input, { io: 'input' }) as Json),
    outputSchema: shallow(slim(z.toJSONSchema(outputOf(tool), { io: 'output' }) as Json)),
    annotations: { readOnlyHint: read, destructiveHint: read ? false : tool.destructive, idempotentHint: read ? true : tool.idempotent, openWorldHint: true },
  };
}

/** A write's output is loose: a mismatch after the effect would make what happened look failed, and be done again. */
export function outputOf(tool: Tool): z.ZodObject {
  if (tool.kind === 'read') return tool.output;
  return z.looseObject({
    ...tool.output.partial().shape,
    status: z.string().optional(),
    requires_confirmation: z.boolean().optional(),
    confirmation: z.looseObject({ id: z.string().optional(), summary: z.string().optional(), expires_at: z.string().optional() }).optional(),
  });
}

/** Every integer of JSON lies between these. */
const BOUNDS = new Set([Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER]);

/** What an answer may hold, one level deep: names and types. What must be there, and what lies inside a list or an object, is checked on this side. */
function shallow({ type, properties }: Json): Json {
  const flat = (schema: Json) => ({ type: schema['type'] ?? (schema['anyOf'] as Json[] | undefined)?.map((one) => one['type']) });
  const fields = Object.entries(properties as Record<string, Json>).map(([name, schema]) => [name, flat(schema)]);
  return { type, properties: Object.fromEntries(fields) };
}

function slim(schema: Json): Json {
  const kept = Object.entries(schema).filter(([key, value]) => !goesWithoutSaying(key, value));
  return joined(Object.fromEntries(kept.map(([key, value]) => [key, key === 'properties' ? each(value as Json) : deeper(value)])));
}

function each(properties: Json): Json {
  return Object.fromEntries(Object.entries(properties).map(([name, schema]) => [name, slim(schema as Json)]));
}

function deeper(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((v) => deeper(v));
  return typeof value === 'object' && value !== null ? slim(value as Json) : value;
}

function goesWithoutSaying(key: string, value: unknown): boolean {
  switch (key) {
    case '$schema':
      return true;
    case 'additionalProperties':
      return isEmpty(value);
    case 'propertyNames':
      return JSON.stringify(value) === '{"type":"string"}';
    case 'minLength':
      return value === 1;
    case 'default':
      return value === false || value === 0 || isEmpty(value);
    default:
      return (key === 'maximum' || key === 'minimum') && BOUNDS.has(value as number);
  }
}

/** An id is shown as the text that it is; that a small number is taken too is our kindness. */
function joined(schema: Json): Json {
  const { anyOf, ...rest } = schema;
  if (!Array.isArray(anyOf)) return schema;
  const types = anyOf.map((one: Json) => one['type']);
  if (types.join() === 'string,integer') return { ...(anyOf[0] as Json), ...rest };
  const bare = anyOf.every((one: Json) => typeof one['type'] === 'string' && Object.keys(one).length === 1);
  return bare ? { type: types, ...rest } : schema;
}

function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}
