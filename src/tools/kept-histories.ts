export type Point = { step: number; value: number };

/** Of all histories together; one takes some 60 bytes of memory. */
const MOST_POINTS = 400_000;
/** Longer than the longest pace at which a run is asked about. */
const UNASKED_MS = 120_000;

/** What was read of the runs that are asked about. It goes when nobody asks any more, or where there is too much of it: what was asked about longest ago first. */
export function keptHistories(now: () => number) {
  const kept = new Map<string, { upTo: string; points: Point[]; at: number }>();
  let size = 0;

  function forget(key: string): void {
    size -= kept.get(key)?.points.length ?? 0;
    kept.delete(key);
  }

  function keep(key: string, upTo: string, points: Point[]): void {
    forget(key);
    kept.set(key, { upTo, points, at: now() });
    size += points.length;
    for (const [oldest, { at }] of kept) {
      if (size <= MOST_POINTS && at > now() - UNASKED_MS) break;
      forget(oldest);
    }
  }

  return {
    keep,
    get(key: string, upTo: string): Point[] | null {
      const one = kept.get(key);
      if (one?.upTo !== upTo) return null;
      keep(key, upTo, one.points);
      return one.points;
    },
    drop(run: string): void {
      for (const key of kept.keys()) if (key.startsWith(`${run} `)) forget(key);
    },
  };
}
