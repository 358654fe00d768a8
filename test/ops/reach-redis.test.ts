import { afterAll, beforeAll, expect, test } from 'vitest';
import { reachRedis } from '../../src/ops/reach-redis.ts';
import { connect, PATIENT } from '../../src/runtime/redis.ts';
import { type RunningRedis, startRedis } from '../../src/sandbox/redis.ts';

let server: RunningRedis;
beforeAll(async () => {
  server = await startRedis({ purpose: 'the settings of Redis', say: () => {} });
}, 60_000);
afterAll(() => server?.stop());

/** Sets it for one look; answers what was warned of, or throws what the start would say. */
async function lookWith(...setting: [string, string]): Promise<string[]> {
  const redis = connect(server.url, PATIENT);
  const [, before] = (await redis.config('GET', setting[0])) as [string, string];
  await redis.config('SET', ...setting);
  const warnings: string[] = [];
  try {
    (await reachRedis(server.url, (sentence) => warnings.push(sentence))).disconnect();
    return warnings;
  } finally {
    await redis.config('SET', setting[0], before);
    redis.disconnect();
  }
}

test('a Redis that would throw sessions away is refused, one that could lose the last moment is warned of', async () => {
  expect(await lookWith('maxmemory-policy', 'noeviction')).toEqual([]);
  for (const policy of ['allkeys-lru', 'volatile-ttl']) await expect(lookWith('maxmemory-policy', policy)).rejects.toThrow(/noeviction/);
  expect(await lookWith('appendfsync', 'everysec')).toEqual([expect.stringContaining('appendfsync is everysec')]);
  expect(await lookWith('appendonly', 'no')).toEqual([expect.stringContaining('no append-only file')]);
});
