import { describe, expect, test } from 'vitest';
import { deflate, openBlobs } from '../../src/runtime/payloads.ts';
import { BrokenChain, readLine } from '../../src/runtime/read-line.ts';
import { nextLine, ZERO_HEAD } from '../../src/session/chain.ts';
import type { SessionEvent } from '../../src/session/events.ts';
import { opened } from '../session/logs.ts';
import { aLog } from './a-log.ts';

const START = { seq: 0, head: ZERO_HEAD };

describe('reading a line whose payload is kept beside it', () => {
  test('a payload that is gone breaks the record; a Redis that is away does not', async () => {
    const { redis, keys, blobs, close } = aLog();
    const { line } = nextLine(START, '2026-11-01T09:00:00Z', 's1', await deflate(opened('x'.repeat(40_000)), blobs));
    expect((await readLine('s1', line, START, blobs)).event).toMatchObject({ prompt: 'x'.repeat(40_000) });

    const [name] = await redis.keys(keys.blob('*'));
    await redis.del(name ?? '');
    await expect(readLine('s1', line, START, blobs)).rejects.toBeInstanceOf(BrokenChain);

    await close();
    const away = readLine('s1', line, START, openBlobs(redis, keys));
    await expect(away).rejects.toThrow('Redis could not be asked for the payload');
    await expect(away).rejects.not.toBeInstanceOf(BrokenChain);
  });

  test('a line that is no event we know says so in a sentence, as one without payloads does', async () => {
    const { blobs, close } = aLog();
    const wrong = { ...opened('x'.repeat(40_000)), team: 7 } as unknown as SessionEvent;
    const { line } = nextLine(START, '2026-11-01T09:00:00Z', 's1', await deflate(wrong, blobs));
    await expect(readLine('s1', line, START, blobs)).rejects.toThrow(/^the record of s1 is broken at line 1: it is no event we know: team: [^{}[\]]+$/);
    await close();
  });
});
