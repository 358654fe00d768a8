import { dollars, type Prices, spent } from './budget.ts';
import type { Session } from './state.ts';

/** What the model has cost, for the record's last line: by the prices of labmate.json; nothing where it names none. */
export function costFor(s: Session, prices: Readonly<Record<string, Prices>> = {}): { usd?: number } {
  return Object.keys(prices).length === 0 ? {} : { usd: Number(spent(s, prices).toFixed(6)) };
}

/** How much of the model a session has used, in a line for people; null where it was never asked. */
export function costLine(s: Session): string | null {
  const turns = s.replies.filter((r) => !r.host).length;
  if (turns === 0) return null;
  const money = s.ended?.usd === undefined ? '' : `, ${dollars(s.ended.usd)}`;
  return `model: ${turns} ${turns === 1 ? 'turn' : 'turns'}, ${tokensInWords(s.usage)}${money}`;
}

/** What was read from the cache or written to it went in as well, for people as in traces; the service's own `input` is only the rest. */
export function tokensInWords({ input, output, cache_read: read, cache_write: written }: Session['usage']): string {
  const cached = [
    ...(read > 0 ? [`${grouped(read)} from its cache`] : []),
    ...(written > 0 ? [`${grouped(written)} written to ${read > 0 ? 'it' : 'its cache'}`] : []),
  ];
  return `${grouped(input + read + written)} tokens in${cached.length > 0 ? ` (${cached.join(', ')})` : ''}, ${grouped(output)} out`;
}

function grouped(n: number): string {
  return n.toLocaleString('en-US');
}
