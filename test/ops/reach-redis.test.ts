import { afterAll, beforeAll, expect, test } from 'vitest';
import { placeOf, reachRedis } from '../../src/ops/reach-redis.ts';
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

test.each([
  ['redis://127.0.0.1:6379/0', 'redis://127.0.0.1:6379/0'],
  ['rediss://me:hunter2@h:1/3', 'rediss://h:1/3'],
  // Redis is reached by this: all before the last @ is the login.
  ['redis://me:hunt@er2@h:1', 'redis://h:1'],
  ['redis://h:1?password=hunter2', 'redis://h:1'],
  ['redis+sentinel://me:hunter2@h1,h2:1/main/2?tls=true&sentinelPassword=hunt@er2', 'redis+sentinel://h1,h2:1/main/2'],
  ['redis+cluster://:hunt%40er2@h1,h2?tls=true', 'redis+cluster://h1,h2'],
  ['redis+cluster://:hunt#er2@h1,h2?tls=true', 'redis+cluster://h1,h2'],
  ['redis+sentinel://:hunt#er2@h1,h2:1/main', 'redis+sentinel://h1,h2:1/main'],
])('%s is told as %s, without what logs in', (url, told) => {
  expect(placeOf(url)).toBe(told);
});
