import { isRecord } from '../../policy/is-record.ts';
import type { View } from '../../services/slack.ts';
import { type ChangedArgument, leaves } from '../../session/changed-arguments.ts';
import { type Kind, kindOf, readAs, type Schema, shapeOf, textOf } from './argument-kind.ts';
import { LIMITS } from './limits.ts';
import { t } from './rich.ts';

/** One field of the form: a top-level argument, or one parameter of a job. */
export type Field = {
  /** Where it belongs: `title`, or `parameters` and `lr`. */
  path: [string] | [string, string];
  label: string;
  hint?: string | undefined;
  value: string;
  kind: Kind;
  multiline: boolean;
  /** The tool cannot do without it. */
  required?: boolean | undefined;
};

/** Slack takes no longer value in a field. */
const FIELD = 3_000;
/** Fields of one form; Slack takes 100 blocks. */
const FIELDS = 60;
/** The field for parameters that are not set yet. */
const MORE = 'more parameters';
/** For the record and for programs; nobody edits these in a form. */
const LEFT_OUT = new Set(['note', 'idempotency_token']);

/**
 * What can be changed of a call. Parameters that are set have a field each, with the value that would be sent; every other argument of the tool's schema has
 * one for what was asked for. `kept`: arguments too long for a field, which stay as they are.
 */
export function fieldsOf(
  schema: Record<string, unknown>,
  input: Record<string, unknown>,
  resolved: Record<string, unknown>,
): { fields: Field[]; kept: string[] } {
  const fields: Field[] = [];
  const kept: string[] = [];
  const needed = new Set((schema as Schema).required ?? []);
  for (const [name, property] of Object.entries((schema as Schema).properties ?? {})) {
    if (LEFT_OUT.has(name)) continue;
    const inner = resolved[name];
    if (name === 'parameters' && isRecord(inner)) {
      for (const [key, value] of Object.entries(inner)) {
        // The pinned form of an argument that has its own field: `config`, given as a file.
        if (input[key] !== undefined && !isSet(input[name], key)) continue;
        fields.push(field([name, key], { type: 'string' }, value, schema));
      }
      fields.push({ path: [MORE], label: 'More parameters', hint: 'name=value, one a line', value: '', kind: 'text', multiline: true });
      continue;
    }
    fields.push({ ...field([name], property, input[name], schema), required: needed.has(name) });
  }
  return { fields: fields.filter((f) => f.value.length <= FIELD || kept.push(f.label) === 0).slice(0, FIELDS), kept };
}

function field(path: Field['path'], schema: Schema, value: unknown, root: Schema): Field {
  const { description, maxLength } = schema;
  const kind = kindOf(schema, value, root);
  const form = kind === 'list' ? 'one a line' : kind === 'json' ? `JSON, as ${shapeOf(schema, root)}` : '';
  // The form of what is written comes first: a long description is cut.
  const hint = [form, typeof description === 'string' ? description : ''].filter(Boolean).join('; ');
  const shown = textOf(kind, kind === 'yes or no' ? (value ?? schema.default) : value);
  const long = shown.length > 80 || shown.includes('\n') || (typeof maxLength === 'number' && maxLength > 1_000);
  return { path, label: path[1] ?? labelOf(path[0]), ...(hint ? { hint } : {}), value: shown, kind, multiline: long || kind === 'list' || kind === 'json' };
}

/** An argument's name in plain words: `job_id` is the job. */
function labelOf(name: string): string {
  const words = name.replace(/_id$/, '').replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function isSet(given: unknown, key: string): boolean {
  return isRecord(given) && Object.hasOwn(given, key);
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

/** The dialog. `private_metadata` is the approval's id and nothing else; field n is block n. */
export function editForm(approval: string, { fields, kept }: { fields: readonly Field[]; kept: readonly string[] }, says: string, submit: string): View {
  const note = [says, ...(kept.length > 0 ? [`Too long to be changed here, and kept as it is: ${kept.join(', ')}.`] : [])].join(' ');
  return {
    type: 'modal',
    callback_id: 'edit_arguments',
    title: { type: 'plain_text', text: 'Edit' },
    submit: { type: 'plain_text', text: submit },
    close: { type: 'plain_text', text: 'Leave it' },
    private_metadata: approval,
    blocks: [
      { type: 'section', text: { type: 'plain_text', text: note.slice(0, 2_900), emoji: false } },
      ...fields.map((f, i) => ({
        type: 'input' as const,
        block_id: String(i),
        optional: f.required !== true,
        label: { type: 'plain_text' as const, text: plainLabel(f.label), emoji: false },
        ...(f.hint ? { hint: { type: 'plain_text' as const, text: plainLabel(f.hint), emoji: false } } : {}),
        element: f.kind === 'yes or no' ? yesOrNo(f.value) : textInput(f),
      })),
    ],
  };
}

function textInput({ value, multiline }: Field) {
  return { type: 'plain_text_input' as const, action_id: 'value', multiline, max_length: FIELD, ...(value === '' ? {} : { initial_value: value }) };
}

function yesOrNo(value: string) {
  const option = (is: string) => ({ text: { type: 'plain_text' as const, text: is, emoji: false }, value: is });
  return {
    type: 'static_select' as const,
    action_id: 'value',
    options: [option('yes'), option('no')],
    ...(value === '' ? {} : { initial_option: option(value) }),
  };
}

/** Names of parameters may come from a model. */
function plainLabel(text: string): string {
  return String(t(text)['text']).slice(0, LIMITS.header) || ' ';
}
