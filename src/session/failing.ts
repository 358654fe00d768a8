/**
 * How long the tries of a step have failed, in ms of the server: `ms` until the last one, and `since` when another one fails that nobody announced, until when at
 * the latest. The waits that a backend announces and the time behind an open breaker are in neither; nor is the time in which labmate itself did not run.
 */
export type Failing = { ms: number; since: { from: number; until: number } | null };

/** No try takes longer: what comes later was begun later, because nobody was there to begin it in time. */
const LONGEST_TRY_MS = 10 * 60_000;

/** How long that is by now. */
export function failingMs(failing: Failing | undefined, now: number): number {
  if (!failing) return 0;
  const { ms, since } = failing;
  return since ? ms + Math.min(now, since.until) - since.from : ms;
}

/** One more stored wait, at `m`. An announced one uses up no try; with one behind a breaker nobody knows since when it was open, so nothing counts until the next try. */
export function failsOn(
  before: Failing | undefined,
  wait: { attempt: number; at: string; outage?: boolean | undefined },
  attempts: number,
  m: number,
): Failing {
  if (wait.outage) return { ms: before?.ms ?? 0, since: null };
  const since = { from: m, until: Math.max(m, Date.parse(wait.at)) + LONGEST_TRY_MS };
  return { ms: failingMs(before, m), since: wait.attempt > attempts ? since : null };
}

/** An upstream that says "in a year" is not believed. */
const LONGEST_ANNOUNCED_MS = 24 * 3_600_000;

/** What an upstream's Retry-After is worth: null where it names no time to speak of, so that "at once, again and again" counts as failing. */
export function announced(retryAfterMs: number | null): number | null {
  return retryAfterMs === null || !(retryAfterMs >= 1_000) ? null : Math.min(retryAfterMs, LONGEST_ANNOUNCED_MS);
}
