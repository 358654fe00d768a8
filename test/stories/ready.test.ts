import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, inject, test } from 'vitest';
import { startProduct } from '../../src/sandbox/product.ts';
import { freePort } from '../../src/sandbox/redis.ts';
import { sandboxConfig } from '../../src/sandbox/sandbox-config.ts';
import { startStandIns } from '../../src/sandbox/stand-ins.ts';

test.each([
  ['gateway', 'socket', 'starting: waiting for Slack'],
  ['gateway', 'http', 'starting: waiting for Slack'],
  ['worker', 'socket', 'slack: Slack answered auth.test with HTTP 500.'],
] as const)('a %s (%s) lives while Slack does not answer, says that it is not ready and why, and is ready when Slack is there', async (role, mode, reason) => {
  const dir = mkdtempSync(join(tmpdir(), 'labmate-ready-'));
  const [port, adminPort] = [await freePort(), await freePort()];
  const slack = await startStandIns({
    ...{ mode, eventsUrl: `http://127.0.0.1:${port}/slack/events`, real: ['claude', 'databricks', 'mlflow', 'github', 'grafana'] },
    ...{ dir, trainingSeconds: 1, ports: {}, onTraffic: () => {} },
    startClaude: () => Promise.reject(new Error('nobody thinks here')),
  });
  writeFileSync(join(dir, 'labmate.json'), JSON.stringify(sandboxConfig()));
  const env = {
    ...{ PATH: process.env['PATH'], HOME: dir, ...slack.variables, ROLE: role, PORT: String(port), ADMIN_PORT: String(adminPort) },
    ...{ REDIS_URL: inject('redisUrl'), REDIS_PREFIX: `ready-${role}-${mode}`, ANTHROPIC_API_KEY: 'sk-ant-1-1', LABMATE_CONFIG: join(dir, 'labmate.json') },
  };
  const ask = async (path: string) => {
    const answer = await fetch(`http://127.0.0.1:${adminPort}${path}`).catch(() => null);
    return answer && { status: answer.status, body: (await answer.json()) as unknown };
  };
  slack.fault({ target: 'slack', kind: 'error-500', method: 'auth.test', times: 1_000 });
  const child = spawn(process.execPath, ['bin/labmate.mjs', 'start'], { env, stdio: 'ignore' });
  try {
    await expect.poll(() => ask('/readyz'), { timeout: 30_000, interval: 50 }).toEqual({ status: 503, body: { ready: false, reasons: [reason] } });
    expect(await ask('/healthz')).toEqual({ status: 200, body: { ok: true } });
    slack.fault(null);
    await expect.poll(() => ask('/readyz'), { timeout: 30_000, interval: 50 }).toEqual({ status: 200, body: { ready: true, reasons: [] } });
  } finally {
    child.kill('SIGTERM');
    await once(child, 'exit');
    await slack.close();
  }
});

test('a port that somebody takes in the last moment is left to them, and another one is opened', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'labmate-port-'));
  const slack = await startStandIns({
    ...{ mode: 'socket', eventsUrl: '', real: ['claude', 'databricks', 'mlflow', 'github', 'grafana'], dir, trainingSeconds: 1, ports: {} },
    onTraffic: () => {},
    startClaude: () => Promise.reject(new Error('nobody thinks here')),
  });
  writeFileSync(join(dir, 'labmate.json'), JSON.stringify(sandboxConfig()));
  const variables = {
    ...{ PATH: process.env['PATH'] ?? '', HOME: dir, ...slack.variables, LABMATE_CONFIG: join(dir, 'labmate.json') },
    ...{ REDIS_URL: inject('redisUrl'), REDIS_PREFIX: 'ready-port', ANTHROPIC_API_KEY: 'sk-ant-1-1' },
  };
  const taken = createServer();
  await once(taken.listen(0, '127.0.0.1'), 'listening');
  const ports = [(taken.address() as AddressInfo).port];
  try {
    const product = await startProduct({ variables, dir, say: () => {}, port: async () => ports.shift() ?? freePort() });
    const answers = await Promise.all((['gateway', 'worker'] as const).map((role) => fetch(`${product.admin(role)}/readyz`).then((r) => r.status)));
    await product.stop();
    expect(answers).toEqual([200, 200]);
  } finally {
    taken.close();
    await slack.close();
  }
});
