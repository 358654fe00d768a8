import { expect, inject, onTestFinished, test } from 'vitest';
import { makeDoorbell } from '../../src/runtime/doorbell.ts';
import { makeKeys } from '../../src/runtime/keys.ts';
import { BRISK, connect } from '../../src/runtime/redis.ts';
import { openLink } from '../crash/link.ts';

test('a Redis that is slow to say who it is in the moment of the start leaves the bell usable', async () => {
  const link = await openLink(Number(new URL(inject('redisUrl')).port));
  const first = link.hold(['info'], 'after');
  const brisk = connect(`redis://127.0.0.1:${link.port}`, BRISK);
  brisk.on('error', () => {});
  onTestFinished(async () => {
    brisk.disconnect();
    await link.close();
  });
  const bell = makeDoorbell(brisk, makeKeys(`doorbell-${process.pid}`));
  await first.reached;
  // The connection itself has asked; whoever asks once more gets no answer.
  link.hold(['info'], 'before');
  first.release();
  const rung = () => bell.ring('s1').then(() => 'rung', String);
  await expect.poll(rung, { timeout: 6_000 }).toBe('rung');
});
