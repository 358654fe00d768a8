import { eventSchema } from './events.ts';

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
  if (typeof type === 'string' && /^[a-z][a-z_]*$/.test(type) && !TYPES.has(type))
    throw new NewerRecord(`it is no event we know (${type}): it needs a newer labmate`);
}

const TYPES: ReadonlySet<string> = new Set(
  eventSchema.options.flatMap((option): string[] => ('options' in option ? option.options.map((o) => o.shape.type.value) : [option.shape.type.value])),
);

/** The place in the chain stands first in a line, in exactly these bytes; whatever its version. */
export function placeOf(line: string, seq: number, prev: string): boolean {
  const version = /^\{"v":[1-9][0-9]*,/.exec(line)?.[0];
  return version !== undefined && line.startsWith(`"seq":${seq},"prev":"${prev}",`, version.length);
}
