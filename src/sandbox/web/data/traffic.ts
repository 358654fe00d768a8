import type { Traffic } from '../../control-types.ts';
import { list, record, string } from '../blocks/json.ts';
import { unescapeSlack } from '../text/links.ts';

export type Service = Traffic['with'];
export const SERVICES: Service[] = ['slack', 'claude', 'databricks', 'mlflow', 'grafana', 'github'];

/** Newest first, of the services picked and about one message where one is chosen. */
export function trafficShown(all: Traffic[], services: Set<Service>, message: { ts: string } | null): Traffic[] {
  return all.filter((each) => services.has(each.with) && (message === null || isAbout(each, message.ts))).toReversed();
}

/** True where the message's ts stands in the exchange as the message itself; as a thread_ts it would be true of every reply. */
export function isAbout(traffic: Traffic, ts: string): boolean {
  return names(traffic.body, ts, '') || names(traffic.answer, ts, '');
}

function names(value: unknown, ts: string, key: string): boolean {
  if (typeof value === 'string') return value === ts && key !== 'thread_ts' && key !== 'threadTs';
  if (Array.isArray(value)) return value.some((each) => names(each, ts, key));
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(value).some(([name, each]) => names(each, ts, name));
}

/** What an exchange is about in a few words, where its path alone doesn't say: the event, the button, the message's first words. */
export function gist({ body }: Traffic): string {
  const sent = record(body);
  const payload = record(sent.payload);
  const event = record(payload.event);
  const action = record(list(payload.actions)[0]);
  const words = [
    string(event.subtype) || string(event.type),
    string(payload.command) && `${string(payload.command)} ${string(payload.text)}`,
    string(action.action_id),
    string(payload.callback_id) || string(record(payload.view).callback_id),
    string(sent.text),
  ];
  const first = words.find((each) => each !== '') ?? '';
  return unescapeSlack(first.split('\n')[0] ?? '').slice(0, 160);
}

/** How an exchange went, for its colour. */
export function outcome(traffic: Traffic): 'ok' | 'failed' | 'open' {
  if (traffic.status === undefined) return 'open';
  const refused = (traffic.answer as { ok?: unknown } | null | undefined)?.ok === false;
  return traffic.status >= 400 || traffic.status === 0 || refused ? 'failed' : 'ok';
}
