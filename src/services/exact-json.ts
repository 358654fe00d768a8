/**
 * Parses JSON and keeps integers of 16 digits and more exact, as strings: ids of Databricks are int64 and JSON.parse rounds them.
 * Throws SyntaxError.
 */
export function parseExact(text: string): unknown {
  // A JSON text is checked before it is touched, so that the scan below can trust its strings to be closed.
  JSON.parse(text);
  return JSON.parse(text.replace(/"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g, (token) => (/^-?\d{16,}$/.test(token) ? `"${token}"` : token)));
}

/** JSON in which a bigint stands as bare digits, the only way to send an int64 from JavaScript. Keys without a value are left out. */
export function stringifyExact(value: unknown): string {
  if (typeof value === 'bigint') return value.toString();
  if (Array.isArray(value)) return `[${value.map((item) => stringifyExact(item ?? null)).join(',')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value) ?? 'null';
  const fields = Object.entries(value).filter(([, field]) => field !== undefined);
  return `{${fields.map(([key, field]) => `${JSON.stringify(key)}:${stringifyExact(field)}`).join(',')}}`;
}
