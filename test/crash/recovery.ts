import { setTimeout as sleep } from 'node:timers/promises';
import { LEASE_MS } from '../../src/runtime/lease.ts';
import { BROKEN } from './kill.ts';
import type { CrashStage } from './stage.ts';

type Held = { sid: string; owner: string; fence: number };
const GIVE_UP_MS = 60_000;
/** Who holds what is looked up before the blow, but not for long. */
const LOOK_MS = 1_000;

/** How long it took, in ms, by what was broken: until the sessions that were in hand went on, and until all processes were ready again. */
export type Recoveries = Record<keyof typeof BROKEN, { sessions: number[]; ready: number[] }>;
export const noRecoveries = (): Recoveries =>
  Object.fromEntries(Object.keys(BROKEN).map((what) => [what, { sessions: [], ready: [] }])) as unknown as Recoveries;

/**
 * Measures how long sessions stood still. Where whoever held them is gone: from the blow to the next line that a new owner writes (or to its letting go, where
 * there was nothing to write); sessions whose owner lives on are not counted. Where Redis itself was away: to the next line, whoever writes it.
 */
export function startClock(stage: CrashStage, recoveries: Recoveries): { struck(what: keyof typeof BROKEN): Promise<void>; settled(): Promise<void> } {
  const { redis, keys } = stage;
  const running = new Set<Promise<void>>();

  const heldNow = async (): Promise<{ at: number; held: Held[] }> => {
    const live = await redis.smembers(keys.liveTeam('T1'));
    const at = await stage.log.time();
    const held: Held[] = [];
    for (const sid of live) {
      const [owner, fence, lease] = await redis.hmget(keys.st(sid), 'owner', 'fence', 'lease');
      if (owner && Number(lease) > at) held.push({ sid, owner, fence: Number(fence) });
    }
    return { at, held };
  };

  const lastOf = async (sid: string) => {
    const [last] = await redis.xrevrange(keys.log(sid), '+', '-', 'COUNT', 1);
    const fields = last?.[1] ?? [];
    const field = (name: string) => Number(fields[fields.indexOf(name) + 1]);
    return { fence: field('f'), m: field('m') };
  };

  async function next({ sid, owner }: Held, at: number, samples: number[]): Promise<void> {
    while ((await stage.log.time()) - at < GIVE_UP_MS) {
      await sleep(100);
      const { fence, m } = await lastOf(sid);
      // A line from outside says nothing of those who hold it.
      if (fence > 0 && m > at) return void samples.push(m - at);
      const [now, status] = await redis.hmget(keys.st(sid), 'owner', 'status');
      if (now !== owner && (now === '' || status !== 'open')) return void samples.push((await stage.log.time()) - at);
    }
    samples.push(GIVE_UP_MS);
  }

  async function follow({ sid, owner, fence }: Held, struckAt: number, samples: number[]): Promise<void> {
    let at = struckAt;
    let holder = owner;
    let expired = false;
    while ((await stage.log.time()) - at < GIVE_UP_MS) {
      await sleep(100);
      const [now, lease, status] = await redis.hmget(keys.st(sid), 'owner', 'lease', 'status');
      const time = await stage.log.time();
      if (now === holder) {
        expired ||= Number(lease) <= time;
        // The next one died as well: that is another recovery, and it began when the last sign of life was given.
        if (expired && holder !== owner) at = Math.max(at, Number(lease) - LEASE_MS);
        continue;
      }
      // It let go by itself: nobody stood still.
      if (!expired && holder === owner) return;
      const last = await lastOf(sid);
      if (last.fence > fence) return void samples.push(Math.max(0, last.m - at));
      if (now === '' || status !== 'open') return void samples.push(time - at);
      holder = now ?? '';
      expired = false;
    }
    samples.push(GIVE_UP_MS);
  }

  return {
    async struck(what) {
      const samples = recoveries[what].sessions;
      const how = what === 'redis' ? next : follow;
      const looked = heldNow().catch(() => ({ at: 0, held: [] }));
      const one = looked
        .then(({ at, held }) => Promise.all(held.map((h) => how(h, at, samples))))
        .then(
          () => {},
          () => {},
        );
      running.add(one);
      void one.finally(() => running.delete(one));
      await Promise.race([looked, sleep(LOOK_MS)]);
    },
    settled: async () => void (await Promise.all(running)),
  };
}

/** One line for each thing that was broken, in seconds. */
export function recoveryLines(recoveries: Recoveries): string[] {
  return Object.entries(recoveries).flatMap(([what, { sessions, ready }]) => {
    const figures = [
      ...(sessions.length > 0 ? [`sessions in hand went on after ${shares(sessions)} s (${sessions.length})`] : []),
      ...(ready.length > 0 ? [`every process was ready after ${shares(ready)} s (${ready.length} times)`] : []),
    ];
    return figures.length > 0 ? [`${BROKEN[what as keyof typeof BROKEN]}: ${figures.join('; ')}`] : [];
  });
}

/** Median, 95th percentile and the longest. */
export function shares(samples: readonly number[]): string {
  const sorted = samples.toSorted((a, b) => a - b);
  const at = (share: number) => ((sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0) / 1000).toFixed(1);
  return `${at(0.5)}/${at(0.95)}/${at(1)}`;
}
