import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { advance } from '../../src/runtime/advance.ts';
import { type Alone, runInChild } from '../../src/runtime/alone.ts';
import type { SessionEvent } from '../../src/session/events.ts';
import { LIMITS, replied } from '../session/logs.ts';
import { aLog } from './a-log.ts';

const it = aLog();
const { log, owner, reading, redis, keys } = it;
afterAll(it.close);

const inProcess = (run: Alone['run']): Alone => ({ enter: () => true, run, leave: () => {} });

/** A worker that dies in its step: it takes the lease and is never heard of again. */
const dieInStep = async (sid: string) => {
  expect(await log.claim(owner(sid), 30)).not.toBeNull();
  await new Promise((r) => setTimeout(r, 60));
};
const deps = (perform: () => Promise<SessionEvent[]>, alone?: Alone) => ({
  log,
  perform,
  expire: async () => {},
  limits: LIMITS,
  executionExpiresMs: 900_000,
  rested: async () => {},
  ...(alone ? { alone } : {}),
});

test('a step that was cut off once is simply made again', async () => {
  await it.open('once');
  await dieInStep('once');
  let alone = 0;
  await advance(
    'once',
    deps(
      async () => [replied(1)],
      inProcess(async () => {
        alone++;
        return 'done';
      }),
    ),
  );
  expect(alone).toBe(0);
  expect((await reading.session('once'))?.ended?.outcome).toBe('done');
});

test('ten deaths from outside at one step still finish: it runs alone, and what it commits counts', async () => {
  await it.open('unlucky');
  for (let i = 0; i < 10; i++) await dieInStep('unlucky');
  // The child is the same advance without a child of its own, for one step.
  const alone = inProcess(async (sid) => {
    await advance(sid, { ...deps(async () => [replied(1)]), once: true });
    return 'done';
  });
  const never = async (): Promise<SessionEvent[]> => Promise.reject(new Error('the step must not run beside its neighbours'));
  await advance('unlucky', deps(never, alone));
  await advance('unlucky', deps(never, alone));
  expect((await reading.session('unlucky'))?.ended?.outcome).toBe('done');
  expect(await redis.hget(keys.st('unlucky'), 'interrupted')).toBe('0');
});

test('a step that kills its own process five times waits for a person, with the reason', async () => {
  await it.open('poison');
  await dieInStep('poison');
  await dieInStep('poison');
  const never = async (): Promise<SessionEvent[]> => Promise.reject(new Error('the step must not run beside its neighbours'));
  for (let i = 0; i < 5; i++) await advance('poison', deps(never, runInChild(join(import.meta.dirname, 'crashing-step.mjs'))));
  const session = await reading.session('poison');
  expect(session?.attention?.text).toMatch(/crashed its process 5 times/);
  expect(session?.ended).toBeUndefined();
}, 30_000);

test('after a disaster the suspects are not all started at once', async () => {
  const alone = runInChild(join(import.meta.dirname, 'crashing-step.mjs'));
  expect(['a', 'a', 'b', 'c'].map((sid) => alone.enter(sid))).toEqual([true, false, true, false]);
  alone.leave('a');
  expect(alone.enter('c')).toBe(true);
});

test('a suspect for which there is no room is looked at again in a moment', async () => {
  await it.open('waits');
  await dieInStep('waits');
  await dieInStep('waits');
  const full: Alone = { enter: () => false, leave: () => {}, run: async () => Promise.reject(new Error('there is no room')) };
  await advance(
    'waits',
    deps(async () => [replied(1)], full),
  );
  expect(await redis.hmget(keys.st('waits'), 'owner', 'lease')).toEqual(['', '0']);
  expect(Number(await redis.zscore(keys.due, 'waits')) - (await log.time())).toBeLessThanOrEqual(1_000);
});

test('a step that could not be made, with everything else in order, does not count as a crash', async () => {
  const child = runInChild(join(import.meta.dirname, 'unmade-step.mjs'));
  expect(child.enter('away')).toBe(true);
  expect(await child.run('away')).toBe('done');
}, 30_000);
