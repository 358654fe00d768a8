/** So long at most does other work stand back behind people: they may keep coming. */
const STAND_BACK_MS = 1_000;
/** So long after the last has left a crowd counts as gone: it arrives in waves. */
const QUIET_MS = 25;
/** As many as this can be served beside other work without waiting noticeably longer. */
const FEW = 8;

/** Who waits for this process to acknowledge something. Slack gives that three seconds; what nobody waits for stands back meanwhile. */
export type People = ReturnType<typeof makePeople>;

export function makePeople() {
  let waiting = 0;
  let lastLeft = Number.NEGATIVE_INFINITY;
  let quiet: Promise<void> | null = null;

  const anyone = () => waiting > 0 || performance.now() - lastLeft < QUIET_MS;

  async function untilQuiet(): Promise<void> {
    for (const until = performance.now() + STAND_BACK_MS; anyone() && performance.now() < until; ) await new Promise((r) => setTimeout(r, 10));
  }

  /** When nobody waits any more, or a second later at most: all who ask share one wait. */
  async function gone(): Promise<void> {
    if (!anyone()) return;
    quiet ??= untilQuiet().finally(() => {
      quiet = null;
    });
    await quiet;
  }

  return {
    /** Somebody waits from now on, until what it answers is called. */
    comes(): () => void {
      let here = true;
      waiting++;
      return () => {
        if (!here) return;
        here = false;
        waiting--;
        lastLeft = performance.now();
      };
    },
    gone,
    /** Does this at once while few wait, and in a crowd after it. What the process does not live to do must be repaired by somebody else. */
    afterCrowd(work: () => void): void {
      if (waiting <= FEW) work();
      else void gone().then(work);
    },
  };
}
