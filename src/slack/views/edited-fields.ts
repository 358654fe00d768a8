import { isRecord } from '../../policy/is-record.ts';
import { type ChangedArgument, leaves } from '../../session/changed-arguments.ts';
import { readAs } from './argument-kind.ts';
import { blockOf, type Field, labelOf, MORE } from './edit-form.ts';

/**
 * What stands in each field of a form that was sent, by their blocks. A field that has come with a deploy since the form was opened is as it would be sent; null where
 * the form has one that is not among these any more, or was built from something else: nobody knows what was changed in it.
 */
export function writtenIn(fields: readonly Field[], sent: ReadonlyMap<string, string>): string[] | null {
  const blocks = fields.map(blockOf);
  if ([...sent.keys()].some((block) => !blocks.includes(block))) return null;
  return fields.map((f, i) => sent.get(blocks[i] ?? '') ?? f.value);
}

/** What a person wrote, as the arguments the tool is asked with; or which field can't be read, and why. An emptied field leaves its argument out. */
export function readFields(
  fields: readonly Field[],
  written: readonly string[],
  input: Record<string, unknown>,
): { input: Record<string, unknown>; changed: number } | { at: number; why: string } {
  const next = structuredClone(input);
  let changed = 0;
  for (const [at, { path, value, kind }] of fields.entries()) {
    const now = written[at] ?? '';
    if (now === value) continue;
    changed += 1;
    const [name, key] = path;
    if (name === MORE) {
      const more = moreOf(now, fields);
      if ('why' in more) return { at, why: more.why };
      for (const [parameter, to] of more.pairs) put(next, 'parameters', parameter, to);
    } else if (key !== undefined) put(next, name, key, now === '' ? undefined : now);
    else if (now.trim() === '') delete next[name];
    else {
      const read = readAs(kind, now);
      if ('why' in read) return { at, why: read.why };
      next[name] = read.value;
    }
  }
  return { input: next, changed };
}

/** Parameters that have no field of their own; each takes one value. */
function moreOf(written: string, fields: readonly Field[]): { pairs: Map<string, string> } | { why: string } {
  const pairs = new Map<string, string>();
  for (const line of written.split('\n').filter((l) => l.trim() !== '')) {
    const [, name, value = ''] = line.match(/^\s*([^=\s]+)\s*=(.*)$/) ?? [];
    if (name === undefined) return { why: 'Write one parameter a line, as name=value.' };
    if (fields.some(({ path }) => path[1] === name)) return { why: `${name} has a field of its own in this form; change it there.` };
    if (pairs.has(name)) return { why: `${name} stands here twice; it takes one value.` };
    pairs.set(name, value.trim());
  }
  return { pairs };
}

function put(input: Record<string, unknown>, name: string, key: string, value: string | undefined): void {
  const { [key]: _, ...rest } = isRecord(input[name]) ? input[name] : {};
  // A computed key is always the object's own: `__proto__` is a name like any other.
  input[name] = value === undefined ? rest : { ...rest, [key]: value };
}

/** Whether a difference is what stands in the form: an argument that is gone only where somebody changed its field. */
export function wasWritten(change: ChangedArgument, fields: readonly Field[], written: readonly string[], input: Record<string, unknown>): boolean {
  const after = readFields(fields, written, input);
  if (!('input' in after)) return false;
  const value = leaves(after.input).get(change.name);
  if (value !== undefined) return change.to === value;
  const changed = fields.some((f, at) => isWithin(change.name, f.path) && (written[at] ?? '') !== f.value);
  // An emptied list is left out of what is asked for; a tool may send an empty one for it.
  return changed && (change.to === null || change.to === '[]');
}

/** Whether a leaf is the field's argument, or part of it; a parameter has no parts, and dots in its name. */
function isWithin(leaf: string, path: Field['path']): boolean {
  return leaf === path.join('.') || (path.length === 1 && leaf.startsWith(`${path[0]}.`));
}

/** An objection where the form can show it: what it says of an argument that has no field names it, as it stands under another one. */
export function objection(
  { argument = [], why }: { argument?: readonly string[]; why: string },
  fields: readonly Field[],
  written: readonly string[],
): { at: number; why: string } {
  const at = fieldAbout(argument, fields, written);
  const [name] = argument;
  const isNamed = name === undefined || name === 'parameters' || fields.some(({ path }) => path[0] === name);
  return { at, why: (isNamed ? why : `${labelOf(name)}: ${why}`).slice(0, 1_500) };
}

/** The field that an objection is about: the one named or that holds it, else the first that was changed. */
export function fieldAbout(argument: readonly string[], fields: readonly Field[], written: readonly string[]): number {
  const [name, key] = argument;
  const found = [
    fields.findIndex((f) => f.path[0] === name && f.path[1] === key),
    fields.findIndex((f, i) => key !== undefined && f.path[0] === MORE && new RegExp(`^\\s*${key.replace(/\W/g, '\\$&')}\\s*=`, 'm').test(written[i] ?? '')),
    fields.findIndex((f) => f.path.length === 1 && f.path[0] === name),
    fields.findIndex((f, i) => (written[i] ?? '') !== f.value),
  ];
  return Math.max(0, found.find((at) => at >= 0) ?? 0);
}
