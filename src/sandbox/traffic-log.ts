import type { Traffic } from './control-types.ts';

/** More is not kept: it is for looking on, and a long session must not fill the memory. */
const most = 2000;

export type TrafficLog = { add(from: Traffic['with'], seen: Omit<Traffic, 'n' | 'at' | 'with'>): void; since(n: number): Traffic[] };

/** Every exchange between the product and the stand-ins, numbered, newest last. */
export function createTrafficLog(): TrafficLog {
  let last = 0;
  let kept: Traffic[] = [];
  return {
    add(from, seen) {
      last += 1;
      kept.push({ n: last, at: Date.now(), with: from, ...seen });
      if (kept.length > most * 1.2) kept = kept.slice(-most);
    },
    since: (n) => kept.filter((seen) => seen.n > n),
  };
}
