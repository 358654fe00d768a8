/** An answer that took longer says too little of when Redis wrote the time into it. Below the shortest time in which a delivery has to be stored. */
const QUICK_MS = 250;

/** Redis' clock, as of its answers. Monotonic in between: a jump of this machine's clock moves nothing. `machine` in ms, since whenever. */
export function redisClock(machine = () => performance.now()) {
  let offset: number | null = null;
  let heardAt = Number.NEGATIVE_INFINITY;
  return {
    machine,

    now: (): number => Math.round(machine() + (offset ?? Date.now() - machine())),

    /** An answer that has just come and holds Redis' time, in whole ms, to what was asked at `asked` by `machine`. */
    heard(ms: number, asked: number): void {
      const at = machine();
      // Somewhere between the two Redis looked at its clock. What is held is kept where it fits, so that an answer that was on its way for long moves nothing.
      const fits = offset !== null && offset >= ms - at && offset <= ms + 1 - asked;
      if (!fits) offset = ms - at;
      if (at - asked <= QUICK_MS) heardAt = at;
    },

    /** Whether it was heard of, reliably, in the last `ms`. */
    isFresh: (ms: number): boolean => machine() - heardAt < ms,
  };
}
