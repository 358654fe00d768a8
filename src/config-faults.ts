import type { z } from 'zod';
import { fileJsonSchema } from './config-file.ts';
import { didYouMean } from './did-you-mean.ts';
import { listed } from './policy/listed.ts';

/** What zod found wrong in labmate.json, for whoever wrote it: where it stands, what stands there, what may, and what was perhaps meant. */

type Issue = z.core.$ZodIssue;
type Schema = { properties?: Record<string, Schema>; additionalProperties?: Schema | boolean; items?: Schema };
type Path = readonly PropertyKey[];

/** One sentence, without its full stop, for each thing that is wrong. `file` is what was read. */
export function schemaFaults(issues: readonly Issue[], file: unknown): string[] {
  return issues.flatMap((issue) => faultsOf(issue, file));
}

function faultsOf(issue: Issue, file: unknown): string[] {
  const here = placeOf(issue.path);
  const is = `${here || 'the file'} ${whatIs(valueAt(file, issue.path), issue.path)}`;
  switch (issue.code) {
    case 'unrecognized_keys': {
      const known = keysAt(issue.path);
      return issue.keys.map((key) => {
        const meant = didYouMean(key, known);
        return `${here ? `${here} has` : 'there is'} a key "${key}", which nothing reads${meant || `; ${here ? 'it' : 'the file'} may have: ${listed(known)}`}`;
      });
    }
    case 'invalid_type':
      return [`${is}: it must be ${TYPES[issue.expected] ?? issue.expected}`];
    case 'invalid_value': {
      const values = issue.values.map(String);
      const given = valueAt(file, issue.path);
      return [`${is}: it must be ${listed(values, 'or')}${typeof given === 'string' ? didYouMean(given, values) : ''}`];
    }
    case 'too_small':
      if (issue.origin === 'string' || issue.origin === 'array') return [`${here} is empty`];
      return [`${is}: it must be ${issue.inclusive === false ? 'more than' : 'at least'} ${issue.minimum}`];
    case 'too_big':
      return [`${is}: it must be ${issue.inclusive === false ? 'less than' : 'at most'} ${issue.maximum}`];
    case 'invalid_key':
      return [`${placeOf(issue.path.slice(0, -1)) || 'the file'} has a name that is empty`];
    default:
      return [`${is}: ${issue.message}`];
  }
}

const TYPES: Readonly<Record<string, string>> = {
  string: 'a text in quotes',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list in [ ]',
  object: 'an object in { }',
  record: 'an object in { }',
};

/** A value as it stands there, as long as it is short and can't be a secret. */
function whatIs(value: unknown, [top]: Path): string {
  if (value === undefined) return 'is missing';
  if (value === null) return 'is null';
  if (Array.isArray(value)) return 'is a list';
  if (typeof value === 'object') return 'is an object';
  const text = JSON.stringify(value);
  return top === 'mcpServers' || top === 'mounts' || text.length > 60 ? `is a ${typeof value === 'string' ? 'text' : typeof value}` : `is ${text}`;
}

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>((at, key) => (typeof at === 'object' && at !== null ? (at as Record<PropertyKey, unknown>)[key] : undefined), value);
}

/** `policy.rules[0].action`. */
function placeOf(path: Path): string {
  return path.map((key, i) => (typeof key === 'number' ? `[${key}]` : `${i === 0 ? '' : '.'}${String(key)}`)).join('');
}

function keysAt(path: Path): string[] {
  let at: Schema | undefined = fileJsonSchema() as Schema;
  for (const key of path) {
    const others: Schema | undefined = typeof at?.additionalProperties === 'object' ? at.additionalProperties : undefined;
    at = typeof key === 'number' ? at?.items : (at?.properties?.[String(key)] ?? others);
  }
  return Object.keys(at?.properties ?? {}).filter((key) => key !== '$schema');
}
