/** So many failures within so long open a breaker. */
const FAILURES = 5;
const WITHIN_MS = 30_000;
/** How long it stays open before one caller may probe: doubling, up to the longest. */
const FIRST_MS = 5_000;
const LONGEST_MS = 120_000;

type State = { failures: number[]; open: { since: number; until: number; probes: number; probing: boolean } | null };

/**
 * A breaker for each upstream, for one process: while an upstream is down, sessions sleep instead of failing one by one, and one call at a time finds out
 * whether it is back. Announced waits (429 with a time) are no failures. Times in ms; `now` is given, so that it can be tried in a table.
 */
export type Breakers = {
  /** How long to wait before this upstream may be asked; 0 means go, and where the breaker is half open takes the probe. */
  wait(upstream: string, now: number): number;
  failed(upstream: string, now: number): void;
  worked(upstream: string): void;
  isOpen(upstream: string): boolean;
  /** A person wants it asked now: the next caller may, unless somebody is asking. */
  hurry(upstream: string, now: number): void;
  /** Upstreams that are not asked at present, and since when. */
  open(): { upstream: string; since: number }[];
};

export function makeBreakers(): Breakers {
  const states = new Map<string, State>();
  const of = (upstream: string): State => {
    const state = states.get(upstream) ?? { failures: [], open: null };
    states.set(upstream, state);
    return state;
  };
  return {
    wait(upstream, now) {
      const open = states.get(upstream)?.open;
      if (!open) return 0;
      if (now < open.until) return open.until - now;
      // A probe that never came back must not keep the breaker shut for good.
      if (open.probing && now < open.until + LONGEST_MS) return FIRST_MS;
      open.probing = true;
      return 0;
    },
    failed(upstream, now) {
      const state = of(upstream);
      if (state.open) {
        const probes = state.open.probes + 1;
        state.open = { since: state.open.since, until: now + Math.min(LONGEST_MS, FIRST_MS * 2 ** probes), probes, probing: false };
        return;
      }
      state.failures = [...state.failures.filter((at) => at > now - WITHIN_MS), now];
      if (state.failures.length >= FAILURES) state.open = { since: now, until: now + FIRST_MS, probes: 0, probing: false };
    },
    worked(upstream) {
      states.delete(upstream);
    },
    isOpen: (upstream) => (states.get(upstream)?.open ?? null) !== null,
    hurry(upstream, now) {
      const open = states.get(upstream)?.open;
      if (open && !open.probing) open.until = Math.min(open.until, now);
    },
    open: () => [...states].flatMap(([upstream, { open }]) => (open ? [{ upstream, since: open.since }] : [])),
  };
}
