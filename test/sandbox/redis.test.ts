import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { describe, expect, inject, it } from 'vitest';
import { freePort, isNewEnough, startRedis, versionOf } from '../../src/sandbox/redis.ts';
import { packagesOf } from '../../src/sandbox/redis-unpack.ts';

it('a free port is none that the system gives to whoever takes any: between the look and the use it would be', async () => {
  const ports = await Promise.all(Array.from({ length: 20 }, () => freePort()));
  expect(Math.max(...ports)).toBeLessThan(32_768);
  expect(Math.min(...ports)).toBeGreaterThan(1_024);
});

describe('startRedis', () => {
  it('starts one on loopback that syncs every write and evicts nothing, and ends it', async () => {
    const server = await startRedis({ purpose: 'this test' });
    const redis = new Redis(server.url, { retryStrategy: () => null });
    redis.on('error', () => {});
    const setting = async (name: string) => ((await redis.config('GET', name)) as string[])[1];
    expect({
      appendonly: await setting('appendonly'),
      appendfsync: await setting('appendfsync'),
      save: await setting('save'),
      policy: await setting('maxmemory-policy'),
      bind: await setting('bind'),
    }).toEqual({ appendonly: 'yes', appendfsync: 'always', save: '', policy: 'noeviction', bind: '127.0.0.1' });
    expect(server.how).toMatch(/^\S+ \d.* started for this test on redis:\/\/127\.0\.0\.1:\d+$/);
    await server.stop();
    await expect(redis.ping()).rejects.toThrow();
    redis.disconnect();
  });

  it('keeps its data where it is told to', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'labmate-test-'));
    for (const round of [1, 2]) {
      const server = await startRedis({ purpose: 'this test', dir });
      const redis = new Redis(server.url);
      expect(await redis.incr('starts')).toBe(round);
      redis.disconnect();
      await server.stop();
    }
    await rm(dir, { recursive: true });
  });

  it('uses a Redis that is named and never stops it', async () => {
    const server = await startRedis({ purpose: 'this test', useUrl: inject('redisUrl') });
    expect(server.url).toBe(inject('redisUrl'));
    expect(server.how).toMatch(/^Redis \d\S* of REDIS_URL$/);
    await server.stop();
    const redis = new Redis(inject('redisUrl'));
    expect(await redis.ping()).toBe('PONG');
    redis.disconnect();
  });

  it('says what to do where the named Redis does not answer', async () => {
    await expect(startRedis({ purpose: 'this test', useUrl: 'redis://127.0.0.1:1' })).rejects.toThrow('Start it, correct the URL, or unset REDIS_URL');
  });

  it('leaves no Redis behind when its starter is killed', async () => {
    const script = `import { startRedis } from './src/sandbox/redis.ts'; const r = await startRedis({ purpose: 'x' }); process.stdout.write(r.url + '\\n'); setInterval(() => {}, 1000);`;
    const starter = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    const url = await new Promise<string>((resolve) => starter.stdout.once('data', (data) => resolve(String(data).trim())));
    const redis = new Redis(url, { retryStrategy: () => null });
    redis.on('error', () => {});
    expect(await redis.ping()).toBe('PONG');
    const closed = new Promise((resolve) => redis.once('end', resolve));
    starter.kill('SIGKILL');
    await closed;
    redis.disconnect();
  });
});

describe('which Redis will do', () => {
  it.each([
    ['Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64 build=1', [7, 0, 15], true],
    ['Valkey server v=8.1.1 sha=00000000:0', [8, 1, 1], true],
    ['Redis server v=6.2.0 sha=0', [6, 2, 0], true],
    ['Redis server v=6.0.16 sha=0', [6, 0, 16], false],
    ['Redis server v=5.0.7', [5, 0, 7], false],
  ])('%s', (banner, version, enough) => {
    expect(versionOf(banner)).toEqual(version);
    expect(isNewEnough(version)).toBe(enough);
  });

  it.each([
    ['libjemalloc.so.2', 'libjemalloc2'],
    ['libcrypto.so.3', 'libssl3'],
    ['liblua5.1.so.0', 'liblua5.1-0'],
    ['libsystemd.so.0', 'libsystemd0'],
  ])('%s is in the package %s', (soname, name) => {
    expect(packagesOf(soname)).toEqual([name, `${name}t64`]);
  });
});
