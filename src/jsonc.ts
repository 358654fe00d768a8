import { keyTwice } from './key-twice.ts';

/**
 * JSON with comments and trailing commas -> the value. Comments are blanked out, not cut, so that a syntax error names the right place.
 * Throws a SyntaxError that says line, column and what is wrong there; a key that stands twice in an object is wrong, too.
 */
export function parseJsonc(text: string): unknown {
  const plain = text
    .replace(/^\uFEFF/, ' ')
    .replace(/"(?:[^"\\\n]|\\.)*"|\/\/[^\n]*|\/\*[\s\S]*?\*\//g, (part) => (part.startsWith('"') ? part : part.replace(/[^\n]/g, ' ')))
    .replace(/"(?:[^"\\\n]|\\.)*"|,(?=\s*[}\]])/g, (part) => (part === ',' ? ' ' : part));
  let value: unknown;
  try {
    value = JSON.parse(plain);
  } catch (cause) {
    const words = wordsOf(cause);
    const at = positionOf(words, plain);
    // Not what the engine quotes of the text: there may be a secret in it.
    const [fault = ''] = /^.+?(?=, ["\u2026.]| in JSON|$)/.exec(words) ?? [];
    const found = fault.startsWith('Expected') ? `, found ${at < plain.length ? `'${plain[at]}'` : 'nothing more'}` : '';
    throw new SyntaxError(`is not valid JSON at ${placeOf(plain, at)}: ${fault.charAt(0).toLowerCase()}${fault.slice(1)}${found}`, { cause });
  }
  const twice = keyTwice(plain);
  if (twice !== null) throw new SyntaxError(twice);
  return value;
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Where the fault is. Of an unexpected token the engine does not say: it is the last letter of the shortest beginning in which there is one already. */
function positionOf(words: string, text: string): number {
  const named = /at position (\d+)/.exec(words)?.[1];
  if (named !== undefined) return Number(named);
  if (!words.startsWith(UNEXPECTED)) return text.length;
  let [without, having] = [0, text.length];
  while (having - without > 1) {
    const middle = (without + having) >> 1;
    if (hasUnexpected(text.slice(0, middle))) having = middle;
    else without = middle;
  }
  return without;
}

const UNEXPECTED = 'Unexpected token';

function hasUnexpected(text: string): boolean {
  try {
    JSON.parse(text);
    return false;
  } catch (error) {
    return wordsOf(error).startsWith(UNEXPECTED);
  }
}

function placeOf(text: string, position: number): string {
  const before = text.slice(0, position).split('\n');
  return `line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`;
}
