import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import { z } from 'zod';
import type { Deliver } from './commands.ts';
import type { Keys } from './keys.ts';

export type RunState = { status: string; terminal: boolean };

/** Asks the backend about many runs at once; a run it does not know any more is missing from the answer. */
export type PollRuns = (runIds: string[]) => Promise<Map<string, RunState>>;

type Wait = { session: string; call: string; parkedAt: string; runIds: string[]; until: 'all' | 'any' };

const FIRST_MS = 1_000;
const LONGEST_MS = 30_000;
const waitSchema = z.object({ run_ids: z.array(z.string()), until: z.enum(['all', 'any']) });

/**
 * Watches the training runs that sessions wait for: each run once, however many wait for it, ever more slowly, without a model and without a session held.
 * One process at a time does it; when it dies another takes over.
 */
export function startJobWatch(deps: { redis: Redis; keys: Keys; poll: PollRuns; deliver: Deliver; failed: (error: unknown) => void; everyMs?: number }): {
  stop(): void;
  wakeEarly(): void;
} {
  const { redis, keys } = deps;
  const me = randomUUID();
  const pace = new Map<string, { at: number; every: number }>();
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
    const wanted = new Set(waits.flatMap((w) => w.runIds));
    for (const run of pace.keys()) if (!wanted.has(run)) pace.delete(run);
    const now = Date.now();
    const asked = [...wanted].filter((run) => (pace.get(run)?.at ?? 0) <= now);
    if (asked.length === 0) return;
    const states = await deps.poll(asked);
    for (const run of asked) {
      const every = Math.min(LONGEST_MS, (pace.get(run)?.every ?? FIRST_MS / 1.3) * 1.3);
      pace.set(run, { at: now + every * (0.9 + Math.random() * 0.2), every });
    }
    for (const wait of waits) {
      if (!wait.runIds.some((run) => asked.includes(run))) continue;
      // A run that is gone will never finish: the tool is asked again and says so.
      const over = (run: string) => asked.includes(run) && (states.get(run)?.terminal ?? true);
      const enough = wait.until === 'all' ? wait.runIds.every(over) : wait.runIds.some(over);
      if (!enough) continue;
      const data = { runs: wait.runIds.map((run) => ({ run_id: run, status: states.get(run)?.status ?? 'GONE' })) };
      await deps.deliver(`job:${wait.session}:${wait.call}:${wait.parkedAt}`, { do: 'wake', session: wait.session, call: wait.call, why: 'job', data });
    }
  };

  void round();
  return {
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
    /** A hook said that something happened: ask now. Its word is not taken for it. */
    wakeEarly: () => pace.clear(),
  };
}

function parseWaits(all: Record<string, string>): Wait[] {
  return Object.entries(all).flatMap(([field, value]) => {
    const [session = '', call = ''] = field.split(' ');
    const at = value.indexOf(' ');
    const parsed = waitSchema.safeParse(JSON.parse(value.slice(at + 1)));
    return parsed.success ? [{ session, call, parkedAt: value.slice(0, at), runIds: parsed.data.run_ids, until: parsed.data.until }] : [];
  });
}
