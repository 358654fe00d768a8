import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { DATABRICKS_HOOK, serveHook } from '../src/hooks.ts';
import { startJobWatch } from '../src/runtime/job-watch.ts';
import { nudge } from '../src/runtime/nudge.ts';
import { freePort } from '../src/sandbox/redis.ts';
import { aLog } from './runtime/a-log.ts';

const SECRET = 'a-shared-secret-of-tests';
const basic = (name: string, password: string) => `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`;

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function aHook(happened: () => Promise<void>) {
  const port = await freePort();
  closing.push(await serveHook(port, { secret: SECRET, happened }));
  return (init: RequestInit = {}, path = DATABRICKS_HOOK) => fetch(`http://127.0.0.1:${port}${path}`, { method: 'POST', ...init });
}

describe('POST /hooks/databricks', () => {
  test('has a run that would be looked at in half a minute looked at now, whatever the body says', async () => {
    const t = aLog();
    closing.push(t.close);
    await t.redis.hset(t.keys.waits, 'a c1', `4 ${JSON.stringify({ run_ids: ['7'], until: 'all', conditions: [] })}`);
    let over = false;
    let looks = 0;
    const told: string[] = [];
    const watch = startJobWatch({
      redis: t.redis,
      keys: t.keys,
      everyMs: 10,
      // Time stands still, so by itself it would not look a second time.
      ticks: () => 0,
      poll: async () => {
        looks += 1;
        return new Map([['7', { status: over ? 'SUCCEEDED' : 'RUNNING', terminal: over }]]);
      },
      deliver: async (_, command) => {
        told.push(command.do);
        return { is: 'stored', session: 'a', seq: 5, alias: '' };
      },
      failed: (error) => told.push(String(error)),
    });
    closing.push(watch.stop);
    while (looks === 0) await sleep(10);
    over = true;
    await sleep(100);
    expect(looks).toBe(1);
    const hook = await aHook(() => nudge(t.redis, t.keys));
    // It speaks of another run, and not even in JSON.
    const answer = await hook({ headers: { authorization: basic('databricks', SECRET) }, body: '{"run":{"run_id":99' });
    expect(answer.status).toBe(204);
    while (told.length === 0) await sleep(10);
    expect(told).toEqual(['wake']);
  });

  test.each([
    ['nothing', undefined, 401],
    ['another password', basic('databricks', 'wrong'), 401],
    ['the secret as the name', basic(SECRET, ''), 401],
    ['a scheme without a value', 'Bearer', 401],
    ['another scheme', `Digest ${SECRET}`, 401],
    ['the secret as a password', basic('anybody', SECRET), 204],
    ['the secret as a bearer token', `Bearer ${SECRET}`, 204],
  ])('shown %s it answers as it should', async (_, authorization, status) => {
    let times = 0;
    const hook = await aHook(async () => {
      times += 1;
    });
    expect((await hook({ headers: authorization === undefined ? {} : { authorization } })).status).toBe(status);
    expect(times).toBe(status === 204 ? 1 : 0);
  });

  test('asks to be sent it again where it could not be passed on, and knows no other method and no other path', async () => {
    const headers = { authorization: `Bearer ${SECRET}` };
    const hook = await aHook(() => Promise.reject(new Error('Redis is away')));
    const away = await hook({ headers });
    expect([away.status, away.headers.get('retry-after')]).toEqual([503, '5']);
    const get = await hook({ method: 'GET', headers });
    expect([get.status, get.headers.get('allow')]).toEqual([405, 'POST']);
    expect((await hook({ headers }, '/hooks/else')).status).toBe(404);
  });
});
