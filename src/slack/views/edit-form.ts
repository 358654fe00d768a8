import { createHash } from 'node:crypto';
import { isRecord } from '../../policy/is-record.ts';
import type { View } from '../../services/slack.ts';
import { RUN_TOOL } from '../../session/runs.ts';
import { type Kind, kindOf, type Schema, shapeOf, textOf } from './argument-kind.ts';
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
/** Fields of one form, and what they may weigh: Slack takes 100 blocks and 250 kB. */
const FIELDS = 60;
const BYTES = 200_000;
/** The field for parameters that are not set yet. */
export const MORE = 'more parameters';
/** Arguments of the tool that starts a run which are for the record and for programs; nobody edits these in a form. */
const LEFT_OUT = new Set(['note', 'idempotency_token']);

/** What of a call can be changed in a form, and what stays as it is: by label, what is too long for a field and what has no room. */
export type Form = { fields: Field[]; tooLong: string[]; noRoom: string[] };

/**
 * What can be changed of a call. Every argument of the tool's schema has a field for what was asked for, or for what would be sent in its place; the parameters of a run
 * have one each, with the value that would be sent. Where there are more than a form takes, those that were asked for come first.
 */
export function fieldsOf(tool: string, schema: Schema, input: Record<string, unknown>, resolved: Record<string, unknown>): Form {
  const isRun = tool === RUN_TOOL;
  const needed = new Set(schema.required ?? []);
  const given = isRecord(input['parameters']) ? input['parameters'] : {};
  const all = Object.entries(schema.properties ?? {}).flatMap(([name, property]): Field[] => {
    if (isRun && LEFT_OUT.has(name)) return [];
    const set = resolved[name];
    if (!isRun || name !== 'parameters' || !isRecord(set)) {
      const value = input[name] ?? (isRecord(set) || Array.isArray(set) ? undefined : set);
      return [{ ...field([name], property, value, schema), required: needed.has(name) }];
    }
    // The pinned form of an argument that has its own field: `config`, given as a file.
    const own = Object.entries(set).filter(([key]) => input[key] === undefined || Object.hasOwn(given, key));
    const more: Field = { path: [MORE], label: 'More parameters', hint: 'name=value, one a line', value: '', kind: 'text', multiline: true };
    return [...own.map(([key, value]) => field([name, key], { type: 'string' }, value, schema)), more];
  });
  const short = all.filter((f) => f.value.length <= FIELD);
  const shown = thatFit(short, ({ path: [, key] }) => (key === undefined ? 0 : Object.hasOwn(given, key) ? 1 : 2));
  const labels = (fields: readonly Field[]) => fields.map((f) => f.label);
  return {
    fields: short.filter((f) => shown.has(f)),
    tooLong: labels(all.filter((f) => !short.includes(f))),
    noRoom: labels(short.filter((f) => !shown.has(f))),
  };
}

function thatFit(fields: readonly Field[], rank: (field: Field) => number): ReadonlySet<Field> {
  let bytes = 0;
  const first = [...fields].sort((a, b) => rank(a) - rank(b)).slice(0, FIELDS);
  return new Set(
    first.filter((f) => {
      bytes += Buffer.byteLength(JSON.stringify(f));
      return bytes <= BYTES;
    }),
  );
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
export function labelOf(name: string): string {
  const words = name.replace(/_id$/, '').replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** A field's block says which argument it is, and what it was built from: where a deploy meanwhile puts another one in its place, that one is called otherwise. */
export function blockOf({ path, kind, value }: Field): string {
  const built = createHash('sha256')
    .update(JSON.stringify([path, kind, value]))
    .digest('hex')
    .slice(0, 16);
  return `${path
    .join('.')
    .replace(/[^\w.-]/g, '')
    .slice(0, 200)}:${built}`;
}

/** The dialog. `private_metadata` is the approval's id and nothing else. */
export function editForm(approval: string, form: Form, says: string, submit: string): View {
  return {
    type: 'modal',
    callback_id: 'edit_arguments',
    title: { type: 'plain_text', text: 'Edit' },
    submit: { type: 'plain_text', text: submit },
    close: { type: 'plain_text', text: 'Leave it' },
    private_metadata: approval,
    blocks: [
      ...inSections([says, ...whatStays(form)].join(' ')),
      ...form.fields.map((f) => ({
        type: 'input' as const,
        block_id: blockOf(f),
        optional: f.required !== true,
        label: { type: 'plain_text' as const, text: plainLabel(f.label), emoji: false },
        ...(f.hint ? { hint: { type: 'plain_text' as const, text: plainLabel(f.hint), emoji: false } } : {}),
        element: f.kind === 'yes or no' ? yesOrNo(f.value) : textInput(f),
      })),
    ],
  };
}

/** By name, so that nobody has to guess what becomes of what the form does not show. */
function whatStays({ fields, tooLong, noRoom }: Form): string[] {
  const names = (labels: readonly string[]) => labels.map(plainLabel).join(', ');
  const hasMore = fields.some(({ path }) => path[0] === MORE);
  return [
    ...(tooLong.length > 0 ? [`Too long to be changed here, and kept as it is: ${names(tooLong)}.`] : []),
    ...(noRoom.length > 0 ? [`This form has no room for the following, which stay as they are: ${names(noRoom)}.`] : []),
    ...(noRoom.length > 0 && hasMore ? ['To change one of them, write it under More parameters.'] : []),
  ];
}

/** The fields' blocks and these stay below Slack's 100. */
const SECTIONS = 30;

function inSections(text: string) {
  const parts = text.match(/[\s\S]{1,2900}(?=\s|$)|[\s\S]{1,2900}/g) ?? [' '];
  const shown = parts.length > SECTIONS ? [...parts.slice(0, SECTIONS - 1), '… and more.'] : parts;
  return shown.map((part) => ({ type: 'section' as const, text: { type: 'plain_text' as const, text: part.trim() || ' ', emoji: false } }));
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
