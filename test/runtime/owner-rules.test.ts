import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { effectKey } from '../../src/policy/digest.ts';
import { type AdvanceDeps, advance, type Perform } from '../../src/runtime/advance.ts';
import { rebuildDue } from '../../src/runtime/keep-due.ts';
import type { SessionEvent } from '../../src/session/events.ts';
import { fold } from '../../src/session/fold.ts';
import { next } from '../../src/session/next.ts';
import { asks, entriesOf, finished, LIMITS, opened, replied, START, started } from '../session/logs.ts';
import { aLog } from './a-log.ts';

/** A call that a rule let go. */
const free = (call: string, timeoutMs = 0) => {
  const { approval: _asked, ...rest } = started(call, 'create_github_pr', timeoutMs);
  return { ...rest, rule: 'tests' };
};

/** Promises that no script can keep alone: the owner's side of the list of invariants. */
describe('the owner of a session', () => {
  let it: ReturnType<typeof aLog>;
  beforeAll(() => {
    it = aLog();
  });
  afterAll(() => it.close());

  const turn = (sid: string, perform: Perform) => {
    const deps: AdvanceDeps = { log: it.log, perform, expire: async () => {}, limits: LIMITS, executionExpiresMs: 60_000, rested: async () => {} };
    return advance(sid, deps);
  };

  test('I4 a call that was started comes before every other step, until it is finished', () => {
    const log: SessionEvent[] = [
      opened(),
      replied(1, [
        { id: 'c1', tool: 'run_databricks_job' },
        { id: 'c2', tool: 'compare_runs' },
      ]),
      free('c1'),
    ];
    const step = (events: SessionEvent[]) => {
      const is = next(fold('s1', entriesOf(events))!, START + 3_600_000, LIMITS);
      return is.do === 'call' ? is.call.id : is.do;
    };
    expect(step(log)).toBe('c1');
    expect(step([...log, finished('c1')])).toBe('c2');
    expect(step([...log, finished('c1'), finished('c2')])).toBe('think');
  });

  test('I4 an effect that may still be in flight is not looked up yet', () => {
    const session = fold('s1', entriesOf([opened(), replied(1, [{ id: 'c1', tool: 'create_github_pr' }]), free('c1', 6_000)]))!;
    const at = START + 2 * 60_000;
    expect(next(session, at + 6_999, LIMITS)).toEqual({ do: 'park', until: at + 7_000 });
    expect(next(session, at + 7_000, LIMITS)).toMatchObject({ do: 'call', call: { id: 'c1' } });
  });

  test('I9 the key of an effect is a function of session and call alone', () => {
    expect(effectKey('s1', 'c1')).toBe(effectKey('s1', 'c1'));
    expect(effectKey('s1', 'c1')).toMatch(/^[0-9a-f]{64}$/);
    expect(new Set([effectKey('s1', 'c1'), effectKey('s1', 'c2'), effectKey('s2', 'c1'), effectKey('s1/c', '1')]).size).toBe(4);
  });

  test('I10 who was away for longer than the lease is told that it may not act, and its claim is refused', async () => {
    await it.open('zombie');
    const answers: unknown[] = [];
    await turn('zombie', async (_, own) => {
      // Somebody else took over while this process stood still.
      await it.redis.hset(it.keys.st('zombie'), 'lease', '0');
      await it.log.claim(it.owner('zombie'), 5_000);
      answers.push(await own.claim(started('c1'), undefined, false));
      return [replied(1)];
    });
    expect(answers).toEqual([{ is: 'FENCED' }]);
    expect((await it.log.read('zombie')).map((e) => e.event.type)).toEqual(['opened']);
  });

  test('I11 while it waits there is no lease and nobody is asked again before its time', async () => {
    await it.open('asleep');
    let asked = 0;
    const perform: Perform = async () => {
      asked += 1;
      return [{ type: 'noted', about: 'attention', text: 'A person has to look.' }];
    };
    await turn('asleep', perform);
    await turn('asleep', perform);
    expect(asked).toBe(1);
    expect(await it.redis.hmget(it.keys.st('asleep'), 'owner', 'lease')).toEqual(['', '0']);
    expect(Number(await it.redis.zscore(it.keys.due, 'asleep')) - (await it.log.time())).toBeGreaterThan(3_600_000);
  });

  test('I11 a store that lost its questions is not asked about one of them over and over', async () => {
    await it.open('lost');
    const lease = await it.log.claim(it.owner('lost'), 5_000);
    const past = new Date((await it.log.time()) - 1_000).toISOString();
    const asked = [replied(1, [{ id: 'c1', tool: 'run_databricks_job' }]), asks('c1', 'lost/1', past)];
    await it.log.commit(it.owner('lost'), lease?.fence ?? 0, await it.log.tip('lost'), asked, { is: '' });
    await it.log.park(it.owner('lost'), lease?.fence ?? 0, 3, null);
    await it.redis.hdel(it.keys.idem('lost'), 'a:lost/1');

    let expired = 0;
    const expire = async (session: string, approval: string) => {
      expired += 1;
      expect(await it.deliver(`expire:${approval}`, { do: 'expire', session, approval })).toEqual({ is: 'unknown' });
    };
    await advance('lost', { log: it.log, perform: async () => [], expire, limits: LIMITS, executionExpiresMs: 60_000, rested: async () => {} });
    expect(expired).toBe(1);
    expect(Number(await it.redis.zscore(it.keys.due, 'lost')) - (await it.log.time())).toBeGreaterThan(500);
  });

  test('I12 dropping the list of who is due loses nobody', async () => {
    await it.open('forgotten');
    await it.redis.del(it.keys.due);
    expect(await rebuildDue(it)).toBeGreaterThan(0);
    expect(await it.log.ring(1_000, 3_000)).toContain('forgotten');
    expect(await rebuildDue(it)).toBe(0);
  });

  test('I13 nobody acts on a record with a changed byte', async () => {
    await it.open('broken', 'Run it once');
    const [[, fields]] = (await it.redis.xrange(it.keys.log('broken'), '-', '+')) as [[string, string[]]];
    await it.redis.del(it.keys.log('broken'));
    await it.redis.xadd(it.keys.log('broken'), '1-0', ...fields.map((f) => f.replace('once', 'twice')));
    await it.redis.xadd(it.keys.log('broken'), '2-0', ...fields.map((f) => (f.startsWith('{') ? f.replace('"seq":1,', '"seq":2,') : f)));
    let asked = false;
    const acting = turn('broken', async () => {
      asked = true;
      return [];
    });
    await expect(acting).rejects.toThrow('the record of broken is broken at line 2');
    expect(asked).toBe(false);
  });
});
