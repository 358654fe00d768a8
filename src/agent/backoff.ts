/** The longest wait we choose ourselves; what an upstream announces may be longer. */
const LONGEST_MS = 5 * 60_000;

/** Failures in a row after which a person is asked, while others get answers; or, where they are far apart, after so long. */
const TRIES = 10;
const FAILING_MS = 30 * 60_000;

/** How long it was tried, as a sentence, where that is enough and a person is asked; null while it is tried again. */
export function givenUp(attempt: number, failingMs: number): string | null {
  if (attempt >= TRIES) return `Tried ${attempt} times.`;
  return failingMs >= FAILING_MS ? `Tried ${attempt} times in ${Math.round(failingMs / 60_000)} minutes.` : null;
}

/** When to try again: what the upstream said, else full jitter under a doubling bound. `random` in [0, 1). */
export function retryAt(now: number, attempt: number, retryAfterMs: number | null, random: number): string {
  const wait = retryAfterMs ?? 250 + random * Math.min(LONGEST_MS, 1_000 * 2 ** attempt);
  return new Date(now + wait).toISOString();
}

/** When (ms) to look again at an upstream that is away for another `waitMs`: those who wait for it do not all come back in the same moment. */
export function spread(now: number, waitMs: number, random: number): number {
  return Math.round(now + waitMs + random * Math.max(5_000, waitMs / 2));
}
