import type { z } from 'zod';
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
