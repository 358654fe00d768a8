import { expect } from 'vitest';
import { editedApproval } from '../../src/session/approval-id.ts';
import { nextLine, type Tip, verify, ZERO_HEAD } from '../../src/session/chain.ts';
import type { EventOf, SessionEvent } from '../../src/session/events.ts';
import { DIGEST, finished, replied, started } from '../session/logs.ts';
import type { aLog } from './a-log.ts';

/** One log on one Redis; each check opens a session of its own in it. */
type Log = ReturnType<typeof aLog>;
/** Throws where the scripts do not hold what its name says. */
export type Invariant = (it: Log) => Promise<void>;

/** What the scripts promise, each as one small story. The names count as in the design's list of invariants. */
export const invariants: Record<string, Invariant> = {
  'I1 a second owner gets no lease while the first one lives': async (it) => {
    const s = await opened(it);
    await s.claim();
    expect(await it.log.claim(s.owner, 5_000)).toBeNull();
  },
  'I1 who lost the lease cannot commit': async (it) => {
    const { s, old } = await takenOver(it);
    expect(await s.commit(old, [replied(1)])).toEqual({ is: 'FENCED' });
    expect(await s.types()).toEqual(['opened']);
  },
  'I1 who lost the lease cannot let go of it': async (it) => {
    const { s, old } = await takenOver(it);
    expect(await s.park(old)).toBe('fenced');
    expect(await it.redis.hget(it.keys.st(s.sid), 'owner')).not.toBe('');
  },
  'I1 nothing is written from outside once the session has ended': async (it) => {
    const s = await opened(it);
    await s.end(await s.claim());
    expect(await s.tell('late')).toMatchObject({ is: 'closed' });
    expect(await s.types()).toEqual(['opened', 'ended']);
  },
  'I1 once the session has ended its owner writes no more, and nobody gets the lease': async (it) => {
    const s = await opened(it);
    const fence = await s.claim();
    await s.end(fence);
    expect(await s.commit(fence, [replied(1)])).toEqual({ is: 'FENCED' });
    expect(await s.claim()).toBe(-1);
    expect(await s.types()).toEqual(['opened', 'ended']);
  },
  'I1 nothing is stored after its deadline': async (it) => {
    const s = await opened(it);
    expect(await s.tell('late', 'message', { withinMs: -1 })).toEqual({ is: 'late' });
    expect(await s.types()).toEqual(['opened']);
  },
  'I2 a commit whose line does not follow the last one is not written': async (it) => {
    const s = await opened(it);
    const fence = await s.claim();
    const forged = nextLine({ seq: 1, head: ZERO_HEAD }, AT, s.sid, replied(1));
    expect((await s.commitRaw(fence, 'op', [['replied', forged.line, forged.hash]]))[0]).toBe('MOVED');
    expect(await s.types()).toEqual(['opened']);
  },
  'I2 one wrong line in a batch writes none of them': async (it) => {
    const s = await opened(it);
    const fence = await s.claim();
    const good = nextLine(await it.log.tip(s.sid), AT, s.sid, replied(1));
    const wrong = nextLine({ seq: good.seq, head: 'f'.repeat(64) }, AT, s.sid, replied(1));
    const answer = await s.commitRaw(fence, 'op', [
      ['replied', good.line, good.hash],
      ['replied', wrong.line, wrong.hash],
    ]);
    expect(answer[0]).toBe('MOVED');
    expect(await s.types()).toEqual(['opened']);
  },
  'I2 ten writers from outside and an owner make one unbroken chain': async (it) => {
    const s = await opened(it);
    const fence = await s.claim();
    await Promise.all([...Array.from({ length: 10 }, (_, i) => s.tell(`w${i}`)), s.commit(fence, [replied(1)])]);
    expect(verify(await it.log.lines(s.sid))).toMatchObject({ ok: true, lines: 12 });
  },
  'I2 fences grow along the log': async (it) => {
    const s = await opened(it);
    const first = await s.claim();
    await s.park(first);
    expect(await s.claim()).toBeGreaterThan(first);
  },
  'I3 a session that was told something is looked at now': async (it) => {
    const s = await opened(it);
    const fence = await s.claim();
    await s.park(fence, it.log.now() + 60_000);
    await s.tell('hi');
    expect(await s.dueInMs()).toBeLessThanOrEqual(0);
  },
  'I3 whose owner died is looked at when its lease is over': async (it) => {
    const s = await opened(it);
    await s.claim();
    expect(await s.dueInMs()).toBeGreaterThan(3_000);
    expect(await s.dueInMs()).toBeLessThanOrEqual(5_000);
  },
  'I3 nothing falls between the last look and the sleep': async (it) => {
    const s = await opened(it);
    const fence = await s.claim();
    const seen = await it.log.tip(s.sid);
    await s.tell('hi');
    expect(await s.park(fence, it.log.now() + 60_000, seen)).toBe('unseen');
    expect(await s.park(fence, it.log.now() + 60_000)).toBe('parked');
  },
  'I3 who remembers lines that are gone puts nobody to sleep': async (it) => {
    const s = await opened(it);
    const fence = await s.claim();
    const head = 'f'.repeat(64);
    for (const seq of [1, 3]) expect(await s.park(fence, null, { seq, head })).toBe('fenced');
    expect(await s.dueInMs()).toBeLessThanOrEqual(5_000);
  },
  'I3 a session that waits for nothing by time stays in the list': async (it) => {
    const s = await opened(it);
    await s.park(await s.claim());
    expect(await s.dueInMs()).toBeGreaterThan(3_600_000);
  },
  'I3 a session that has ended is looked at no more, but its thread is': async (it) => {
    const s = await opened(it);
    await it.log.shown(s.sid, 1, null);
    await s.end(await s.claim());
    expect(await it.redis.zscore(it.keys.due, s.sid)).toBeNull();
    expect(await it.redis.zscore(it.keys.stale, s.sid)).not.toBeNull();
  },
  'I3 who lets go of what has ended, or keeps it, does not bring it back': async (it) => {
    const s = await opened(it);
    const fence = await s.claim();
    await s.end(fence);
    expect(await it.log.renew(s.owner, fence, 5_000)).toBeNull();
    expect(await s.park(fence)).toBe('fenced');
    expect(await it.redis.zscore(it.keys.due, s.sid)).toBeNull();
  },
  'I3 a thread is looked at until exactly the last line is shown': async (it) => {
    const s = await opened(it);
    expect(await it.log.shown(s.sid, 0, null)).toBe(false);
    expect(await it.redis.zscore(it.keys.stale, s.sid)).not.toBeNull();
    expect(await it.log.shown(s.sid, 1, null)).toBe(true);
    await s.tell('hi');
    expect(await it.redis.zscore(it.keys.stale, s.sid)).not.toBeNull();
  },
  'I3 a thread that somebody has looked at anew while it is drawn stays in the list': async (it) => {
    const s = await opened(it);
    const marked = await it.redis.zscore(it.keys.stale, s.sid);
    const anew = Number(marked) + 1;
    await it.redis.zadd(it.keys.stale, anew, s.sid);
    expect(await it.log.shown(s.sid, 1, null, marked)).toBe(false);
    expect(await it.redis.zscore(it.keys.stale, s.sid)).toBe(String(anew));
    expect(await it.log.shown(s.sid, 1, null, String(anew))).toBe(true);
    expect(await it.log.shown(s.sid, 1, anew, String(anew))).toBe(false);
    expect(await it.redis.zscore(it.keys.stale, s.sid)).toBeNull();
    expect(await it.log.shown(s.sid, 1, anew, null)).toBe(true);
  },
  'I5 nothing starts after a stop': async (it) => {
    const s = await opened(it);
    const fence = await s.askForApproval();
    await s.approve('U2');
    await s.tell('', 'stop');
    expect(await s.effect(fence)).toEqual({ is: 'STOPPED' });
    expect(await s.types()).not.toContain('call_started');
  },
  'I5 after a stop the own run can still be canceled': async (it) => {
    const s = await opened(it);
    const fence = await s.claim();
    await s.commit(fence, [replied(1, [{ id: 'c1', tool: 'cancel_job_run' }])]);
    await s.tell('', 'stop');
    expect(await s.commit(fence, [s.start()], { is: 'cancel', executionExpiresMs: 900_000 })).toMatchObject({ is: 'OK' });
  },
  'I6 a gated call does not start before its approval': async (it) => {
    const s = await opened(it);
    const fence = await s.askForApproval();
    expect(await s.effect(fence)).toEqual({ is: 'REFUSED', state: 'pending' });
  },
  'I6 an approval is used once': async (it) => {
    const s = await opened(it);
    const fence = await s.askForApproval();
    await s.approve('U2');
    expect(await s.effect(fence)).toMatchObject({ is: 'OK' });
    expect(await s.effect(fence)).toEqual({ is: 'REFUSED', state: 'used' });
  },
  'I6 what starts has the digest that was approved': async (it) => {
    const s = await opened(it);
    const fence = await s.askForApproval();
    await s.approve('U2');
    expect(await s.effect(fence, { digest: 'b'.repeat(64) })).toEqual({ is: 'REFUSED', state: 'changed' });
    expect(await s.effect(fence)).toMatchObject({ is: 'OK' });
  },
  'I6 an approval that was given too long ago starts nothing': async (it) => {
    const s = await opened(it);
    const fence = await s.askForApproval();
    await s.approve('U2');
    await new Promise((r) => setTimeout(r, 20));
    expect(await s.effect(fence, {}, 5)).toEqual({ is: 'REFUSED', state: 'late' });
  },
  'I6 a vote that was taken back starts nothing': async (it) => {
    const s = await opened(it);
    const fence = await s.askForApproval();
    await s.approve('U2');
    expect(await s.decide('withdraw', 'U2')).toMatchObject({ is: 'stored' });
    expect(await s.effect(fence)).toEqual({ is: 'REFUSED', state: 'pending' });
  },
  'I6 a question that was withdrawn cannot be approved': async (it) => {
    const s = await opened(it);
    const fence = await s.askForApproval();
    await s.commit(fence, [{ type: 'withdrawn', call: 'c1', approval: s.approval, by: 'U1', of: 'question', why: 'changed' }]);
    expect(await s.approve('U2')).toMatchObject({ is: 'decided', state: 'withdrawn' });
  },
  'I6 of an approval and a denial at once one counts': async (it) => {
    const s = await opened(it);
    await s.askForApproval();
    const answers = await Promise.all([s.approve('U2'), s.decide('deny', 'U3')]);
    expect(answers.map((a) => a.is).sort()).toEqual(['decided', 'stored']);
  },
  'I6 what was denied cannot be approved any more': async (it) => {
    const s = await opened(it);
    const fence = await s.askForApproval();
    expect(await s.decide('deny', 'U3')).toMatchObject({ is: 'stored' });
    expect(await s.approve('U2')).toMatchObject({ is: 'decided', state: 'denied' });
    expect(await s.effect(fence)).toEqual({ is: 'REFUSED', state: 'denied' });
  },
  'I6 nobody takes back a vote that was never given': async (it) => {
    const s = await opened(it);
    const fence = await s.askForApproval();
    await s.approve('U2');
    expect(await s.decide('withdraw', 'U3')).toMatchObject({ is: 'decided' });
    expect(await s.effect(fence)).toMatchObject({ is: 'OK' });
  },
  'I6 an edit closes the old question and asks a new one, of its own bytes and with no votes': async (it) => {
    const s = await opened(it);
    const fence = await s.askForApproval();
    const digest = 'c'.repeat(64);
    const preview = { summary: 'Run', facts: [], changes: [] };
    const edit = {
      do: 'edit',
      session: s.sid,
      approval: s.approval,
      by: 'U3',
      digest,
      arguments: { n: 1 },
      preview,
      input: { n: 1 },
      expiresAfterMs: 60_000,
    } as const;
    expect(await it.deliver(`edit-${s.sid}`, edit)).toMatchObject({ is: 'stored' });
    expect(await s.approve('U2')).toMatchObject({ is: 'decided', state: 'edited' });
    const next = editedApproval(s.approval, digest);
    const start = (of: string) =>
      it.log
        .tip(s.sid)
        .then((tip) =>
          it.log.commit(s.owner, fence, tip, [s.start({ digest: of, approval: next })], { is: 'effect', approval: next, executionExpiresMs: 900_000 }),
        );
    expect(await start(digest)).toEqual({ is: 'REFUSED', state: 'pending' });
    expect(await it.deliver(`ok-${next}`, { do: 'approve', session: s.sid, approval: next, by: 'U2' })).toMatchObject({ is: 'stored' });
    expect(await start(DIGEST)).toEqual({ is: 'REFUSED', state: 'changed' });
    expect(await start(digest)).toMatchObject({ is: 'OK' });
  },
  'I6 an approval comes too late for what has expired': async (it) => {
    const s = await opened(it);
    await s.askForApproval();
    expect(await s.decide('expire', 'U1')).toMatchObject({ is: 'stored' });
    expect(await s.approve('U2')).toMatchObject({ is: 'decided', state: 'expired' });
  },
  'I6 a quorum of two needs two people': async (it) => {
    const s = await opened(it);
    const fence = await s.askForApproval(2);
    await s.approve('U2');
    expect(await s.effect(fence)).toEqual({ is: 'REFUSED', state: 'pending' });
    expect(await s.approve('U2', 'again')).toMatchObject({ is: 'duplicate' });
    expect(await s.effect(fence)).toEqual({ is: 'REFUSED', state: 'pending' });
    await s.approve('U3');
    expect(await s.effect(fence)).toMatchObject({ is: 'OK' });
  },
  'I7 a session does not end over something unread': async (it) => {
    const s = await opened(it);
    const fence = await s.claim();
    await s.tell('wait');
    expect(await s.end(fence, 1)).toEqual({ is: 'UNREAD' });
    expect(await s.end(fence, 2)).toMatchObject({ is: 'OK' });
  },
  'I8 the same delivery twice is one line, for as long as the session lives': async (it) => {
    const s = await opened(it);
    expect(await s.tell('hi')).toMatchObject({ is: 'stored' });
    await it.redis.del(it.keys.seen(`hi-${s.sid}`));
    expect(await s.tell('hi')).toMatchObject({ is: 'duplicate' });
    expect(await s.types()).toEqual(['opened', 'told']);
  },
  'I8 the same delivery to another session is a duplicate too': async (it) => {
    const [a, b] = [await opened(it), await opened(it)];
    await a.tell('hi', 'message', {}, 'both');
    expect(await b.tell('hi', 'message', {}, 'both')).toMatchObject({ is: 'duplicate', session: a.sid });
    await it.redis.del(it.keys.seen('both'));
  },
  'I8 the same commit sent twice is once': async (it) => {
    const s = await opened(it);
    const fence = await s.claim();
    const good = nextLine(await it.log.tip(s.sid), AT, s.sid, replied(1));
    const send = () => s.commitRaw(fence, 'same-op', [['replied', good.line, good.hash]]);
    expect([(await send())[0], (await send())[0]]).toEqual(['OK', 'OK']);
    expect(await s.types()).toEqual(['opened', 'replied']);
  },
  'I10 who lost the lease cannot keep it': async (it) => {
    const { s, old } = await takenOver(it);
    expect(await it.log.renew(s.owner, old, 5_000)).toBeNull();
  },
  'I11 a session that waits holds no lease': async (it) => {
    const s = await opened(it);
    await s.park(await s.claim());
    expect(await it.redis.hmget(it.keys.st(s.sid), 'owner', 'lease')).toEqual(['', '0']);
  },
  'I12 a bell that is lost is rung again': async (it) => {
    const s = await opened(it);
    expect(await it.log.ring(1_000, 400)).toContain(s.sid);
    expect(await it.log.ring(1_000, 400)).not.toContain(s.sid);
    await new Promise((r) => setTimeout(r, 450));
    expect(await it.log.ring(1_000, 400)).toContain(s.sid);
  },
  'I12 a list of who is due that was lost is made anew from what is open': async (it) => {
    const [open, ended] = [await opened(it), await opened(it)];
    await ended.end(await ended.claim());
    await it.redis.zrem(it.keys.due, open.sid);
    expect([await it.log.remind(open.sid), await it.log.remind(open.sid), await it.log.remind(ended.sid)]).toEqual([true, false, false]);
    expect(await open.dueInMs()).toBeLessThanOrEqual(0);
    expect(await it.redis.zscore(it.keys.due, ended.sid)).toBeNull();
  },
  'I12 being reminded of makes nobody early': async (it) => {
    const s = await opened(it);
    await s.park(await s.claim(), it.log.now() + 60_000);
    await it.log.remind(s.sid);
    expect(await s.dueInMs()).toBeGreaterThan(30_000);
  },
  'I12 a wait for a run is watched until its call is finished': async (it) => {
    const s = await opened(it);
    const fence = await s.claim();
    await s.commit(fence, [replied(1, [{ id: 'w', tool: 'wait_for_job' }]), WAIT]);
    expect(await it.redis.hexists(it.keys.waits, `${s.sid} w`)).toBe(1);
    await s.commit(fence, [finished('w')]);
    expect(await it.redis.hexists(it.keys.waits, `${s.sid} w`)).toBe(0);
  },
};

const AT = '2026-11-01T00:00:00Z';
const WAIT: EventOf<'call_parked'> = {
  type: 'call_parked',
  call: 'w',
  waiting: { for: 'job', run_ids: ['7'], until: 'all', conditions: [], deadline: null },
};

let opens = 0;

/** A fresh session, and short words for what is done to it. */
async function opened(it: Log) {
  const sid = `inv${++opens}`;
  const owner = it.owner(sid);
  const approval = `${sid}/1`;
  expect(await it.open(sid)).toMatchObject({ is: 'stored' });
  const claim = async () => (await it.log.claim(owner, 5_000))?.fence ?? -1;
  const commit = async (fence: number, events: readonly SessionEvent[], guard: Parameters<Log['log']['commit']>[4] = { is: '' }) =>
    it.log.commit(owner, fence, await it.log.tip(sid), events, guard);
  const start = (change: Partial<EventOf<'call_started'>> = {}) => ({ ...started('c1'), approval, ...change });
  return {
    ...{ sid, owner, approval, claim, commit, start },
    park: async (fence: number, wakeAt: number | null = null, seen?: Tip) => it.log.park(owner, fence, seen ?? (await it.log.tip(sid)), wakeAt),
    types: async () => (await it.log.read(sid)).map((e) => e.event.type),
    dueInMs: async () => Number(await it.redis.zscore(it.keys.due, sid)) - (await it.log.time()),
    tell: (text: string, kind: 'message' | 'stop' = 'message', options: { withinMs?: number } = {}, key = `${text}-${sid}`) =>
      it.deliver(key, { do: 'tell', session: sid, by: 'U1', text, ts: null, kind, standing: 'requester' }, options),
    approve: (by: string, key = '') => it.deliver(`ok-${by}-${key}-${sid}`, { do: 'approve', session: sid, approval, by }),
    decide: (what: 'deny' | 'withdraw' | 'expire', by: string) => it.deliver(`${what}-${by}-${sid}`, { do: what, session: sid, approval, by }),
    end: (fence: number, seen?: number) =>
      commit(fence, [{ type: 'ended', outcome: 'done', text: '' }], seen === undefined ? { is: '' } : { is: 'quiet', seen }),
    effect: (fence: number, change: Partial<EventOf<'call_started'>> = {}, executionExpiresMs = 900_000) =>
      commit(fence, [start(change)], { is: 'effect', approval, executionExpiresMs }),
    async askForApproval(need = 1) {
      const fence = await claim();
      const preview = { summary: 'Run', facts: [], changes: [] };
      const waiting = { for: 'approval' as const, approval, digest: DIGEST, arguments: {}, preview, expires_at: '2100-01-01T00:00:00.000Z', need };
      await commit(fence, [replied(1, [{ id: 'c1', tool: 'run_databricks_job' }]), { type: 'call_parked', call: 'c1', waiting }]);
      return fence;
    },
    /** A commit to the byte, as a client sends it again after a lost reply. Lines are [type, line, hash]. */
    commitRaw(fence: number, op: string, lines: string[][]): Promise<string[]> {
      const { keys } = it;
      const all = [keys.log(sid), keys.st(sid), keys.stale, keys.waits, keys.idem(sid), keys.due, keys.liveTeam('T1'), keys.liveUser('T1', 'U1')];
      return (it.redis as unknown as { lm_commit(...args: unknown[]): Promise<string[]> }).lm_commit(
        all.length,
        ...all,
        fence,
        op,
        '',
        ...lines.flatMap((line) => [...line, '']),
      );
    },
  };
}

/** A session whose first owner was away for longer than its lease, and whose second owner is at work. */
async function takenOver(it: Log) {
  const s = await opened(it);
  const old = (await it.log.claim(s.owner, 1))?.fence ?? -1;
  await new Promise((r) => setTimeout(r, 5));
  const now = await s.claim();
  expect(now).toBeGreaterThan(old);
  return { s, old };
}
