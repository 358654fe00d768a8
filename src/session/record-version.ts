import { type EventFault, eventSchema } from './events.ts';

/** The version of the lines that are written. Lines of it and of every version before it are read. */
export const RECORD_VERSION = 1;

/**
 * A line that a later labmate wrote. There is nothing wrong with it: during a deploy, and after one that was taken back, such sessions are left alone until
 * somebody who understands them is here. To call them broken would lose them.
 */
export class NewerRecord extends Error {
  override readonly name = 'NewerRecord';
}

/** Throws NewerRecord for a version after ours, or for an event whose type we have never heard of; another error where it is no version at all. */
export function checkVersion({ v, type }: Record<string, unknown>): void {
  if (typeof v !== 'number' || !Number.isSafeInteger(v) || v < 1) throw new Error(`its version is ${v === undefined ? 'missing' : JSON.stringify(v)}`);
  if (v > RECORD_VERSION) throw new NewerRecord(`its version is ${v}, and only version ${RECORD_VERSION} is known here: it needs a newer labmate`);
  if (typeof type === 'string' && WORD.test(type) && !TYPES.has(type)) throw new NewerRecord(`it is no event we know (${type}): it needs a newer labmate`);
}

/**
 * Throws NewerRecord where all that is wrong with an event is a word of a list: another kind of message, of wait or of outcome than we know of. Lists grow with
 * versions, so this is what an event of a later labmate looks like from here; whatever else is wrong with it is a fault of the record.
 */
export function checkWords(raw: unknown, faults: readonly EventFault[]): void {
  const words = faults.map((fault) => (isOfAList(fault) ? at(raw, fault.path) : undefined));
  const [word] = words;
  if (typeof word !== 'string' || !words.every((w) => typeof w === 'string' && WORD.test(w))) return;
  throw new NewerRecord(`its ${faults[0]?.path.join('.')} is "${word}", which is not known here: it needs a newer labmate`);
}

/** How a list writes its words, and an event its type. */
const WORD = /^[a-z][a-z_]*$/;

function isOfAList(fault: EventFault): boolean {
  if (fault.code === 'invalid_value') return fault.values.every((value) => typeof value === 'string');
  return fault.code === 'invalid_union' && fault.errors.length === 0;
}

function at(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (inside, key) => (typeof inside === 'object' && inside !== null ? (inside as Record<PropertyKey, unknown>)[key] : undefined),
    value,
  );
}

const TYPES: ReadonlySet<string> = new Set(
  eventSchema.options.flatMap((option): string[] => ('options' in option ? option.options.map((o) => o.shape.type.value) : [option.shape.type.value])),
);

/** The place in the chain stands first in a line, in exactly these bytes; whatever its version. */
export function placeOf(line: string, seq: number, prev: string): boolean {
  const version = /^\{"v":[1-9][0-9]*,/.exec(line)?.[0];
  return version !== undefined && line.startsWith(`"seq":${seq},"prev":"${prev}",`, version.length);
}
