import type { z } from 'zod';
import { listed } from '../policy/listed.ts';
import { type Tool, ToolError } from './define-tool.ts';

/** What a tool is called with, as its schema gives it: numbers as the strings they are meant to be, defaults filled in. Throws a ToolError that names each fault. */
export function readArguments(tool: Tool, input: Record<string, unknown>): Record<string, unknown> {
  const read = tool.input.safeParse(input);
  if (read.success) return read.data as Record<string, unknown>;
  const faults = read.error.issues.map((issue) => faultOf(issue, input));
  throw new ToolError('BAD_ARGUMENTS', `${tool.name} does not take these arguments: ${faults.join('; ')}.`, 'correct them by its schema.');
}

function faultOf(issue: z.core.$ZodIssue, input: unknown): string {
  const path = issue.path.map(String).join('.');
  if (issue.code === 'unrecognized_keys') return `${path ? `in ${path}, ` : ''}there is no ${issue.keys.map((key) => JSON.stringify(key)).join(', ')}`;
  if (valueAt(input, issue.path) === undefined) return `${path || 'it'} is missing`;
  return path ? `${path}: ${issue.message}` : issue.message;
}

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((value, key) => (value as Record<PropertyKey, unknown> | null | undefined)?.[key], input);
}

/** A fault of one argument for the person who wrote it, in a sentence. What is named before it stands within the argument. */
export function faultInWords(issue: z.core.$ZodIssue, input: unknown): string {
  const where = issue.path.slice(1).map((key) => (typeof key === 'number' ? `item ${key + 1}` : String(key)));
  const fault = valueAt(input, issue.path) === undefined ? 'it is missing' : inWords(issue);
  return where.length > 0 ? `${where.join(', ')}: ${fault}.` : `${fault.charAt(0).toUpperCase()}${fault.slice(1)}.`;
}

function inWords(issue: z.core.$ZodIssue): string {
  const counted = (count: number | bigint, of: string) => `${count} ${of === 'string' ? 'character' : 'item'}${Number(count) === 1 ? '' : 's'}`;
  switch (issue.code) {
    case 'unrecognized_keys':
      return `there is no ${listed(issue.keys.map((key) => JSON.stringify(key)))}`;
    case 'invalid_type':
      return `it must be ${TYPES[issue.expected] ?? issue.expected}`;
    case 'invalid_union': {
      const types = issue.errors.flat().flatMap((error) => (error.code === 'invalid_type' ? [TYPES[error.expected] ?? error.expected] : []));
      return types.length > 0 ? `it must be ${listed([...new Set(types)], 'or')}` : 'the tool does not take it';
    }
    case 'invalid_value':
      return `it must be ${listed(issue.values.map(String), 'or')}`;
    case 'too_small':
      if (issue.origin !== 'string' && issue.origin !== 'array') return `it must be at least ${issue.minimum}`;
      return issue.minimum === 1 ? 'it is empty' : `it must have at least ${counted(issue.minimum, issue.origin)}`;
    case 'too_big':
      if (issue.origin !== 'string' && issue.origin !== 'array') return `it must be at most ${issue.maximum}`;
      return `it may have at most ${counted(issue.maximum, issue.origin)}`;
    case 'custom':
      // Our own checks say what should stand there: "a GitHub login".
      return `it must be ${issue.message}`;
    default:
      return issue.message;
  }
}

const TYPES: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'yes or no',
  array: 'a list',
  object: 'an object in { }',
  record: 'an object in { }',
};
