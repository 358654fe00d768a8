import { createHash } from 'node:crypto';
import { canonicalJson } from '../policy/digest.ts';
import { visible } from '../policy/outside-text.ts';
import { fitSchema, Unfit } from './foreign-schema.ts';

/** A tool as a mounted server defines it, to the letter: these members are what is pinned. */
export type Definition = {
  name: string;
  title?: string;
  description?: string;
  inputSchema?: unknown;
  outputSchema?: unknown;
  annotations?: unknown;
  /** The server wants the tool called as a task, which is a protocol that is still changing. */
  task?: 'required';
};

/** What a server's annotations claim. They count only where the server is trusted. */
export type Hints = { readOnly: boolean; idempotent: boolean; destructive: boolean };

/** A definition as a model is shown it, or why it is not shown. */
export type Fitted = { fit: true; description: string; schema: Record<string, unknown>; hints: Hints } | { fit: false; why: string };

const MEMBERS = ['name', 'title', 'description', 'inputSchema', 'outputSchema', 'annotations'] as const;
/** Every turn of every session pays for what stands in a definition. */
const MOST_CHARACTERS = 32_000;
const MOST_WORDS = 2_000;

/** What a server listed as one of its tools; a sentence where that is none. */
export function readDefinition(given: unknown): { definition: Definition } | { why: string } {
  if (typeof given !== 'object' || given === null) return { why: 'something that is no tool' };
  const raw = given as Record<string, unknown>;
  const { name } = raw;
  if (typeof name !== 'string' || name === '') return { why: 'a tool without a name' };
  const called = JSON.stringify(visible(name).slice(0, 80));
  if (name.length > 200) return { why: `a tool with an endless name, ${called}…` };
  const pinned = Object.fromEntries(MEMBERS.flatMap((member) => (raw[member] === undefined ? [] : [[member, raw[member]]])));
  const execution = raw['execution'] as { taskSupport?: unknown } | null | undefined;
  const definition = { ...pinned, name, ...(execution?.taskSupport === 'required' ? { task: 'required' as const } : {}) };
  try {
    const { length } = canonicalJson(definition);
    return length <= MOST_CHARACTERS
      ? { definition }
      : { why: `${called}, whose definition is ${length} characters long; at most ${MOST_CHARACTERS} are taken` };
  } catch {
    // A lone surrogate, or nested without end: it has no form that could be pinned.
    return { why: `${called}, whose definition has no one form` };
  }
}

/** What is pinned: SHA-256 over the canonical JSON of all that the server says of the tool. */
export function definitionHash(definition: Definition): string {
  return createHash('sha256').update(canonicalJson(definition)).digest('hex');
}

/** Why nobody can agree to a definition that `holdsSecret`. */
export const HOLDS_SECRET =
  'its definition holds what looks like a credential, which no record may keep, so nobody can agree to it: whoever runs the server has to take it out';

/** `clean` cuts credentials out of text. */
export function holdsSecret(definition: Definition, clean: (text: string) => string): boolean {
  const text = JSON.stringify(definition);
  return clean(text) !== text;
}

/** What of a definition goes to a model: its words made visible and short, its schema with nothing in it that the model's API refuses. */
export function fitted({ description, title, inputSchema, annotations, task }: Definition): Fitted {
  if (task) return { fit: false, why: 'it wants to be called as a task, which labmate does not do: no two versions of the protocol do it alike' };
  try {
    const said = typeof description === 'string' ? description : typeof title === 'string' ? title : '';
    return { fit: true, description: words(said, MOST_WORDS), schema: fitSchema(inputSchema, words), hints: hintsOf(annotations) };
  } catch (error) {
    if (error instanceof Unfit) return { fit: false, why: error.message };
    throw error;
  }
}

function words(text: string, most: number): string {
  const seen = visible(text.toWellFormed());
  return seen.length > most ? `${seen.slice(0, most).toWellFormed()}…` : seen;
}

/** The protocol's own defaults: what says nothing of itself may do anything. */
function hintsOf(annotations: unknown): Hints {
  const given = (typeof annotations === 'object' && annotations !== null ? annotations : {}) as Record<string, unknown>;
  const readOnly = given['readOnlyHint'] === true;
  return { readOnly, idempotent: readOnly || given['idempotentHint'] === true, destructive: !readOnly && given['destructiveHint'] !== false };
}
