import { isRecord } from '../../policy/is-record.ts';
import type { Session } from '../../session/state.ts';
import { type Bit, link, t } from './rich.ts';
import { outcomeOf } from './words.ts';

/** Where our own clients put a URL into a result: at its top, in a report of a run, or among a comparison's links. */
const KEYS = ['run_url', 'url', 'html_url', 'permalink', 'panel_url'];

/** The pages this session has seen, each with a short name: from stored results of our own clients, never from the model's words. */
export function knownLinks(s: Session): ReadonlyMap<string, string> {
  const known = new Map<string, string>();
  const take = (from: unknown) => {
    const data = isRecord(from) ? from : {};
    for (const key of KEYS) if (isUrl(data[key])) known.set(data[key], nameOf(key, data, data[key]));
  };
  for (const call of s.calls.values()) {
    const data = outcomeOf(call)?.data ?? {};
    take(data);
    for (const report of Array.isArray(data['runs']) ? data['runs'].slice(0, 50) : []) take(report);
    for (const url of Object.values(isRecord(data['links']) ? data['links'] : {})) if (isUrl(url)) known.set(url, nameOf('run_url', {}, url));
  }
  return known;
}

/** Text in which the pages we know have become short links; everything else stays the text it is. */
export function linked(text: string, known: ReadonlyMap<string, string>): Bit[] {
  // The longest first: one page's address may be another's beginning.
  const urls = [...known.keys()].filter((url) => text.includes(url)).sort((a, b) => b.length - a.length);
  const at = urls.map((url) => ({ url, from: text.indexOf(url) })).sort((a, b) => a.from - b.from || b.url.length - a.url.length)[0];
  if (!at) return text === '' ? [] : [t(text)];
  const { url, from } = at;
  const before = text.slice(0, from);
  return [...(before === '' ? [] : [t(before)]), link(url, nameAfter(before, known.get(url) ?? url)), ...linked(text.slice(from + url.length), known)];
}

/** "New run: run 7" says it twice. */
function nameAfter(before: string, name: string): string {
  const [kind = '', id] = name.split(/ (?=\S+$)/);
  return id &&
    before
      .toLowerCase()
      .replace(/[:\s]+$/, '')
      .endsWith(kind)
    ? id
    : name;
}

function nameOf(key: string, data: Record<string, unknown>, url: string): string {
  if (key === 'permalink') return 'the post';
  if (key === 'panel_url') return 'the panel';
  if (typeof data['number'] === 'number') return `pull request #${data['number']}`;
  const run = typeof data['run_id'] === 'string' ? data['run_id'] : (url.match(/\/runs?\/([0-9a-f]+)/)?.[1] ?? '');
  return run === '' ? 'the page' : `run ${run.length > 16 ? run.slice(0, 8) : run}`;
}

function isUrl(value: unknown): value is string {
  return typeof value === 'string' && value.length <= 2_000 && /^https?:\/\/\S+$/.test(value);
}
