import { createHash } from 'node:crypto';

/** How tools of mounted servers are called: `mcp__server__tool`, in the letters and the length that models take. */

const LONGEST = 64;
const PREFIX = 'mcp__';

/** A server's name as part of its tools' names: never with the two underscores that end it. */
export function serverKey(server: string): string {
  return server
    .replace(/[^A-Za-z0-9-]+/g, '_')
    .replace(/^_+|_+$/g, '')
    .slice(0, 24)
    .replace(/_+$/, '');
}

/** A tool's name here. One that has to be altered ends in digits of its own name's hash, so that two that look alike stay two. */
export function mountedName(key: string, tool: string): string {
  const whole = `${mountedPrefix(key)}${tool}`;
  if (whole.length <= LONGEST && /^[A-Za-z0-9_-]+$/.test(tool)) return whole;
  const digits = createHash('sha256').update(tool).digest('hex').slice(0, 8);
  const letters = tool.replace(/[^A-Za-z0-9_-]+/g, '_');
  const begun = `${mountedPrefix(key)}${letters}`.slice(0, LONGEST - 9);
  return `${begun}_${digits}`;
}

export function isMounted(tool: string): boolean {
  return tool.startsWith(PREFIX);
}

/** How the names of all tools of a server begin. */
export function mountedPrefix(key: string): string {
  return `${PREFIX}${key}__`;
}

/** A mounted tool's name, taken apart; null for any other name. */
export function partsOf(tool: string): { key: string; name: string } | null {
  const [, key, name] = /^mcp__(.+?)__(.+)$/.exec(tool) ?? [];
  return key === undefined || name === undefined ? null : { key, name };
}

/** Whether a glob of a rule matches any text at all that begins so. */
export function couldMatch(glob: string, beginning: string): boolean {
  if (beginning === '') return true;
  if (glob === '') return false;
  const [first, ...rest] = glob;
  if (first === '*') return true;
  if (first !== '?' && first?.toLowerCase() !== beginning[0]?.toLowerCase()) return false;
  return couldMatch(rest.join(''), beginning.slice(1));
}
