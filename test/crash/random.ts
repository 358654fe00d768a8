/** Chance that can be repeated: mulberry32. */
export type Random = { next(): number; pick<T>(of: readonly T[]): T };

export function seeded(seed: number): Random {
  let a = seed >>> 0;
  const next = () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
  return { next, pick: (of) => of[Math.floor(next() * of.length)] as (typeof of)[number] };
}
