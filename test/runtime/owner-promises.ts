import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { z } from 'zod';
import { makeBreakers } from '../../src/agent/breaker.ts';
import type { AdvanceDeps, Perform } from '../../src/runtime/advance.ts';
import type { Entry, SessionEvent } from '../../src/session/events.ts';
import { done, type WriteTool, writeTool } from '../../src/tools/define-tool.ts';
import { asks, entriesOf, finished, LIMITS, opened, replied, START, started } from '../session/logs.ts';
import { permissions } from '../slack/a-desk.ts';
import type { aLog } from './a-log.ts';
import { LEASE_MS, type OwnerCode } from './owner-code.ts';

type Log = ReturnType<typeof aLog>;
/** Throws where the code does not hold what its name says. */
export type OwnerPromise = (it: Log, code: OwnerCode) => Promise<void>;

/** Promises that no script can keep alone: the owner's side of the list of invariants. */
export const ownerPromises: Record<string, OwnerPromise> = {
  'I4 a call that was started comes before every other step, until it is finished': async (_, { next, fold }) => {
    const calls = [
      { id: 'c1', tool: 'run_databricks_job' },
      { id: 'c2', tool: 'compare_runs' },
    ];
    const step = (more: SessionEvent[]) => {
      const is = next(fold('s1', entriesOf([opened(), replied(1, calls), ...more]))!, START + 3_600_000, LIMITS);
      return is.do === 'call' ? is.call.id : is.do;
    };
    // The second call is due as well, and stands before it in nothing but the state.
    expect(step([free('c2')])).toBe('c2');
    expect(step([free('c2'), finished('c2')])).toBe('c1');
    expect(step([free('c2'), finished('c2'), finished('c1')])).toBe('think');
  },
  'I4 an effect that may still be in flight is not looked up yet': async (_, { next, fold }) => {
    const session = fold('s1', entriesOf([opened(), replied(1, [{ id: 'c1', tool: 'create_github_pr' }]), free('c1', 6_000)]))!;
    const at = START + 2 * 60_000;
    expect(next(session, at + 6_999, LIMITS)).toEqual({ do: 'park', until: at + 7_000 });
    expect(next(session, at + 7_000, LIMITS)).toMatchObject({ do: 'call', call: { id: 'c1' } });
  },
  'I4 nothing is sent before its start stands in the log': async (it, code) => {
    const s = await aSession(it, code);
    await s.turn();
    expect(s.sent.map((sent) => sent.lines)).toEqual([['opened', 'replied', 'call_started']]);
    expect(await s.types()).toEqual(['opened', 'replied', 'call_started', 'call_finished', 'replied', 'ended']);
  },
  'I4 what was cut off is taken up and not begun anew: one start, one end': async (it, code) => {
    const s = await aSession(it, code, { killedAt: 1 });
    await s.turn();
    await s.turn();
    expect((await s.types()).filter((type) => type.startsWith('call_'))).toEqual(['call_started', 'call_finished']);
  },
  'I9 the key of an effect is a function of session and call alone': async (_, { effectKey }) => {
    expect(effectKey('s1', 'c1')).toBe(effectKey('s1', 'c1'));
    expect(effectKey('s1', 'c1')).toMatch(/^[0-9a-f]{64}$/);
    expect(new Set([effectKey('s1', 'c1'), effectKey('s1', 'c2'), effectKey('s2', 'c1'), effectKey('s1/c', '1')]).size).toBe(4);
  },
  'I9 what is sent again after a crash carries the same key': async (it, code) => {
    const s = await aSession(it, code, { killedAt: 1 });
    await s.turn();
    await s.turn();
    expect(s.sent.map((sent) => sent.key)).toEqual([code.effectKey(s.sid, 'c1'), code.effectKey(s.sid, 'c1')]);
  },
  'I10 who stood still past the lease, after the claim, sends nothing': async (it, code) => {
    const s = await aSession(it, code, { afterClaim: () => standStill(it, s.sid) });
    await s.turn();
    expect(s.sent).toEqual([]);
    expect(await s.types()).toEqual(['opened', 'replied', 'call_started']);
  },
  'I10 who stood still past the lease, before it takes up what was cut off, sends nothing': async (it, code) => {
    const s = await aSession(it, code, { killedAt: 1, beforeCall: (n) => (n === 2 ? standStill(it, s.sid) : undefined) });
    await s.turn();
    await s.turn();
    expect(s.sent).toHaveLength(1);
  },
  'I10 whose lease is another one’s by now is refused its claim': async (it, code) => {
    const s = await aSession(it, code, { beforeCall: () => takeOver(it, s.sid) });
    await s.turn();
    expect(s.sent).toEqual([]);
    expect(await s.types()).toEqual(['opened', 'replied']);
  },
  'I11 while it waits there is no lease, and nobody is asked again before its time': async (it, code) => {
    const sid = await open(it);
    let asked = 0;
    const turn = () =>
      turnOf(it, code, sid, async () => {
        asked += 1;
        return [{ type: 'noted', about: 'attention', text: 'A person has to look.' }];
      });
    await turn();
    await turn();
    expect(asked).toBe(1);
    // A process that still renewed would have done so by now.
    await new Promise((r) => setTimeout(r, LEASE_MS / 2));
    expect(await it.redis.hmget(it.keys.st(sid), 'owner', 'lease')).toEqual(['', '0']);
    expect(Number(await it.redis.zscore(it.keys.due, sid)) - (await it.log.time())).toBeGreaterThan(3_600_000);
  },
  'I11 a store that lost its questions is not asked about one of them over and over': async (it, code) => {
    const sid = await open(it);
    const lease = await it.log.claim(it.owner(sid), 5_000);
    const past = new Date((await it.log.time()) - 1_000).toISOString();
    const asked = [replied(1, [{ id: 'c1', tool: 'run_databricks_job' }]), asks('c1', `${sid}/1`, past)];
    await it.log.commit(it.owner(sid), lease?.fence ?? 0, await it.log.tip(sid), asked, { is: '' });
    await it.log.park(it.owner(sid), lease?.fence ?? 0, await it.log.tip(sid), null);
    await it.redis.hdel(it.keys.idem(sid), `a:${sid}/1`);

    let expired = 0;
    const expire = async (session: string, approval: string) => {
      expect(++expired, 'asked once').toBe(1);
      expect(await it.deliver(`expire:${approval}`, { do: 'expire', session, approval })).toEqual({ is: 'unknown' });
    };
    await turnOf(it, code, sid, async () => [], { expire });
    expect(expired).toBe(1);
    expect(Number(await it.redis.zscore(it.keys.due, sid)) - (await it.log.time())).toBeGreaterThan(500);
  },
  'I12 dropping the list of who is due loses nobody': async (it, code) => {
    const sid = await open(it);
    await it.redis.del(it.keys.due);
    expect(await code.rebuildDue(it)).toBeGreaterThan(0);
    expect(await it.log.ring(1_000, 3_000)).toContain(sid);
    expect(await code.rebuildDue(it)).toBe(0);
  },
  'I13 nobody acts on a record with a changed byte': async (it, code) => {
    const sid = await open(it, 'Run it once');
    const [[, fields]] = (await it.redis.xrange(it.keys.log(sid), '-', '+')) as [[string, string[]]];
    await it.redis.del(it.keys.log(sid));
    await it.redis.xadd(it.keys.log(sid), '1-0', ...fields.map((f) => f.replace('once', 'twice')));
    await it.redis.xadd(it.keys.log(sid), '2-0', ...fields.map((f) => (f.startsWith('{') ? f.replace('"seq":1,', '"seq":2,') : f)));
    await isLeftAlone(it, code, sid, `the record of ${sid} is broken at line 2`);
  },
  'I13 nobody acts on the record of another session': async (it, code) => {
    const [sid, other] = [await open(it), await open(it)];
    const [[, fields]] = (await it.redis.xrange(it.keys.log(other), '-', '+')) as [[string, string[]]];
    await it.redis.del(it.keys.log(sid));
    await it.redis.xadd(it.keys.log(sid), '1-0', ...fields);
    await isLeftAlone(it, code, sid, 'it belongs to another session');
  },
};

/** A call that a rule let go. */
function free(call: string, timeoutMs = 0) {
  const { approval: _asked, ...rest } = started(call, 'create_github_pr', timeoutMs);
  return { ...rest, rule: 'tests' };
}

let opens = 0;
async function open(it: Log, prompt?: string): Promise<string> {
  const sid = `own${++opens}`;
  expect(await it.open(sid, prompt)).toMatchObject({ is: 'stored' });
  return sid;
}

function turnOf(it: Log, code: OwnerCode, sid: string, perform: Perform, change: Partial<AdvanceDeps> = {}): Promise<void> {
  const source = (name: string) => readFileSync(new URL(`../../src/runtime/scripts/${name}.lua`, import.meta.url), 'utf8');
  const log = code.openLog(it.redis, it.keys, it.blobs, undefined, source);
  return code.advance(sid, { log, perform, expire: async () => {}, limits: LIMITS, executionExpiresMs: 60_000, rested: async () => {}, ...change });
}

async function isLeftAlone(it: Log, code: OwnerCode, sid: string, why: string): Promise<void> {
  let acted = false;
  const turn = turnOf(it, code, sid, async () => {
    acted = true;
    return [{ type: 'noted', about: 'attention', text: 'It acted.' }];
  });
  await expect(turn).rejects.toThrow(why);
  expect(acted).toBe(false);
}

async function takeOver(it: Log, sid: string): Promise<void> {
  // The owner may renew between the two.
  for (let i = 0; i < 20; i++) {
    await it.redis.hset(it.keys.st(sid), 'lease', '0');
    if (await it.log.claim(it.owner(sid), 60_000)) return;
  }
  expect.unreachable('nobody could take the session over');
}

/** The whole process stands still for longer than a fresh lease lasts, and wakes when the session is another one's: no timer of its own has fired in between. */
async function standStill(it: Log, sid: string): Promise<void> {
  await takeOver(it, sid);
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LEASE_MS * 0.7);
}

class Killed extends Error {}
type Bad = {
  /** The how-manieth request is the last thing this process does. */ killedAt?: number;
  afterClaim?: () => Promise<void>;
  beforeCall?: (n: number) => Promise<void> | undefined;
};

/** A session whose model wants one effect that a backend knows by its key; each `turn` is one worker's. */
async function aSession(it: Log, code: OwnerCode, bad: Bad = {}) {
  const sid = await open(it);
  const types = async () => (await it.log.read(sid)).map((e: Entry) => e.event.type);
  const sent: { key: string; lines: string[] }[] = [];
  const tool: WriteTool = writeTool({
    ...{ name: 'launch', title: 'Launch', description: 'Launches.', input: z.strictObject({}), output: z.object({}) },
    ...{ needs: [], destructive: false, idempotent: true, recovery: 'same-key', timeoutMs: 1_000 },
    plan: async () => ({ kind: 'plan', arguments: {}, touches: { place: 'own-thread' }, preview: { summary: 'Launch', facts: [], changes: [] } }),
    async run(_plan, _ctx, key) {
      sent.push({ key, lines: await types() });
      if (sent.length === bad.killedAt) throw new Killed('kill -9');
      return done('Launched.', {});
    },
  });
  const settings = { defaults: {}, metrics: {}, thresholdReading: 'relative', recordsPath: 'experiments', environments: {} } as const;
  const toolbox = await code.openToolbox([tool], { services: {}, settings, permissions, now: it.log.now });
  const yes = async () => ({ ok: true }) as const;
  const deps = {
    toolbox,
    putImage: async () => randomUUID(),
    root: async () => '1.1',
    stillEntitled: yes,
    canBeAsked: yes,
    breakers: makeBreakers(),
    random: () => 0,
  };
  let calls = 0;
  const perform: Perform = async (step, turn) => {
    if (step.do === 'think') return [turn.session.replies.length === 0 ? replied(1, [{ id: 'c1', tool: 'launch' }]) : replied(turn.session.seq)];
    expect(++calls, 'it goes round in circles').toBeLessThan(6);
    await bad.beforeCall?.(calls);
    const claim = async (start: Parameters<typeof turn.claim>[0]) => {
      const claimed = await turn.claim(start, undefined, false);
      if (claimed.is === 'OK') await bad.afterClaim?.();
      return claimed.is === 'OK' ? ('go' as const) : ('lost' as const);
    };
    const events = await code.callTool(step.call, { ...turn, claim }, deps);
    // What a tool throws is what a kill is: nothing after it is written.
    if (events[0]?.type === 'call_finished' && events[0].outcome.text.includes('kill -9')) throw new Killed('kill -9');
    return events;
  };
  return {
    ...{ sid, sent, types },
    async turn() {
      await turnOf(it, code, sid, perform).catch((error: unknown) => {
        if (!(error instanceof Killed)) throw error;
      });
      await it.redis.hset(it.keys.st(sid), 'lease', '0');
    },
  };
}
