import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import { z } from 'zod';
import { every } from './every.ts';
import { jsonOf } from './kept.ts';
import type { Keys } from './keys.ts';
import type { About } from './reading.ts';
import { holdAlone, keepAlone } from './redis.ts';

/** A backend, or the model, from which nobody has had an answer for a day: who waits for it in one channel. */
export type Outage = { upstream: string; channel: string /** ISO. */; since: string; waiting: { session: string; alias: string; by: string }[] };

/** The one message of a channel about one outage. `ts` is null while its post is under way. */
const keptSchema = z.object({ since: z.string(), ts: z.string().nullable(), hash: z.string(), goneAt: z.number().optional() });
export type KeptOutage = z.infer<typeof keptSchema>;

/** After so long people are told in the channel, not only in each thread. */
const LONG_MS = 24 * 3_600_000;
/** Somebody who tries again waits for nothing in that moment; only who waits for nothing so long has been helped. */
const OVER_AFTER_MS = 90_000;
const EVERY_MS = 30_000;
/** So long a channel that could not be told is left alone. */
const LEFT_ALONE_MS = 300_000;

/** What each channel is to be told, from the index of sessions. What was told once stays told while anybody there still waits. Pure. */
export function outagesOf(sessions: readonly About[], kept: Readonly<Record<string, KeptOutage>>, now: number): Outage[] {
  const since = new Map<string, string>();
  const all = new Map<string, Outage>();
  for (const { session, alias, by, channel, waits, endedAt } of sessions) {
    if (!waits || endedAt !== null) continue;
    const name = nameOf(waits.upstream, channel);
    const first = [since.get(waits.upstream), waits.since, kept[name]?.since].filter((at) => at !== undefined).sort()[0] ?? waits.since;
    since.set(waits.upstream, first);
    const outage = all.get(name) ?? { upstream: waits.upstream, channel, since: first, waiting: [] };
    outage.waiting.push({ session, alias, by });
    all.set(name, outage);
  }
  return [...all.values()]
    .map((outage) => ({ ...outage, since: since.get(outage.upstream) ?? outage.since }))
    .filter((outage) => now - Date.parse(outage.since) >= LONG_MS || kept[nameOf(outage.upstream, outage.channel)]);
}

/** Posts or edits the message of an outage; `waiting` is empty when it is over. Answers what is to be remembered of it. */
export type TellOutage = (outage: Outage, kept: KeptOutage | null, remember: (kept: KeptOutage) => Promise<void>) => Promise<KeptOutage>;

/** Tells channels about outages that last, once each, and when they are over. One process at a time does it. */
export function startOutageWatch(deps: {
  redis: Redis;
  keys: Keys;
  list: () => Promise<About[]>;
  tell: TellOutage;
  now: () => number;
  failed: (error: unknown) => void;
  everyMs?: number;
}): { stop(): void } {
  const { redis, keys, everyMs = EVERY_MS } = deps;
  const me = randomUUID();
  const turnMs = 2 * everyMs;
  /** With a slow Slack many channels take longer than a turn: another process would tell the same ones. */
  const isMine = () => keepAlone(redis, keys.outageWatch, me, turnMs);
  /** Channels that cannot be told, each said once, and until when (ms) they are left alone: one that is archived may stay so for years. */
  const silent = new Map<string, number>();

  /** One channel that cannot be told keeps no other from it. */
  const perhaps = async (name: string, work: () => Promise<unknown>) => {
    try {
      await work();
      silent.delete(name);
    } catch (error) {
      if (!silent.has(name)) deps.failed(error);
      silent.set(name, deps.now() + LEFT_ALONE_MS);
    }
  };

  const look = async () => {
    const kept = readKept(await redis.hgetall(keys.outages));
    const now = deps.now();
    const outages = outagesOf(await deps.list(), kept, now);
    for (const outage of outages) {
      const name = nameOf(outage.upstream, outage.channel);
      if (now < (silent.get(name) ?? 0)) continue;
      if (!(await isMine())) return;
      const remember = (is: KeptOutage) => redis.hset(keys.outages, name, JSON.stringify(is)).then(() => {});
      await perhaps(name, async () => remember(await deps.tell(outage, kept[name] ?? null, remember)));
    }
    const going = new Set(outages.map((o) => nameOf(o.upstream, o.channel)));
    for (const [name, was] of Object.entries(kept)) {
      if (going.has(name)) continue;
      if (!(await isMine())) return;
      const goneAt = was.goneAt ?? now;
      const remember = (is: KeptOutage) => redis.hset(keys.outages, name, JSON.stringify(is)).then(() => {});
      if (now - goneAt < OVER_AFTER_MS) {
        await remember({ ...was, goneAt });
        continue;
      }
      const [channel = '', upstream = ''] = [name.slice(0, name.indexOf(' ')), name.slice(name.indexOf(' ') + 1)];
      await perhaps(name, async () => {
        await deps.tell({ upstream, channel, since: was.since, waiting: [] }, was, remember);
        await redis.hdel(keys.outages, name);
      });
    }
  };

  const round = async () => {
    if (await holdAlone(redis, keys.outageWatch, me, turnMs)) await look();
  };
  return every(everyMs, round, deps.failed);
}

/** A channel's id holds no space; the name of a mounted server may. */
function nameOf(upstream: string, channel: string): string {
  return `${channel} ${upstream}`;
}

function readKept(all: Record<string, string>): Record<string, KeptOutage> {
  return Object.fromEntries(
    Object.entries(all).flatMap(([name, text]) => {
      const read = keptSchema.safeParse(jsonOf(text));
      return read.success ? [[name, read.data] as const] : [];
    }),
  );
}
