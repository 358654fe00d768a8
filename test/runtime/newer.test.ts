import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeDoorbell } from '../../src/runtime/doorbell.ts';
import { BrokenChain } from '../../src/runtime/read-line.ts';
import { startSessionWorker } from '../../src/runtime/session-worker.ts';
import { nextLine, parseEntry } from '../../src/session/chain.ts';
import { NewerRecord } from '../../src/session/record-version.ts';
import { LIMITS, replied } from '../session/logs.ts';
import { aLog } from './a-log.ts';

/** What a later labmate may have left behind when it was taken back. */
const LATER: [string, (line: string) => string][] = [
  ['a line of the next version', (line) => line.replace('{"v":1,', '{"v":2,')],
  ['an event nobody here has heard of', (line) => line.replace('"type":"replied"', '"type":"dreamt"')],
  ['a reason nobody here has heard of', (line) => line.replace(/"type":"replied".*/, '"type":"noted","about":"weather","text":"It rains."}')],
];

describe('a session that a later version has written in', () => {
  let it: ReturnType<typeof aLog>;
  beforeAll(() => {
    it = aLog();
  });
  afterAll(() => it.close());

  test.each(LATER)('is left alone for %s: not broken, not acted on, and gone on with by who understands it', async (what, change) => {
    const sid = what.replaceAll(' ', '-');
    await it.open(sid);
    const tip = await it.log.tip(sid);
    const line = change(nextLine(tip, '2026-11-01T09:00:00Z', sid, replied(1)).line);
    const hash = createHash('sha256').update(line).digest('hex');
    await it.redis.xadd(it.keys.log(sid), '2-0', 't', 'replied', 'l', line, 'f', '1', 'm', '1');
    await it.redis.hset(it.keys.st(sid), { n: '2', head: hash });

    const reading = it.log.read(sid);
    await expect(reading).rejects.toBeInstanceOf(NewerRecord);
    await expect(reading).rejects.not.toBeInstanceOf(BrokenChain);

    const said: string[] = [];
    let asked = 0;
    const doorbell = makeDoorbell(it.redis, it.keys);
    const worker = startSessionWorker({
      redis: it.redis,
      queueConnection: it.redis.duplicate({ maxRetriesPerRequest: null }),
      keys: it.keys,
      doorbell,
      advance: {
        log: it.log,
        perform: async () => {
          asked += 1;
          return [replied(1)];
        },
        expire: async () => {},
        limits: LIMITS,
        executionExpiresMs: 60_000,
      },
      concurrency: 1,
      failed: (session, error) => void said.push(`${session}: ${error instanceof Error ? error.name : error}`),
      broken: async () => {},
      stuck: () => {},
    });
    await expect.poll(() => said, { timeout: 10_000 }).toEqual([`${sid}: NewerRecord`]);
    await worker.stop();
    await doorbell.close();
    expect(asked).toBe(0);
    expect(await it.redis.hget(it.keys.st(sid), 'status')).toBe('open');
    expect(await it.redis.zscore(it.keys.due, sid)).not.toBeNull();
    await expect(
      it.deliver(`hi-${sid}`, { do: 'tell', session: sid, by: 'U1', text: 'hi', ts: null, kind: 'message', standing: 'requester' }),
    ).rejects.toBeInstanceOf(NewerRecord);
    expect(await it.redis.xlen(it.keys.log(sid))).toBe(2);
  });

  test('a line of today with a field more than we know is read as if it had none', async () => {
    const { line } = nextLine({ seq: 0, head: '0'.repeat(64) }, '2026-11-01T09:00:00Z', 's1', { ...replied(1), mood: 'calm' } as never);
    expect(parseEntry(line).event).toEqual(replied(1));
  });
});
