import { setTimeout as sleep } from 'node:timers/promises';
import { LEASE_MS } from '../../src/runtime/lease.ts';
import type { CrashStage } from './stage.ts';

type Held = { sid: string; owner: string; fence: number };
const GIVE_UP_MS = 60_000;

/**
 * Measures how long sessions stood still because whoever held them is gone: from the blow to the next line that a new owner writes (or to its
 * letting go, where there was nothing to write). Sessions whose owner lives on are not counted.
 */
export function startClock(stage: CrashStage, samples: number[]): { struck(): void; settled(): Promise<void> } {
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

  async function follow({ sid, owner, fence }: Held, struckAt: number): Promise<void> {
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
      const [last] = await redis.xrevrange(keys.log(sid), '+', '-', 'COUNT', 1);
      const fields = last?.[1] ?? [];
      const field = (name: string) => fields[fields.indexOf(name) + 1];
      if (Number(field('f')) > fence) return void samples.push(Math.max(0, Number(field('m')) - at));
      if (now === '' || status !== 'open') return void samples.push(time - at);
      holder = now ?? '';
      expired = false;
    }
    samples.push(GIVE_UP_MS);
  }

  return {
    struck() {
      const one = (async () => {
        const { at, held } = await heldNow();
        await Promise.all(held.map((h) => follow(h, at)));
      })().catch(() => {});
      running.add(one);
      void one.finally(() => running.delete(one));
    },
    settled: async () => void (await Promise.all(running)),
  };
}
