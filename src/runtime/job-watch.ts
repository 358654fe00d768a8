import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import { runNames } from '../session/run-names.ts';
import type { Deliver } from './commands.ts';
import type { Keys } from './keys.ts';
import { nudged } from './nudge.ts';
import { progressOf, type RunState, UNREADABLE } from './progress.ts';
import { BrokenChain } from './read-line.ts';
import { holdAlone, timeAt } from './redis.ts';
import { isOver, nameOf, parseWaits, type Wait, wakesOf, wantedOf } from './waits.ts';

/** Asks the backends about many runs at once. Null is a run that was asked about in vain; one that is missing was not come to, as its backend is away. */
export type PollRuns = (runs: { runId: string; metrics: string[] }[]) => Promise<Map<string, RunState | null>>;

const FIRST_MS = 1_000;
const LONGEST_MS = 30_000;
/**
 * Whoever still waits so long after being woken is looked at as if they had just come: a failover may have lost the wake. One that is still there makes this a duplicate,
 * by its key. Each time after twice as long: a call that is parked until its backend is back still stands among the waits, and its run is read for nothing.
 */
const AGAIN_MS = 60_000;
const AGAIN_LONGEST_MS = 30 * 60_000;
/** A progress nobody has written for so long is of no use to anybody. */
const PROGRESS_KEPT_S = 86_400;

/**
 * Watches the training runs that sessions wait for: each run once, however many wait for it, ever more slowly, without a model and without a session held. It wakes
 * those whose runs have ended or whose conditions came true, and keeps how far the others are, for their threads.
 * One process at a time does it; when it dies another takes over.
 */
export function startJobWatch(deps: {
  redis: Redis;
  keys: Keys;
  poll: PollRuns;
  deliver: Deliver;
  failed: (error: unknown) => void;
  everyMs?: number;
  /** Ms of a clock that nobody sets back. */
  ticks?: () => number;
}): {
  stop(): void;
} {
  const { redis, keys } = deps;
  const ticks = deps.ticks ?? (() => performance.now());
  const me = randomUUID();
  const pace = new Map<string, { at: number; every: number }>();
  const paceOf = (run: string) => pace.get(run) ?? { at: 0, every: FIRST_MS / 1.3 };
  /** The last that was seen of each run somebody waits for; what it logged is left out again once all who wait for it were told. */
  const known = new Map<string, RunState>();
  const looked = new Set<string>();
  /** Each wake that was delivered, and when. */
  const woken = new Map<string, number>();
  /** After how long each is given again. */
  const again = new Map<string, number>();
  const shown = new Map<string, string>();
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;

  const round = async () => {
    try {
      if (await holdAlone(redis, keys.watch, me, 5_000)) await watch();
    } catch (error) {
      deps.failed(error);
    }
    if (!stopped) timer = setTimeout(() => void round(), deps.everyMs ?? 500);
  };

  const watch = async () => {
    const waits = parseWaits(await redis.hgetall(keys.waits));
    forget(waits);
    // Now, and then at the pace that each had: a hook for each of many runs must not have all of them asked about all the time.
    if (await nudged(redis, keys)) for (const [run, { every }] of pace) pace.set(run, { at: 0, every });
    for (const wait of waits) {
      if (looked.has(nameOf(wait))) continue;
      looked.add(nameOf(wait));
      // What is known of its runs was read for others, with other conditions: they are asked about now.
      for (const run of wait.runIds) if (known.delete(run)) pace.set(run, { ...paceOf(run), at: 0 });
    }
    const fresh = await look(waits);
    const told = new Set<string>();
    for (const wait of waits) {
      if (!wait.runIds.some((run) => fresh.has(run))) continue;
      try {
        if (await wake(wait)) for (const run of wait.runIds) told.add(run);
        await keepProgress(wait, fresh);
      } catch (error) {
        // One session that can't be woken must not keep the others asleep. It is tried again when its runs are looked at next.
        for (const run of wait.runIds) told.add(run);
        deps.failed(error);
      }
    }
    // Who is told of an end and waits again found that it was none: such a run is asked about anew, in its time, or the two would go round for ever.
    for (const run of told) if (isOver(known.get(run))) known.delete(run);
    for (const [run, state] of known) if (fresh.has(run)) known.set(run, { ...state, histories: {} });
  };

  /** Asks about the runs whose time has come, those that have waited longest first. Answers which were seen. */
  const look = async (waits: readonly Wait[]): Promise<Set<string>> => {
    const now = ticks();
    // What has ended stays ended: it is not asked about again while others are waited for.
    const asked = wantedOf(waits)
      .filter(({ runId }) => !known.get(runId)?.terminal && paceOf(runId).at <= now)
      .sort((a, b) => paceOf(a.runId).at - paceOf(b.runId).at);
    const fresh = new Set<string>();
    if (asked.length === 0) return fresh;
    const before = asked.map(({ runId }) => paceOf(runId));
    // Before it is asked: a look that fails is not made again at once.
    for (const { runId } of asked) {
      const every = Math.min(LONGEST_MS, paceOf(runId).every * 1.3);
      pace.set(runId, { at: now + every * (0.9 + Math.random() * 0.2), every });
    }
    const states = await deps.poll(asked);
    for (const [i, { runId }] of asked.entries()) {
      const state = states.get(runId);
      // Not come to: it stays due.
      if (state === undefined) pace.set(runId, before[i] ?? paceOf(runId));
      if (!state) continue;
      known.set(runId, state);
      fresh.add(runId);
    }
    return fresh;
  };

  /** True where it was woken now. */
  const wake = async (wait: Wait): Promise<boolean> => {
    const wakes = wakesOf(wait, known).filter(({ key }) => !woken.has(key));
    for (const { key, command } of wakes) {
      const delivered = await deps.deliver(key, command).catch(async (error: unknown) => {
        // Nobody will ever go on with it, so its runs need no watching.
        if (error instanceof BrokenChain) await leave(wait);
        throw error;
      });
      woken.set(key, ticks());
      again.set(key, Math.min(AGAIN_LONGEST_MS, (again.get(key) ?? AGAIN_MS / 2) * 2));
      if (delivered.is === 'closed' || delivered.is === 'unknown') await leave(wait);
    }
    return wakes.length > 0;
  };

  const leave = ({ session, call }: Wait) => redis.hdel(keys.waits, `${session} ${call}`);

  /** Writes down what a reader of the thread would see changed, and has the thread looked at. */
  const keepProgress = async (wait: Wait, fresh: ReadonlySet<string>) => {
    const seen = wait.runIds.flatMap((runId) => {
      const state = known.get(runId);
      return state && state.status !== UNREADABLE ? [{ runId, state, parameters: state.parameters ?? {} }] : [];
    });
    const names = runNames(seen);
    const changed: string[] = [];
    for (const { runId, state } of seen) {
      if (!fresh.has(runId)) continue;
      const text = JSON.stringify(progressOf(runId, names.get(runId) ?? runId, state, Date.now()));
      const name = `${nameOf(wait)} ${runId}`;
      if (shown.get(name) === text) continue;
      shown.set(name, text);
      changed.push(runId, text);
    }
    if (changed.length === 0) return;
    const at = await timeAt(redis, keys.stale);
    const key = keys.progress(wait.session);
    await redis
      .multi()
      .hset(key, ...changed)
      .expire(key, PROGRESS_KEPT_S)
      .zadd(keys.stale, 'LT', at, wait.session)
      .exec();
  };

  const forget = (waits: readonly Wait[]) => {
    const names = new Set(waits.map(nameOf));
    const runs = new Set(waits.flatMap((w) => w.runIds));
    for (const map of [pace, known]) for (const run of map.keys()) if (!runs.has(run)) map.delete(run);
    for (const set of [looked, woken, again, shown]) for (const name of set.keys()) if (!names.has(waitOf(name))) set.delete(name);
    for (const [key, at] of woken) {
      if (ticks() - at < (again.get(key) ?? AGAIN_MS)) continue;
      woken.delete(key);
      looked.delete(waitOf(key));
    }
  };

  void round();
  return {
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}

/** The name of the wait that a key of it begins with. */
function waitOf(key: string): string {
  return key.split(' ', 3).join(' ');
}
