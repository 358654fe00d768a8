import type { Session } from './state.ts';

/** Where our own clients put a URL into a result: at its top, in a report of a run, or among a comparison's links. */
const KEYS = ['run_url', 'url', 'html_url', 'permalink', 'panel_url'];

/** The pages this session has seen, each with a short name: from stored results of our own clients, never from the model's words. */
export function knownLinks(s: Session): ReadonlyMap<string, string> {
  const known = new Map<string, string>();
  const take = (from: unknown) => {
    const data = fieldsOf(from);
    for (const key of KEYS) if (isUrl(data[key])) known.set(data[key], nameOf(key, data, data[key]));
  };
  for (const { status } of s.calls.values()) {
    const data = status.is === 'finished' ? (status.outcome.data ?? {}) : {};
    take(data);
    for (const report of Array.isArray(data['runs']) ? data['runs'].slice(0, 50) : []) take(report);
    for (const url of Object.values(fieldsOf(data['links']))) if (isUrl(url)) known.set(url, nameOf('run_url', {}, url));
  }
  return known;
}

function nameOf(key: string, data: Record<string, unknown>, url: string): string {
  if (key === 'permalink') return typeof data['channel_name'] === 'string' ? `the post in #${data['channel_name']}` : 'the post';
  if (key === 'panel_url') return 'the panel';
  if (typeof data['number'] === 'number') return `pull request #${data['number']}`;
  const run = typeof data['run_id'] === 'string' ? data['run_id'] : (url.match(/\/runs?\/([0-9a-f]+)/)?.[1] ?? '');
  return run === '' ? 'the page' : `run ${run.length > 16 ? run.slice(0, 8) : run}`;
}

function isUrl(value: unknown): value is string {
  return typeof value === 'string' && value.length <= 2_000 && /^https?:\/\/\S+$/.test(value);
}

function fieldsOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}
