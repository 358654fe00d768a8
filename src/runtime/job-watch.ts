import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import { z } from 'zod';
import { type Tripwire, tripwireSchema } from '../session/events.ts';
import { runNames } from '../session/run-names.ts';
import { type Logged, tripped, trippedFacts } from '../session/tripwire.ts';
import type { Command, Deliver } from './commands.ts';
import type { Keys } from './keys.ts';
import { nudged } from './nudge.ts';
import { progressOf, type RunState } from './progress.ts';
import { BrokenChain } from './read-line.ts';
import { timeAt } from './redis.ts';

/** Asks the backends about many runs at once; a run they do not know any more is missing from the answer. */
export type PollRuns = (runs: { runId: string; metrics: string[] }[]) => Promise<Map<string, RunState>>;

/** One parked wait of one session. */
export type Wait = {
  session: string;
  call: string;
  parkedAt: string;
  runIds: string[];
  until: 'all' | 'any';
  conditions: Tripwire[];
  metric: string | null;
};

type Wake = Extract<Command, { do: 'wake' }>;

const FIRST_MS = 1_000;
const LONGEST_MS = 30_000;
/** A progress nobody has written for so long is of no use to anybody. */
const PROGRESS_KEPT_S = 86_400;
const waitSchema = z.object({
  run_ids: z.array(z.string()),
  until: z.enum(['all', 'any']),
  conditions: z.array(tripwireSchema).catch([]),
  metric: z.string().nullable().catch(null),
});

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
  now?: () => number;
}): {
  stop(): void;
} {
  const { redis, keys } = deps;
  const clock = deps.now ?? Date.now;
  const me = randomUUID();
  const pace = new Map<string, { at: number; every: number }>();
  /** The last that was seen of each run somebody waits for; null is a run that is gone. */
  const known = new Map<string, RunState | null>();
  const looked = new Set<string>();
  const woken = new Set<string>();
  const shown = new Map<string, string>();
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;

  const round = async () => {
    try {
      if (await mine()) await watch();
    } catch (error) {
      deps.failed(error);
    }
    if (!stopped) timer = setTimeout(() => void round(), deps.everyMs ?? 500);
  };

  /** Ours, or free to take. */
  const mine = async () => {
    if ((await redis.set(keys.watch, me, 'PX', 5_000, 'NX')) === 'OK') return true;
    if ((await redis.get(keys.watch)) !== me) return false;
    await redis.pexpire(keys.watch, 5_000);
    return true;
  };

  const watch = async () => {
    const waits = parseWaits(await redis.hgetall(keys.waits));
    forget(waits);
    if (await nudged(redis, keys)) pace.clear();
    const now = clock();
    // What has ended stays ended: it is not asked about again while others are waited for.
    const asked = wantedOf(waits).filter(({ runId }) => !known.get(runId)?.terminal && known.get(runId) !== null && (pace.get(runId)?.at ?? 0) <= now);
    if (asked.length > 0) {
      const states = await deps.poll(asked);
      for (const { runId } of asked) {
        known.set(runId, states.get(runId) ?? null);
        const every = Math.min(LONGEST_MS, (pace.get(runId)?.every ?? FIRST_MS / 1.3) * 1.3);
        pace.set(runId, { at: now + every * (0.9 + Math.random() * 0.2), every });
      }
    }
    const fresh = new Set(asked.map((a) => a.runId));
    const told = new Set<string>();
    for (const wait of waits) {
      if (looked.has(nameOf(wait)) && !wait.runIds.some((run) => fresh.has(run))) continue;
      looked.add(nameOf(wait));
      try {
        if (await wake(wait)) for (const run of wait.runIds) told.add(run);
        await keepProgress(wait, now);
      } catch (error) {
        // One session that can't be woken must not keep the others asleep. It is tried again when its runs are looked at next.
        for (const run of wait.runIds) told.add(run);
        deps.failed(error);
      }
    }
    // Who is told of an end and waits again found that it was none: such a run is asked about anew, in its time, or the two would go round for ever.
    for (const run of told) if (known.get(run)?.terminal ?? true) known.delete(run);
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
      woken.add(key);
      if (delivered.is === 'closed' || delivered.is === 'unknown') await leave(wait);
    }
    return wakes.length > 0;
  };

  const leave = ({ session, call }: Wait) => redis.hdel(keys.waits, `${session} ${call}`);

  /** Writes down what a reader of the thread would see changed, and has the thread looked at. */
  const keepProgress = async (wait: Wait, now: number) => {
    const seen = wait.runIds.flatMap((runId) => {
      const state = known.get(runId);
      return state ? [{ runId, state, parameters: state.parameters ?? {} }] : [];
    });
    const names = runNames(seen);
    const changed: string[] = [];
    for (const { runId, state } of seen) {
      const text = JSON.stringify(progressOf(runId, names.get(runId) ?? runId, state, now));
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
    for (const set of [looked, woken, shown]) for (const name of set.keys()) if (!names.has(name.split(' ', 3).join(' '))) set.delete(name);
  };

  void round();
  return {
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}

/** What this wait is to be told now. Pure. */
export function wakesOf(wait: Wait, known: ReadonlyMap<string, RunState | null>): { key: string; command: Wake }[] {
  const { session, call } = wait;
  const wakes: { key: string; command: Wake }[] = [];
  const add = (key: string, why: Wake['why'], data: Record<string, unknown>) =>
    wakes.push({ key: `${nameOf(wait)} ${key}`, command: { do: 'wake', session, call, why, data } });
  for (const [i, condition] of wait.conditions.entries()) {
    const found = wait.runIds.flatMap((runId): { runId: string; at: Logged }[] => {
      const { histories, terminal = false } = known.get(runId) ?? {};
      const at = tripped(condition, histories?.[condition.metric] ?? [], terminal);
      return at ? [{ runId, at }] : [];
    })[0];
    if (found) add(`tripwire ${i}`, 'tripwire', trippedFacts(condition, found.runId, found.at));
  }
  // A run that is gone will never finish: the tool is asked again and says so.
  const over = (run: string) => known.has(run) && (known.get(run)?.terminal ?? true);
  if (wait.until === 'all' ? wait.runIds.every(over) : wait.runIds.some(over))
    add('job', 'job', { runs: wait.runIds.map((run) => ({ run_id: run, status: known.get(run)?.status ?? (known.has(run) ? 'GONE' : 'UNKNOWN') })) });
  return wakes;
}

function wantedOf(waits: readonly Wait[]): { runId: string; metrics: string[] }[] {
  const wanted = new Map<string, Set<string>>();
  for (const wait of waits) {
    for (const run of wait.runIds) {
      const metrics = wanted.get(run) ?? new Set();
      for (const metric of [...(wait.metric ? [wait.metric] : []), ...wait.conditions.map((c) => c.metric)]) metrics.add(metric);
      wanted.set(run, metrics);
    }
  }
  return [...wanted].map(([runId, metrics]) => ({ runId, metrics: [...metrics] }));
}

/** A wait that is parked anew is another one. */
function nameOf({ session, call, parkedAt }: Wait): string {
  return `${session} ${call} ${parkedAt}`;
}

function parseWaits(all: Record<string, string>): Wait[] {
  return Object.entries(all).flatMap(([field, value]) => {
    const [session = '', call = ''] = field.split(' ');
    const at = value.indexOf(' ');
    const parsed = waitSchema.safeParse(JSON.parse(value.slice(at + 1)));
    if (!parsed.success) return [];
    const { run_ids, until, conditions, metric } = parsed.data;
    return [{ session, call, parkedAt: value.slice(0, at), runIds: run_ids, until, conditions, metric }];
  });
}
