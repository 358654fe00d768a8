import type { z } from 'zod';
import { countOf } from '../analysis/numbers.ts';
import { listed } from '../policy/listed.ts';
import { type Tool, ToolError } from './define-tool.ts';

/** What a tool is called with, as its schema gives it: numbers as the strings they are meant to be, defaults filled in. Throws a ToolError that names each fault. */
export function readArguments(tool: Tool, input: Record<string, unknown>): Record<string, unknown> {
  const read = tool.input.safeParse(input);
  if (read.success) return read.data as Record<string, unknown>;
  const faults = read.error.issues.map((issue) => faultOf(issue, input));
  throw new ToolError('BAD_ARGUMENTS', `${tool.name} does not take these arguments: ${faults.join('; ')}.`, 'correct them by its schema.');
}

/** For the model: where it stands by its path. */
function faultOf(issue: z.core.$ZodIssue, input: unknown): string {
  const path = issue.path.map(String).join('.');
  return path ? `${path}: ${inWords(issue, input)}` : inWords(issue, input);
}

/** A fault of one argument for the person who wrote it, in a sentence that names the part of the argument it is about, where that is not all of it. */
export function faultInWords(issue: z.core.$ZodIssue, input: unknown): string {
  const within = issue.path.slice(1).map((key) => (typeof key === 'number' ? `item ${key + 1}` : JSON.stringify(String(key))));
  const fault = inWords(issue, input);
  const about = fault.startsWith('it ') ? within.pop() : undefined;
  return capital([...within, about === undefined ? fault : fault.replace('it', about)].join(': ')).concat('.');
}

function capital(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}

function inWords(issue: z.core.$ZodIssue, input: unknown): string {
  const value = issue.path.reduce<unknown>((inner, key) => (inner as Record<PropertyKey, unknown> | null | undefined)?.[key], input);
  if (value === undefined) return 'it is missing';
  const counted = (count: number | bigint, of: string) => countOf(count, of === 'string' ? 'character' : 'item');
  switch (issue.code) {
    case 'unrecognized_keys':
      return `there is no ${listed(issue.keys.map((key) => JSON.stringify(key)))}`;
    case 'invalid_type':
      return `it must be ${TYPES[issue.expected] ?? issue.expected}`;
    case 'invalid_union': {
      const types = issue.errors.flat().flatMap((error) => (error.code === 'invalid_type' ? [TYPES[error.expected] ?? error.expected] : []));
      return types.length > 0 ? `it must be ${listed([...new Set(types)], 'or')}` : NOT_TAKEN;
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
    case 'invalid_format':
      // Our own checks say what should stand there: "a GitHub login".
      return `it must be ${issue.message}`;
    default:
      return NOT_TAKEN;
  }
}

const NOT_TAKEN = 'the tool does not take it';

const TYPES: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object in { }',
  record: 'an object in { }',
};
