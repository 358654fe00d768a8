import { readFileSync } from 'node:fs';

/** This labmate's version, of package.json. */
export function version(): string {
  const found = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string };
  return found.version;
}
