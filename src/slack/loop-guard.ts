/** So many experiments a thread may open by replies within a minute. */
const MOST = 5;
const MINUTE_S = 60;

/** Says that a thread opens one experiment after the other faster than people do: two machines answer each other there, each time for the price of a model's turn. */
export type Loops = (thread: string, ts: string) => boolean;

/** Counts posts by their own time, so that one which is delivered twice counts once. */
export function loopGuard(): Loops {
  const seen = new Map<string, string[]>();
  return (thread, ts) => {
    if (seen.size > 10_000) seen.clear();
    const recent = (seen.get(thread) ?? []).filter((t) => Math.abs(Number(ts) - Number(t)) < MINUTE_S);
    if (recent.includes(ts)) return false;
    if (recent.length >= MOST) return true;
    seen.set(thread, [...recent, ts]);
    return false;
  };
}
