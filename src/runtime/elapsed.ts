import { performance } from 'node:perf_hooks';

/** Both clocks of this machine as they stand now, in ms. */
export const clocks = () => ({ machine: performance.now(), wall: Date.now() });

/** Ms since then. A monotonic clock stands still while a machine is suspended, and the other can be set: where they disagree, more time has passed. */
export const since = (then: ReturnType<typeof clocks>) => Math.max(performance.now() - then.machine, Date.now() - then.wall);
