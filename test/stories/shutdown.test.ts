import { spawn } from 'node:child_process';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { freePort, startRedis } from '../../src/sandbox/redis.ts';
import { sandboxConfig } from '../../src/sandbox/sandbox-config.ts';
import { startStandIns } from '../../src/sandbox/stand-ins.ts';

test.each(['worker', 'gateway'] as const)(
  'a %s tells its own figures while its Redis is away, and told to stop then it ends within 10 s, with exit code 0',
  async (role) => {
    const dir = await mkdtemp(join(tmpdir(), 'labmate-stop-'));
    const redis = await startRedis({ purpose: 'the shutdown story', say: () => {} });
    const slack = await startStandIns({
      ...{ mode: 'socket', eventsUrl: '', real: ['claude', 'databricks', 'mlflow', 'github', 'grafana'], dir, trainingSeconds: 1, ports: {} },
      onTraffic: () => {},
      startClaude: () => Promise.reject(new Error('nobody thinks here')),
    });
    await writeFile(join(dir, 'labmate.json'), JSON.stringify(sandboxConfig()));
    const adminPort = await freePort();
    const env = {
      PATH: process.env['PATH'],
      HOME: dir,
      ...slack.variables,
      ROLE: role,
      REDIS_URL: redis.url,
      REDIS_PREFIX: 'stop',
      ADMIN_PORT: String(adminPort),
      ANTHROPIC_API_KEY: 'sk-ant-1-1',
      LABMATE_CONFIG: join(dir, 'labmate.json'),
    };
    const child = spawn(process.execPath, ['bin/labmate.mjs', 'start'], { env, stdio: 'ignore' });
    const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
    const ready = async () => (await fetch(`http://127.0.0.1:${adminPort}/readyz`).catch(() => null))?.ok === true;
    await expect.poll(ready, { timeout: 20_000, interval: 100 }).toBe(true);
    await redis.stop();
    await expect.poll(async () => (await fetch(`http://127.0.0.1:${adminPort}/readyz`)).status, { timeout: 10_000 }).toBe(503);
    const figures = await (await fetch(`http://127.0.0.1:${adminPort}/metrics`, { signal: AbortSignal.timeout(8_000) })).text();
    expect(figures).toMatch(/^labmate_event_loop_delay_seconds/m);
    expect(figures).not.toMatch(/^labmate_sessions/m);
    const told = Date.now();
    child.kill('SIGTERM');
    expect(await ended).toBe(0);
    expect(Date.now() - told).toBeLessThan(11_000);
    await slack.close();
  },
);
