import { safeUrl, unescapeSlack } from './links.ts';
import type { Inline } from './nodes.ts';

/** What stands between `<` and `>` in Slack's text: a mention, a date or a link. Null when it is none of these and so is ordinary text. */
export function angleToken(inside: string): Inline | null {
  const bar = inside.indexOf('|');
  const target = bar < 0 ? inside : inside.slice(0, bar);
  const label = bar < 0 ? null : unescapeSlack(inside.slice(bar + 1)) || null;
  const id = target.slice(1);
  if (/^@[UWB][A-Z0-9]+$/.test(target)) return { kind: 'user', id, label };
  if (/^#C[A-Z0-9]+$/.test(target)) return { kind: 'channel', id, label };
  const group = /^!subteam\^(S[A-Z0-9]+)$/.exec(target)?.[1];
  if (group) return { kind: 'group', id: group, label };
  if (/^!(here|channel|everyone)$/.test(target)) return { kind: 'broadcast', range: id };
  if (target.startsWith('!date^')) return dateToken(target, label);
  const url = safeUrl(unescapeSlack(target));
  if (!url) return null;
  return { kind: 'link', url, children: [{ kind: 'text', text: label ?? url.replace(/^mailto:/, '') }] };
}

/** `<!date^1700000000^{date_num} {time}^link|fallback>` as words of the reader's own clock. */
function dateToken(target: string, fallback: string | null): Inline {
  const [, seconds = '', format = '{date} {time}', link = ''] = target.split('^');
  const text = formatSlackDate(Number(seconds), format) ?? fallback ?? target;
  const url = safeUrl(link);
  return url ? { kind: 'link', url, children: [{ kind: 'text', text }] } : { kind: 'text', text };
}

/** Slack's date placeholders filled in, or null when the time is not a number. Local time zone, as in Slack. */
export function formatSlackDate(seconds: number, format: string): string | null {
  const when = new Date(seconds * 1000);
  if (Number.isNaN(when.getTime())) return null;
  const date = (style: Intl.DateTimeFormatOptions) => when.toLocaleDateString(undefined, style);
  const shapes: Record<string, () => string> = {
    date_num: () => when.toISOString().slice(0, 10),
    date_slash: () => date({ day: '2-digit', month: '2-digit', year: 'numeric' }),
    date_long: () => date({ weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' }),
    date_short: () => date({ day: 'numeric', month: 'short', year: 'numeric' }),
    date: () => date({ day: 'numeric', month: 'long', year: 'numeric' }),
    time_secs: () => when.toLocaleTimeString(),
    time: () => when.toLocaleTimeString(undefined, { hour: 'numeric', minute: '2-digit' }),
    ago: () => when.toLocaleString(),
  };
  return format.replace(/\{(\w+)\}/g, (whole, name: string) => shapes[name.replace(/_pretty$/, '')]?.() ?? whole);
}
