import type { Redis } from 'ioredis';
import { z } from 'zod';
import type { Keys } from './keys.ts';
import type { ShownSlot } from './reading.ts';
import { matching } from './redis.ts';

/** Every session of which something is kept: open, ended, or set aside. */
export async function* sessionsIn(redis: Redis, keys: Keys): AsyncGenerator<string> {
  const place = keys.st('');
  for await (const key of matching(redis, keys.st('*'))) yield key.slice(place.length);
}

/** Where a part of a session's thread stands, as far as it does. */
export async function shownAt(redis: Redis, keys: Keys, sid: string, slot: string): Promise<ShownSlot | null> {
  const text = await redis.hget(keys.slots(sid), slot);
  return text ? (JSON.parse(text) as ShownSlot) : null;
}

const opener = z.object({ team: z.string(), channel: z.string(), thread: z.string().nullable(), by: z.string(), alias: z.string() });
export type Opener = z.infer<typeof opener>;

/** Who opened a session and where, from its first line as it is stored; null where that says nothing readable. The chain is not checked. */
export function openerOf(line: string | undefined): Opener | null {
  return opener.safeParse(jsonOf(line)).data ?? null;
}

/** Whose limits a session counts against, from as much of its first line as can be read. */
export function principalOf(line: string | undefined): { team: string; by: string } | null {
  return opener.pick({ team: true, by: true }).safeParse(jsonOf(line)).data ?? null;
}

const ender = z.object({ type: z.literal('ended'), at: z.string() });

/** When a session ended, from its last line; null where that is no end. */
export function endOf(line: string | undefined): string | null {
  return ender.safeParse(jsonOf(line)).data?.at ?? null;
}

/** What a stored text says; null where it is no JSON. */
export function jsonOf(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return null;
  }
}
