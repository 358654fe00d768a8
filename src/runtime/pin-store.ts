import type { Redis } from 'ioredis';
import { z } from 'zod';
import { changed, type Difference, type PinStore, type Pins } from '../agent/pins.ts';
import type { Keys } from './keys.ts';

const pinsSchema = z.object({ at: z.string(), tools: z.array(z.looseObject({ name: z.string() })) });
/** The field that counts changes; no server's key has such a character. */
const COUNT = '#';
const ATTEMPTS = 5;

/** Pins in one hash, a field for each server. Read again only where something was written since. */
export function openPins(redis: Redis, keys: Keys, now: () => number): PinStore {
  let known: { count: string; pins: ReadonlyMap<string, Pins> } | null = null;

  async function read(): Promise<ReadonlyMap<string, Pins>> {
    const count = (await redis.hget(keys.pins, COUNT)) ?? '0';
    if (known?.count === count) return known.pins;
    const all = await redis.hgetall(keys.pins);
    const pins = new Map(Object.entries(all).flatMap(([key, text]) => (key === COUNT ? [] : [[key, parsed(text)] as const])));
    // What came in between is seen next time: the count is then another one.
    known = { count, pins };
    return pins;
  }

  return {
    read,
    async first(key, pins) {
      if ((await redis.hsetnx(keys.pins, key, JSON.stringify(pins))) === 1) await redis.hincrby(keys.pins, COUNT, 1);
    },
    async replace(key, changes: readonly Difference[]) {
      for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
        const before = await redis.hget(keys.pins, key);
        const tools = changed(before === null ? [] : parsed(before).tools, changes);
        const after = JSON.stringify({ at: new Date(now()).toISOString(), tools } satisfies Pins);
        if ((await redis.eval(SWAP, 1, keys.pins, key, before ?? '', after, COUNT)) === 1) return;
      }
      throw new Error(`the pins of ${key} are being changed by somebody else all the time`);
    },
  };
}

/** Writes only over what was read: two who change the pins at once lose nothing. */
const SWAP = `
if (redis.call('HGET', KEYS[1], ARGV[1]) or '') ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
redis.call('HINCRBY', KEYS[1], ARGV[4], 1)
return 1`;

function parsed(text: string): Pins {
  const { at, tools } = pinsSchema.parse(JSON.parse(text));
  return { at, tools: tools as Pins['tools'] };
}
