import { afterAll, beforeAll, expect, inject, onTestFinished, test } from 'vitest';
import { answerDoorbell, type Doorbell, makeDoorbell } from '../../src/runtime/doorbell.ts';
import { type Keys, makeKeys } from '../../src/runtime/keys.ts';
import { BRISK, connect, PATIENT } from '../../src/runtime/redis.ts';
import { startWatchdog } from '../../src/runtime/watchdog.ts';
import { openLink } from '../crash/link.ts';

/** A bell with its own queue, and a watchdog that is quick about it. */
const redis = connect(inject('redisUrl'), PATIENT);
let keys: Keys;
let doorbell: Doorbell;
beforeAll(async () => {
  keys = makeKeys(`watchdog-${process.pid}`);
  doorbell = makeDoorbell(redis, keys);
});
afterAll(async () => {
  await doorbell.close();
  redis.disconnect();
});

function watched(hasHands: () => boolean, idleMs: () => number = () => 0, oldestBell = doorbell.oldest): number[] {
  const stuck: number[] = [];
  const dog = startWatchdog({ idleMs, oldestBell, hasHands, stuck: (ms) => stuck.push(ms), everyMs: 20, stuckMs: 300 });
  onTestFinished(() => dog.stop());
  return stuck;
}
const after = (ms: number) => new Promise((r) => setTimeout(r, ms));

test('a bell that nobody takes though there are hands for it is noticed, one that waits for hands is not', async () => {
  const idle = watched(() => true);
  const busy = watched(() => false);
  await after(400);
  expect(idle).toEqual([]);
  await doorbell.ring('s-unheard');
  await expect.poll(() => idle.length, { timeout: 10_000 }).toBeGreaterThan(0);
  expect(idle[0]).toBeGreaterThan(300);
  expect(busy).toEqual([]);

  const queue = connect(inject('redisUrl'), PATIENT);
  const heard: string[] = [];
  const answering = answerDoorbell(
    queue,
    keys,
    1,
    async (sid) => void heard.push(sid),
    () => {},
  );
  onTestFinished(async () => {
    await answering.close();
    queue.disconnect();
  });
  await expect.poll(() => heard, { timeout: 10_000 }).toEqual(['s-unheard']);
  await expect.poll(doorbell.oldest).toBeNull();
  expect(answering.hasHands()).toBe(true);
});

test('a pump whose round never finishes is noticed without asking Redis', async () => {
  const stuck = watched(
    () => false,
    () => 301,
  );
  await expect.poll(() => stuck[0]).toBe(301);
});

test('a pump that waits for a Redis that is away is not stuck; one that still waits when Redis answers again is', async () => {
  const port = Number(new URL(inject('redisUrl')).port);
  const link = await openLink(port);
  const brisk = connect(`redis://127.0.0.1:${link.port}`, BRISK);
  brisk.on('error', () => {});
  const bell = makeDoorbell(brisk, makeKeys(`watchdog-away-${process.pid}`));
  onTestFinished(async () => {
    brisk.disconnect();
    await link.close();
  });
  await expect.poll(() => bell.oldest().catch(String)).toBeNull();
  link.lead(null);
  await expect.poll(() => bell.oldest().catch(String)).not.toBeNull();
  const began = performance.now();
  const stuck = watched(
    () => true,
    () => performance.now() - began,
    bell.oldest,
  );
  await after(900);
  expect(stuck).toEqual([]);
  link.lead(port);
  await expect.poll(() => stuck.length, { timeout: 5_000 }).toBeGreaterThan(0);
});

test('a pump that hangs is noticed where Redis answers, though with a refusal', async () => {
  const user = `watchdog-${process.pid}`;
  await redis.acl('SETUSER', user, 'on', '>refused', '~*', '+@all', '-@scripting');
  const url = new URL(inject('redisUrl'));
  url.username = user;
  url.password = 'refused';
  const brisk = connect(url.href, BRISK);
  const bell = makeDoorbell(brisk, makeKeys(user));
  onTestFinished(async () => {
    brisk.disconnect();
    await redis.acl('DELUSER', user);
  });
  await expect.poll(() => bell.oldest().catch(String)).toMatch(/^ReplyError: NOPERM/);
  const began = performance.now();
  const stuck = watched(
    () => true,
    () => performance.now() - began,
    bell.oldest,
  );
  await expect.poll(() => stuck.length, { timeout: 5_000 }).toBeGreaterThan(0);
});
