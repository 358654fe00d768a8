/**
 * JSON with comments and trailing commas -> the value. Comments are blanked out, not cut, so that a syntax error names the right place.
 * Throws a SyntaxError that says line and column.
 */
export function parseJsonc(text: string): unknown {
  const plain = text
    .replace(/^\uFEFF/, ' ')
    .replace(/"(?:[^"\\\n]|\\.)*"|\/\/[^\n]*|\/\*[\s\S]*?\*\//g, (part) => (part.startsWith('"') ? part : part.replace(/[^\n]/g, ' ')))
    .replace(/"(?:[^"\\\n]|\\.)*"|,(?=\s*[}\]])/g, (part) => (part === ',' ? ' ' : part));
  try {
    return JSON.parse(plain);
  } catch (cause) {
    const words = cause instanceof Error ? cause.message : String(cause);
    const position = /at position (\d+)/.exec(words)?.[1];
    const where = position === undefined ? 'at its end' : placeOf(plain, Number(position));
    throw new SyntaxError(`is not valid JSON ${where}`, { cause });
  }
}

function placeOf(text: string, position: number): string {
  const before = text.slice(0, position).split('\n');
  return `at line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`;
}
