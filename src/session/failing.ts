/**
 * How long the tries of a step have failed, in ms of the server: `ms` until the last one, and `since` when another one fails that nobody announced. The waits that
 * a backend announces and the time behind an open breaker are in neither.
 */
export type Failing = { ms: number; since: number | null };

/** How long that is by now. */
export function failingMs(failing: Failing | undefined, now: number): number {
  return failing ? failing.ms + (failing.since === null ? 0 : now - failing.since) : 0;
}

/** One more stored wait, at `m`. An announced one uses up no try; with one behind a breaker nobody knows since when it was open, so nothing counts until the next try. */
export function failsOn(before: Failing | undefined, wait: { attempt: number; outage?: boolean | undefined }, attempts: number, m: number): Failing {
  if (wait.outage) return { ms: before?.ms ?? 0, since: null };
  return { ms: failingMs(before, m), since: wait.attempt > attempts ? m : null };
}
