import { unescapeSlack } from '../text/links.ts';

/** Blocks come over the wire as anything; these read a value without trusting it, so that a malformed block shows what it can. */

export type Json = { [key: string]: unknown };

export function record(value: unknown): Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {};
}

export function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

export function string(value: unknown): string {
  return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : '';
}

export function number(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}

/** The characters of a text object as they are shown: Slack's three escapes hold in every kind of text, plain and rich. */
export function shownText(value: unknown): string {
  return unescapeSlack(textOf(value));
}

/** The characters of a text object as they were posted. */
export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : string(record(value).text);
}
