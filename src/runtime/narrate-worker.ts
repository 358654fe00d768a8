import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import { fold } from '../session/fold.ts';
import { NewerRecord } from '../session/record-version.ts';
import { openCalls, type Session } from '../session/state.ts';
import { clocks, since } from './elapsed.ts';
import type { EventLog } from './event-log.ts';
import { leaveThread } from './forget-shown.ts';
import { jsonOf } from './kept.ts';
import type { Keys } from './keys.ts';
import type { People } from './people.ts';
import { progressSchema, type RunProgress } from './progress.ts';
import type { Show, ShownSlot, Slots } from './reading.ts';
import { holdAlone, keepAlone, release } from './redis.ts';
import { writeAbout } from './write-about.ts';

/** How long one process may take over one thread before another may help out. */
const TURN_MS = 30_000;
const AFTER_FAILURE_MS = 2_000;
/** So long a thread that another process has in hand is not asked for again. One that died may have had all it could, and keeps them until their turns are over. */
const ELSEWHERE_MS = 2_000;
/** Threads that one round begins with, and that are at work at once: each holds its session in memory, and while Slack hangs none comes to an end. */
const AT_ONCE = 50;
const MOST_AT_WORK = 400;

/**
 * Keeps every thread at what its log says. A session stays in `stale` until exactly its last line is shown, so a crash after the last event still
 * ends in a final message.
 */
export function startNarrator(deps: {
  redis: Redis;
  keys: Keys;
  log: EventLog;
  show: Show;
  failed: (session: string, error: unknown) => void;
  everyMs?: number;
  /** Who waits for this process to acknowledge something: threads stand back behind them. */
  people: Pick<People, 'gone'>;
}): { stop(): Promise<void> } {
  const { redis, keys, log } = deps;
  let stopped = false;
  const busy = new Map<string, Promise<void>>();
  /** Threads that another process had in hand a moment ago. */
  const elsewhere = new Set<string>();
  /** Threads that a later labmate has to look after; said once each. */
  const newer = new Set<string>();

  const round = async () => {
    while (!stopped) {
      try {
        const room = Math.min(AT_ONCE, MOST_AT_WORK - busy.size);
        // Those at work stay in the list, here and elsewhere: however many there are, the next ones are seen behind them.
        const most = room + busy.size + elsewhere.size;
        const stale = room > 0 ? await redis.zrangebyscore(keys.stale, '-inf', await log.time(), 'LIMIT', 0, most) : [];
        for (const sid of stale.filter((each) => !busy.has(each) && !elsewhere.has(each)).slice(0, room)) {
          busy.set(
            sid,
            one(sid).finally(() => busy.delete(sid)),
          );
        }
      } catch (error) {
        deps.failed('all', error);
        await new Promise((r) => setTimeout(r, 1_000));
      }
      await new Promise((r) => setTimeout(r, deps.everyMs ?? 100));
    }
  };

  const one = async (sid: string) => {
    const me = randomUUID();
    try {
      await deps.people.gone();
      const [isMine, marked] = await Promise.all([holdAlone(redis, keys.show(sid), me, TURN_MS), redis.zscore(keys.stale, sid)]);
      if (!isMine) return standBack(sid);
      try {
        const session = fold(sid, await log.read(sid));
        // Its record was taken away meanwhile.
        if (!session) return void (await log.shown(sid, 0, null, marked));
        const slots = slotsOf(redis, keys, session, turnOf(redis, keys.show(sid), me));
        const { root } = await slots.all();
        // Here and not only by the worker: one that dies right after a line would leave the lists at the line before.
        await writeAbout(redis, keys, session, root?.ts ?? null);
        const before = await progressFor(redis, keys, session);
        const again = await deps.show(session, slots, log.take, log.now(), readProgress(before));
        // What the watcher wrote meanwhile is no line of the log, so its end does not tell.
        const moved = JSON.stringify(before) !== JSON.stringify(await progressFor(redis, keys, session));
        const inMs = moved ? 50 : again ? Math.max(50, again.againInMs) : null;
        await log.shown(sid, session.seq, inMs === null ? null : log.now() + inMs, marked);
      } finally {
        await release(redis, keys.show(sid), me);
      }
    } catch (error) {
      // Whoever took it over goes on with it.
      if (error instanceof TurnOver) return;
      if (!(error instanceof NewerRecord && newer.has(sid))) deps.failed(sid, error);
      if (error instanceof NewerRecord) newer.add(sid);
      // What is in the list no more has been shown, set aside or taken away meanwhile.
      await redis.zadd(keys.stale, 'XX', log.now() + AFTER_FAILURE_MS, sid).catch(() => {});
    }
  };

  const standBack = (sid: string) => {
    elsewhere.add(sid);
    setTimeout(() => elsewhere.delete(sid), ELSEWHERE_MS).unref();
  };

  const running = round();
  return {
    async stop() {
      stopped = true;
      await running;
      await Promise.allSettled(busy.values());
    },
  };
}

/** What the watcher knows of the runs this session waits for now, by run. */
async function progressFor(redis: Redis, keys: Keys, session: Session): Promise<Record<string, string>> {
  const waits = openCalls(session).some((c) => c.status.is === 'parked' && c.status.waiting.for === 'job');
  return waits ? redis.hgetall(keys.progress(session.id)) : {};
}

/** What another version wrote and this one can't read is not shown. */
function readProgress(stored: Record<string, string>): RunProgress[] {
  return Object.values(stored).flatMap((text) => progressSchema.safeParse(jsonOf(text)).data ?? []);
}

/** Another process has this thread by now, or had it meanwhile. */
class TurnOver extends Error {}

type Turn = { still(): Promise<void>; inTime(): void };

/** Both throw where the thread may not be ours alone any more: `still` asks Redis; `inTime` sees whether we stood still since it answered. */
function turnOf(redis: Redis, key: string, me: string): Turn {
  let asked = clocks();
  const inTime = () => {
    if (since(asked) > TURN_MS) throw new TurnOver();
  };
  const still = async () => {
    const now = clocks();
    if (!(await keepAlone(redis, key, me, TURN_MS))) throw new TurnOver();
    asked = now;
    inTime();
  };
  return { still, inTime };
}

/** Each post is written down before and after it. */
function slotsOf(redis: Redis, keys: Keys, session: Session, { still, inTime }: Turn): Slots {
  const key = keys.slots(session.id);
  const { team, channel, thread, door } = session.opened;
  return {
    still,
    async all() {
      const all = await redis.hgetall(key);
      return Object.fromEntries(Object.entries(all).map(([slot, text]) => [slot, JSON.parse(text) as ShownSlot]));
    },
    // Both at once: a root that counts as shown while its thread is nobody's would leave every reply in it unheard.
    async set(slot, shown) {
      await still();
      const writes = redis.multi().hset(key, slot, JSON.stringify(shown));
      // A card that stands outside its session's thread is a thread of its own, and what is said in it is said to this session.
      if (shown.ts !== null && (shown.channel !== channel || door === 'mcp') && slot.startsWith('card:'))
        writes.set(keys.thread(team, shown.channel, shown.ts), session.id);
      // A slash command has no thread of its own: from now on replies to our root message find the session.
      const begun = slot === 'root' && thread === null ? shown.ts : null;
      if (begun !== null) writes.set(keys.thread(team, channel, begun), session.id);
      await writes.exec();
      // What it is written down for is done next.
      inTime();
      if (begun !== null) await writeAbout(redis, keys, session, begun);
    },
    async drop(slot) {
      await still();
      const text = await redis.hget(key, slot);
      if (text !== null) await leaveThread(redis, keys, { ...(JSON.parse(text) as ShownSlot), team, session: session.id, slot });
      await redis.hdel(key, slot);
    },
  };
}
