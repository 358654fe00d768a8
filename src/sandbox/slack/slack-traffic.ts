import type { Traffic } from '../control-types.ts';
import { isJson } from './messages.ts';

export type SlackTraffic = (seen: Omit<Traffic, 'n' | 'at' | 'with'>) => void;

/** Takes the credentials out of what the traffic pane shows. */
export function withoutSecrets(report: SlackTraffic): SlackTraffic {
  return (seen) => report({ ...seen, body: scrub(seen.body), ...(seen.answer === undefined ? {} : { answer: scrub(seen.answer) }) });
}

function scrub(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(scrub);
  if (!isJson(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, v]) => [key, key === 'token' && typeof v === 'string' ? '…' : scrub(v)]));
}
