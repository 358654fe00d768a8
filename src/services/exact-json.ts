/**
 * Parses JSON and keeps integers of 16 digits and more exact, as strings: ids of Databricks are int64 and JSON.parse rounds them.
 * Throws SyntaxError.
 */
export function parseExact(text: string): unknown {
  // A JSON text is checked before it is touched, so that the scan below can trust its strings to be closed.
  const value: unknown = JSON.parse(text);
  if (!/\d{16}/.test(text)) return value;
  let inString = false;
  // Quote by quote: an expression that takes a whole string at once runs out of stack on one of some megabytes.
  const exact = text.replace(/"|\\.|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g, (token) => {
    if (token === '"') inString = !inString;
    return !inString && /^-?\d{16,}$/.test(token) ? `"${token}"` : token;
  });
  return JSON.parse(exact);
}

/** JSON in which a bigint stands as bare digits, the only way to send an int64 from JavaScript. Keys without a value are left out. */
export function stringifyExact(value: unknown): string {
  if (typeof value === 'bigint') return value.toString();
  if (Array.isArray(value)) return `[${value.map((item) => stringifyExact(item ?? null)).join(',')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value) ?? 'null';
  const fields = Object.entries(value).filter(([, field]) => field !== undefined);
  return `{${fields.map(([key, field]) => `${JSON.stringify(key)}:${stringifyExact(field)}`).join(',')}}`;
}
