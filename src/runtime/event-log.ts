import { randomBytes, randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import { bodyOf, lineOf, type Tip, ZERO_HEAD } from '../session/chain.ts';
import type { Entry, SessionEvent } from '../session/events.ts';
import { PAYLOAD_LIMIT } from '../session/payload.ts';
import type { Keys } from './keys.ts';
import { guardText, keysNeeded, lineFacts } from './line-facts.ts';
import { type Blobs, deflate } from './payloads.ts';
import { type ScriptSource, scripts, timeAt } from './redis.ts';
import { redisClock } from './redis-clock.ts';
import { storedLines } from './stored-lines.ts';

/** Whose session it is, for the keys that a script touches. */
export type Owner = { sid: string; team: string; user: string };

export type AppendMode = 'open' | 'approve' | 'deny' | 'edit' | 'withdraw' | 'expire' | 'stop' | 'note' | '';
export type Append = {
  owner: Owner;
  key: string;
  /** Redis ms after which nothing is stored. */
  deadline?: number | undefined;
  /** Where the log is thought to end: asking costs a person who waits one more trip to Redis. */
  at?: Tip | undefined;
  mode: AppendMode;
  approval?: string | undefined;
  need?: number | undefined;
  voter?: string | undefined;
  nextApproval?: string | undefined;
  thread?: { channel: string; ts: string } | undefined;
  limits?: { perUser: number; perTeam: number } | undefined;
  /** Where it opens a session: what people type. */
  alias?: string | undefined;
  /** Called when it is on its way: what is sent to Redis now arrives with it, and after it. */
  sent?: (() => void) | undefined;
};
export type Appended =
  | { is: 'OK'; seq: number /** As it was stored. */; line: string }
  | { is: 'DUP'; session: string; seq: number }
  | { is: 'DECIDED'; state: string }
  | { is: 'LATE' | 'CLOSED' | 'OPEN' | 'NONE' /** The alias is another session's. */ | 'TAKEN' }
  | { is: 'LIMIT'; which: 'user' | 'team' };

export type Guard = { is: '' } | { is: 'quiet'; seen: number } | { is: 'effect' | 'cancel'; approval?: string | undefined; executionExpiresMs: number };
export type Committed =
  /** `entries`: what was written, where it directly follows the tip that was given; null where only a read tells what stands there. */
  { is: 'OK'; tip: Tip; entries: Entry[] | null } | { is: 'FENCED' | 'STOPPED' | 'UNREAD' } | { is: 'REFUSED'; state: string };

/** The event log of all sessions: append from outside, commit by the owner, and reading, which always checks the chain. */
export type EventLog = ReturnType<typeof openLog>;

/** `clean` sees every event, and its JSON, before it is written: known secrets never reach the store. `source` is where the scripts are read from. */
export function openLog(
  redis: Redis,
  keys: Keys,
  blobs: Blobs,
  clean: (event: SessionEvent, json: string) => SessionEvent = (event) => event,
  source?: ScriptSource,
) {
  const script = scripts(redis, source);
  const { isPassed, ...reading } = storedLines(redis, keys, blobs);
  const { now, heard, isFresh, machine } = redisClock();
  let asking: Promise<void> | null = null;

  const allKeys = (o: Owner, delivery = '', thread?: { channel: string; ts: string }) => [
    keys.log(o.sid),
    keys.st(o.sid),
    keys.stale,
    keys.waits,
    keys.idem(o.sid),
    keys.due,
    keys.liveTeam(o.team),
    keys.liveUser(o.team, o.user),
    keys.seen(delivery || o.sid),
    keys.alias(o.team),
    ...(thread ? [keys.thread(o.team, thread.channel, thread.ts)] : []),
  ];

  /** As many of them as it takes to hold a session. */
  const ownKeys = (o: Owner) => allKeys(o).slice(0, 6);

  /** An event ready to be written, and as readers will find it; null where it refers to payloads, or nobody here asks. */
  async function written(event: SessionEvent, read = true): Promise<{ body: string; event: SessionEvent | null }> {
    const raw = bodyOf(event);
    const cleaned = clean(event, raw);
    const body = cleaned === event ? raw : bodyOf(cleaned);
    // No character takes more than three bytes.
    if (body.length * 3 <= PAYLOAD_LIMIT) return { body, event: read ? (JSON.parse(body) as SessionEvent) : null };
    const slim = bodyOf(await deflate(cleaned, blobs));
    return { body: slim, event: slim === body ? (JSON.parse(body) as SessionEvent) : null };
  }

  async function tipOf(sid: string): Promise<Tip> {
    const [n, head] = await redis.hmget(keys.st(sid), 'n', 'head');
    return { seq: Number(n ?? 0), head: head ?? ZERO_HEAD };
  }

  return {
    now,

    /** Redis' time in ms: asked, unless it was heard of in the last `withinMs`. Who asks while somebody else does shares the answer. */
    async time(withinMs = 0): Promise<number> {
      if (isFresh(withinMs)) return now();
      const since = machine();
      asking ??= timeAt(redis, keys.due).then((ms) => heard(ms, since));
      await asking.finally(() => {
        asking = null;
      });
      return now();
    },

    ...reading,

    tip: tipOf,

    /**
     * Appends from outside. `build` makes the event for the state at `tip`, and is asked again when somebody else was quicker;
     * it answers null when, seen from there, nothing is to be written.
     */
    async append(request: Append, build: (tip: Tip) => Promise<SessionEvent | null>): Promise<Appended | { is: 'NOTHING' }> {
      const { owner } = request;
      for (let attempt = 0; ; attempt++) {
        const tip = attempt === 0 && request.at ? request.at : await tipOf(owner.sid);
        const event = await build(tip);
        if (!event) return { is: 'NOTHING' };
        const ready = await written(event, false);
        const at = new Date(now()).toISOString();
        const { line, hash, seq } = lineOf(tip, at, owner.sid, ready.body);
        const since = machine();
        const asked = script.run('append', allKeys(owner, request.key, request.thread), [
          owner.sid,
          request.key,
          event.type,
          line,
          hash,
          request.deadline ?? '',
          request.mode,
          request.approval ?? '',
          request.need ?? 1,
          request.voter ?? '',
          request.nextApproval ?? '',
          request.limits?.perUser ?? 1_000_000,
          request.limits?.perTeam ?? 1_000_000,
          event.type === 'edited' ? event.next.digest : '',
          request.alias ?? '',
        ]) as Promise<string[]>;
        request.sent?.();
        const answer = await asked;
        switch (answer[0]) {
          case 'OK':
            heard(Number(answer[3]), since);
            return { is: 'OK', seq, line };
          case 'MOVED':
            // Many writers on one session: step aside for a moment.
            if (attempt > 3) await new Promise((r) => setTimeout(r, Math.random() * 10 * attempt));
            continue;
          case 'DUP':
            return { is: 'DUP', session: answer[1] ?? '', seq: Number(answer[2]) };
          case 'DECIDED':
            return { is: 'DECIDED', state: answer[1] ?? '' };
          case 'LIMIT':
            return { is: 'LIMIT', which: answer[1] === 'user' ? 'user' : 'team' };
          case 'LATE':
          case 'CLOSED':
          case 'OPEN':
          case 'NONE':
          case 'TAKEN':
            return { is: answer[0] };
          default:
            throw new Error(`append answered ${String(answer[0])}`);
        }
      }
    },

    async claim(owner: Owner, ttlMs: number): Promise<{ fence: number; interrupted: number; seq: number } | null> {
      const since = machine();
      const answer = (await script.run('claim', ownKeys(owner), [owner.sid, randomUUID(), ttlMs])) as string[];
      if (answer[0] !== 'OK') return null;
      heard(Number(answer[2]), since);
      return { fence: Number(answer[1]), interrupted: Number(answer[3]), seq: Number(answer[4]) };
    },

    /** Counts a crash of a step that ran alone; a commit sets the count back. */
    crashed: (sid: string): Promise<number> => redis.hincrby(keys.st(sid), 'crashed', 1),

    /** Null: the lease is lost. */
    async renew(owner: Owner, fence: number, ttlMs: number): Promise<{ stopped: boolean; seq: number } | null> {
      const since = machine();
      const answer = (await script.run('renew', ownKeys(owner), [owner.sid, fence, ttlMs])) as string[];
      if (answer[0] !== 'OK') return null;
      heard(Number(answer[3]), since);
      return { stopped: answer[1] !== '', seq: Number(answer[2]) };
    },

    /** Commits events as the owner, all or nothing. Lines from outside that came in between are stepped over; where the log does not hold `tip` any more, it is fenced off. */
    async commit(owner: Owner, fence: number, tip: Tip, events: readonly SessionEvent[], guard: Guard): Promise<Committed> {
      const op = nextOp();
      const needed = allKeys(owner).slice(0, keysNeeded(events, guard));
      const ready = await Promise.all(events.map((event) => written(event)));
      let from = tip;
      for (;;) {
        const at = new Date(now()).toISOString();
        const lines: string[] = [];
        const entries: Entry[] = [];
        let last = from;
        for (const [i, event] of events.entries()) {
          const { body, event: read } = ready[i] as (typeof ready)[number];
          const { line, hash, seq } = lineOf(last, at, owner.sid, body);
          last = { seq, head: hash };
          lines.push(event.type, line, hash, lineFacts(event));
          if (read) entries.push({ seq, m: 0, fence, line, hash, at, event: read });
        }
        const since = machine();
        const answer = (await script.run('commit', needed, [fence, op, guardText(guard), ...lines])) as string[];
        switch (answer[0]) {
          case 'OK':
            heard(Number(answer[3]), since);
            for (const entry of entries) entry.m = Number(answer[3]);
            return {
              is: 'OK',
              tip: { seq: Number(answer[1]), head: answer[2] ?? '' },
              // Sent twice, it was written at another time than the second answer says; after lines of others, the caller does not know those.
              entries: from === tip && answer[4] !== 'again' && entries.length === events.length ? entries : null,
            };
          case 'MOVED':
            // What would be written follows from lines that a failover has lost, or from a state that another owner has changed: whoever comes next reads anew.
            if (!(await isPassed(owner.sid, from))) return { is: 'FENCED' };
            from = { seq: Number(answer[1]), head: answer[2] ?? '' };
            continue;
          case 'FENCED':
          case 'STOPPED':
          case 'UNREAD':
            return { is: answer[0] };
          case 'REFUSED':
            return { is: 'REFUSED', state: answer[1] ?? '' };
          default:
            throw new Error(`commit answered ${String(answer[0])}`);
        }
      }
    },

    /** `unseen`: something came in meanwhile, look again. `fenced`: it is another one's by now, or what was seen is gone. */
    async park(owner: Owner, fence: number, seen: Tip, wakeAt: number | null): Promise<'parked' | 'unseen' | 'fenced'> {
      const answer = (await script.run('park', ownKeys(owner), [owner.sid, fence, seen.seq, wakeAt ?? '', seen.head])) as string[];
      return answer[0] === 'OK' ? 'parked' : answer[0] === 'UNSEEN' ? 'unseen' : 'fenced';
    },

    /** Sessions at which somebody must look now; each is put off by `visibilityMs`. */
    async ring(limit: number, visibilityMs: number): Promise<string[]> {
      return (await script.run('ring', ownKeys({ sid: 'none', team: 'none', user: 'none' }), [limit, visibilityMs])) as string[];
    },

    /** Puts an open session that nobody would ever look at back into the list. True: it was missing. */
    async remind(sid: string): Promise<boolean> {
      return Number(await script.run('remind', ownKeys({ sid, team: 'none', user: 'none' }), [sid])) === 1;
    },

    /** The thread shows the log up to `seen`. False: it has grown meanwhile, or is `marked` in the list otherwise than before it was looked at. */
    async shown(sid: string, seen: number, againAt: number | null, marked?: string | null): Promise<boolean> {
      const args = [sid, seen, againAt ?? '', ...(marked === undefined ? [] : [marked ?? ''])];
      const answer = (await script.run('shown', ownKeys({ sid, team: 'none', user: 'none' }), args)) as string[];
      return answer[0] === 'OK';
    },

    take: (name: string, everyMs: number, atOnce = 1) => script.take(keys.limit(name), everyMs, atOnce),
  };
}

/** A commit's name: no other has it, in whatever process. */
const PROCESS = randomBytes(9).toString('base64url');
let ops = 0;
const nextOp = () => `${PROCESS}${(++ops).toString(36)}`;
