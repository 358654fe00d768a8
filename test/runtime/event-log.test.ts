import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { BrokenChain } from '../../src/runtime/read-line.ts';
import { scripts } from '../../src/runtime/redis.ts';
import { nextLine, verify } from '../../src/session/chain.ts';
import type { EventOf, SessionEvent } from '../../src/session/events.ts';
import { DIGEST, finished, replied, started } from '../session/logs.ts';
import { aLog } from './a-log.ts';

const it = aLog();
const { log, deliver, reading, redis, keys, owner } = it;
afterAll(it.close);

let n = 0;
let sid = '';
beforeEach(async () => {
  sid = `s${++n}`;
  await it.open(sid);
});

const claim = async () => (await log.claim(owner(sid), 5_000))?.fence ?? -1;
const commit = async (fence: number, events: Parameters<typeof log.commit>[3], guard: Parameters<typeof log.commit>[4] = { is: '' }) =>
  log.commit(owner(sid), fence, await log.tip(sid), events, guard);
const park = async (fence: number) => log.park(owner(sid), fence, await log.tip(sid), null);
const asking = (need = 1): EventOf<'call_parked'> => ({
  type: 'call_parked',
  call: 'c1',
  waiting: {
    for: 'approval',
    approval: `${sid}/1`,
    digest: DIGEST,
    arguments: {},
    preview: { summary: 'Run', facts: [], changes: [] },
    expires_at: '2100-01-01T00:00:00.000Z',
    need,
  },
});
const askForApproval = async (need = 1) => {
  const fence = await claim();
  await commit(fence, [replied(1, [{ id: 'c1', tool: 'run_databricks_job' }]), asking(need)]);
  return fence;
};
const start = () => ({ ...started('c1'), approval: `${sid}/1` });
const effect = (approval?: string) => ({ is: 'effect' as const, approval: approval ?? `${sid}/1`, executionExpiresMs: 900_000 });
const types = async () => (await log.read(sid)).map((e) => e.event.type);

describe('from outside', () => {
  test('the same delivery four times is one line, and every answer names it', async () => {
    const say = () => deliver('ev-1', { do: 'tell', session: sid, by: 'U1', text: 'hi', ts: null, kind: 'message', standing: 'requester' });
    const answers = await Promise.all([say(), say(), say(), say()]);
    expect(answers.map((a) => a.is).sort()).toEqual(['duplicate', 'duplicate', 'duplicate', 'stored']);
    expect(await types()).toEqual(['opened', 'told']);
  });

  test('a delivery that is repeated into another session is still a duplicate', async () => {
    await deliver('ev-both', { do: 'tell', session: sid, by: 'U1', text: 'hi', ts: null, kind: 'message', standing: 'requester' });
    const again = await deliver('ev-both', {
      do: 'open',
      session: `${sid}-other`,
      team: 'T1',
      channel: 'C0ML',
      thread: null,
      by: 'U1',
      prompt: 'hi',
      door: 'mention',
    });
    expect(again).toMatchObject({ is: 'duplicate', session: sid });
  });

  test('nothing is stored after its deadline', async () => {
    expect(
      await deliver('late', { do: 'tell', session: sid, by: 'U1', text: 'hi', ts: null, kind: 'message', standing: 'requester' }, { withinMs: -1 }),
    ).toEqual({ is: 'late' });
    expect(await types()).toEqual(['opened']);
  });

  test('twenty writers at once make one unbroken chain', async () => {
    await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        deliver(`w${i}`, { do: 'tell', session: sid, by: 'U1', text: `${i}`, ts: null, kind: 'message', standing: 'requester' }),
      ),
    );
    const stored = await reading.lines(sid);
    expect(verify(stored!.lines)).toMatchObject({ ok: true, lines: 21, head: stored!.head });
  });

  test('of approve and deny at once exactly one counts, and the other is told', async () => {
    await askForApproval();
    const approval = `${sid}/1`;
    const answers = await Promise.all([
      deliver('k1', { do: 'approve', session: sid, approval, by: 'U2' }),
      deliver('k2', { do: 'deny', session: sid, approval, by: 'U3' }),
    ]);
    expect(answers.map((a) => a.is).sort()).toEqual(['decided', 'stored']);
    const decided = answers.find((a) => a.is === 'decided');
    expect(decided).toMatchObject({ by: expect.stringMatching(/U[23]/), at: expect.any(String) });
  });

  test('a quorum of two needs two people, not one twice', async () => {
    await askForApproval(2);
    const approve = (by: string, key: string) => deliver(key, { do: 'approve', session: sid, approval: `${sid}/1`, by });
    expect(await approve('U2', 'q1')).toMatchObject({ is: 'stored', votes: 1, need: 2 });
    expect(await approve('U2', 'q2')).toMatchObject({ is: 'duplicate' });
    expect((await reading.session(sid))?.approvals.get(`${sid}/1`)?.state).toBe('pending');
    expect(await approve('U3', 'q3')).toMatchObject({ is: 'stored', votes: 2 });
    expect((await reading.session(sid))?.approvals.get(`${sid}/1`)?.state).toBe('approved');
  });

  test('an approval of what is not there is unknown, and stores nothing', async () => {
    expect(await deliver('x', { do: 'approve', session: sid, approval: `${sid}/9`, by: 'U2' })).toEqual({ is: 'unknown' });
    expect(await deliver('y', { do: 'approve', session: 'nobody', approval: 'nobody/1', by: 'U2' })).toEqual({ is: 'unknown' });
    expect(await types()).toEqual(['opened']);
  });

  test('a person may have only so many sessions open, and is told the limit', async () => {
    const small = aLog({ perUser: 1, perTeam: 5 });
    await small.open('a');
    expect(await small.open('b')).toEqual({ is: 'limit', which: 'user', limit: 1 });
    await small.close();
  });
});

describe('the owner', () => {
  test('a lease excludes everybody else, and a fence is never given twice', async () => {
    const fence = await claim();
    expect(await log.claim(owner(sid), 5_000)).toBeNull();
    await park(fence);
    expect(await claim()).toBe(fence + 1);
  });

  test('a zombie cannot commit, renew or park', async () => {
    const zombie = await claim();
    await park(zombie);
    await claim();
    expect(await commit(zombie, [replied(1)])).toEqual({ is: 'FENCED' });
    expect(await log.renew(owner(sid), zombie, 5_000)).toBeNull();
    expect(await park(zombie)).toBe('fenced');
    expect(await types()).toEqual(['opened']);
  });

  test('who has let go takes nothing back: the time to wake stays as it was written', async () => {
    const fence = await claim();
    const tip = await log.tip(sid);
    const at = (await log.time()) + 60_000;
    expect(await log.park(owner(sid), fence, tip, at)).toBe('parked');
    expect(await log.renew(owner(sid), fence, 5_000)).toBeNull();
    expect(Number(await redis.zscore(keys.due, sid))).toBe(at);
  });

  test('a claim that is sent twice, as its answer was lost, is one', async () => {
    const run = (who: string) =>
      scripts(redis).run('claim', [keys.log(sid), keys.st(sid), keys.stale, keys.waits, keys.idem(sid), keys.due], [sid, who, 5_000]);
    const first = (await run('me')) as string[];
    expect(await run('me')).toEqual([...first.slice(0, 2), expect.any(String), ...first.slice(3)]);
    expect(await run('somebody else')).toEqual(['BUSY']);
  });

  test('a commit steps over a line that came in between, and keeps its content', async () => {
    const fence = await claim();
    const old = await log.tip(sid);
    await deliver('between', { do: 'tell', session: sid, by: 'U1', text: 'hi', ts: null, kind: 'message', standing: 'requester' });
    expect(await log.commit(owner(sid), fence, old, [replied(1)], { is: '' })).toMatchObject({ is: 'OK', tip: { seq: 3 } });
    expect(await types()).toEqual(['opened', 'told', 'replied']);
  });

  test('nothing falls between the last look and the sleep', async () => {
    const fence = await claim();
    const seen = await log.tip(sid);
    await deliver('click', { do: 'tell', session: sid, by: 'U1', text: 'hi', ts: null, kind: 'message', standing: 'requester' });
    expect(await log.park(owner(sid), fence, seen, null)).toBe('unseen');
    expect(await park(fence)).toBe('parked');
  });

  test('a session does not end over something unread', async () => {
    const fence = await claim();
    await deliver('last', { do: 'tell', session: sid, by: 'U1', text: 'wait', ts: null, kind: 'message', standing: 'requester' });
    expect(await commit(fence, [{ type: 'ended', outcome: 'done', text: '' }], { is: 'quiet', seen: 1 })).toEqual({ is: 'UNREAD' });
    expect(await commit(fence, [{ type: 'ended', outcome: 'done', text: '' }], { is: 'quiet', seen: 2 })).toMatchObject({ is: 'OK' });
    expect(await redis.zscore(keys.due, sid)).toBeNull();
    expect(await redis.zscore(keys.stale, sid)).not.toBeNull();
    expect(await deliver('after', { do: 'tell', session: sid, by: 'U1', text: 'x', ts: null, kind: 'message', standing: 'requester' })).toMatchObject({
      is: 'closed',
    });
  });

  test('one wrong line in a batch writes nothing', async () => {
    const fence = await claim();
    const tip = await log.tip(sid);
    const good = nextLine(tip, '2026-11-01T00:00:00Z', sid, replied(1));
    const wrong = nextLine({ seq: good.seq, head: 'f'.repeat(64) }, '2026-11-01T00:00:00Z', sid, replied(1));
    const four = [4, keys.log(sid), keys.st(sid), keys.stale, keys.waits];
    const args = [fence, 'op', '', 'replied', good.line, good.hash, '', 'replied', wrong.line, wrong.hash, ''];
    const answer = await (redis as unknown as { lm_commit(...a: unknown[]): Promise<string[]> }).lm_commit(...four, ...args);
    expect(answer[0]).toBe('MOVED');
    expect(await types()).toEqual(['opened']);
  });

  test('the same commit sent twice is once', async () => {
    const fence = await claim();
    const good = nextLine(await log.tip(sid), '2026-11-01T00:00:00Z', sid, replied(1));
    const four = [4, keys.log(sid), keys.st(sid), keys.stale, keys.waits];
    const send = () =>
      (redis as unknown as { lm_commit(...a: unknown[]): Promise<string[]> }).lm_commit(...four, fence, 'same-op', '', 'replied', good.line, good.hash, '');
    expect([(await send())[0], (await send())[0]]).toEqual(['OK', 'OK']);
    expect(await types()).toEqual(['opened', 'replied']);
  });
});

describe('effects', () => {
  test('run only from approved, and an approval is used once', async () => {
    const fence = await askForApproval();
    expect(await commit(fence, [start()], effect())).toEqual({ is: 'REFUSED', state: 'pending' });
    await deliver(`ok-${sid}`, { do: 'approve', session: sid, approval: `${sid}/1`, by: 'U2' });
    expect(await commit(fence, [start()], effect())).toMatchObject({ is: 'OK' });
    expect(await commit(fence, [start()], effect())).toEqual({ is: 'REFUSED', state: 'used' });
  });

  test('do not run under a guard that cannot be read', async () => {
    const fence = await askForApproval();
    await expect(commit(fence, [start()], effect(`${sid}/1 and more`))).rejects.toThrow('the guard cannot be read');
    expect(await types()).toEqual(['opened', 'replied', 'call_parked']);
  });

  test('do not run on an approval that was given too long ago', async () => {
    const fence = await askForApproval();
    await deliver(`ok-${sid}`, { do: 'approve', session: sid, approval: `${sid}/1`, by: 'U2' });
    await new Promise((r) => setTimeout(r, 20));
    expect(await commit(fence, [start()], { ...effect(), executionExpiresMs: 5 })).toEqual({ is: 'REFUSED', state: 'late' });
  });

  test('do not run on an approval that was taken back', async () => {
    const fence = await askForApproval();
    await deliver(`ok-${sid}`, { do: 'approve', session: sid, approval: `${sid}/1`, by: 'U2' });
    expect(await deliver(`back-${sid}`, { do: 'withdraw', session: sid, approval: `${sid}/1`, by: 'U2' })).toMatchObject({ is: 'stored' });
    expect(await commit(fence, [start()], effect())).toEqual({ is: 'REFUSED', state: 'pending' });
  });

  test('do not begin after a stop, but for cancelling a run', async () => {
    const fence = await askForApproval();
    await deliver(`ok-${sid}`, { do: 'approve', session: sid, approval: `${sid}/1`, by: 'U2' });
    await deliver(`stop-${sid}`, { do: 'tell', session: sid, by: 'U1', text: '', ts: null, kind: 'stop', standing: 'requester' });
    expect(await commit(fence, [start()], effect())).toEqual({ is: 'STOPPED' });
    expect(await commit(fence, [start()], { is: 'cancel', executionExpiresMs: 900_000 })).toMatchObject({ is: 'OK' });
  });
});

describe('the bell and the thread', () => {
  test('who is due is rung and put off, so that a lost bell is rung again', async () => {
    const alone = aLog();
    await alone.open('due');
    const before = await alone.log.time();
    expect(await alone.log.ring(10, 60_000)).toEqual(['due']);
    expect(await alone.log.ring(10, 60_000)).toEqual([]);
    const again = Number(await alone.redis.zscore(alone.keys.due, 'due'));
    // To the millisecond Redis' clock is not known here.
    expect(again).toBeGreaterThanOrEqual(before + 60_000 - 50);
    // The time has come, however slow this machine is.
    await alone.redis.zadd(alone.keys.due, before, 'due');
    expect(await alone.log.ring(10, 60_000)).toEqual(['due']);
    await alone.close();
  });

  test('a thread stays in the list until exactly the last line is shown', async () => {
    expect(await log.shown(sid, 0, null)).toBe(false);
    expect(await log.shown(sid, 1, null)).toBe(true);
    expect(await redis.zscore(keys.stale, sid)).toBeNull();
  });

  test.each<[string, SessionEvent]>([
    ['finished', finished('w')],
    ['refused', { type: 'refused', of: 'call', call: 'w', why: 'A rule denies it now.' }],
  ])('a wait for a run is in the watcher list until its call is %s', async (_, over) => {
    const fence = await claim();
    await commit(fence, [
      replied(1, [{ id: 'w', tool: 'wait_for_job' }]),
      { type: 'call_parked', call: 'w', waiting: { for: 'job', run_ids: ['7'], until: 'all', conditions: [], deadline: null } },
    ]);
    expect(await redis.hget(keys.waits, `${sid} w`)).toMatch(/^3 \{"run_ids":\["7"\]/);
    await commit(fence, [over]);
    expect(await redis.hexists(keys.waits, `${sid} w`)).toBe(0);
  });
});

test('a limiter gives one place a second, after a quiet time several at once, and says how long the next one waits', async () => {
  const take = (name: string, atOnce?: number) => log.take(`${sid}:${name}`, 1_000, atOnce);
  expect([await take('one'), await take('several', 3), await take('several', 3), await take('several', 3)]).toEqual([0, 0, 0, 0]);
  for (const wait of [await take('one'), await take('several', 3)]) expect(wait > 500 && wait <= 1_000).toBe(true);
});

describe('reading', () => {
  test('a payload over 32 KB stands beside the record and comes back whole', async () => {
    const long = 'x'.repeat(100_000);
    await deliver('long', { do: 'tell', session: sid, by: 'U1', text: long, ts: null, kind: 'message', standing: 'requester' });
    const [, line = ''] = (await reading.lines(sid))!.lines;
    expect(line.length).toBeLessThan(1_000);
    expect((await reading.session(sid))?.told[0]?.text).toBe(long);
  });

  test('a changed byte is found by the next reader, who does not act', async () => {
    const rows = await redis.xrange(keys.log(sid), '-', '+');
    const [, fields] = rows[0]!;
    const at = fields.indexOf('l') + 1;
    await redis.del(keys.log(sid));
    await redis.xadd(keys.log(sid), '1-0', ...fields.map((f, i) => (i === at ? f.replace('Run it', 'Run IT') : f)));
    await deliver('next', { do: 'tell', session: sid, by: 'U1', text: 'x', ts: null, kind: 'message', standing: 'requester' }).catch(() => {});
    await redis.hset(keys.st(sid), 'status', 'open');
    await expect(
      log.read(sid).then(async (entries) => (entries.length < 2 ? Promise.reject(new BrokenChain('only one line', { session: sid, line: 1 })) : entries)),
    ).rejects.toBeInstanceOf(BrokenChain);
  });
});
