import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { advance } from '../../src/runtime/advance.ts';
import { runInChild } from '../../src/runtime/alone.ts';
import type { SessionEvent } from '../../src/session/events.ts';
import { LIMITS, replied } from '../session/logs.ts';
import { aLog } from './a-log.ts';

const it = aLog();
const { log, owner, reading, redis, keys } = it;
afterAll(it.close);

/** A worker that dies in its step: it takes the lease and is never heard of again. */
const dieInStep = async (sid: string) => {
  expect(await log.claim(owner(sid), 30)).not.toBeNull();
  await new Promise((r) => setTimeout(r, 60));
};
const deps = (perform: () => Promise<SessionEvent[]>, alone?: (sid: string) => Promise<'done' | 'crashed'>) => ({
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
      async () => {
        alone++;
        return 'done';
      },
    ),
  );
  expect(alone).toBe(0);
  expect((await reading.session('once'))?.ended?.outcome).toBe('done');
});

test('ten deaths from outside at one step still finish: it runs alone, and what it commits counts', async () => {
  await it.open('unlucky');
  for (let i = 0; i < 10; i++) await dieInStep('unlucky');
  // The child is the same advance without a child of its own, for one step.
  const alone = async (sid: string) => {
    await advance(sid, { ...deps(async () => [replied(1)]), once: true });
    return 'done' as const;
  };
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
