import { afterEach, expect, it } from 'vitest';
import { type Check, type Health, startHealth } from '../../src/ops/health.ts';
import { createCounter } from '../../src/ops/metrics.ts';
import { slackCheck } from '../../src/ops/slack-check.ts';

let health: Health | undefined;
afterEach(() => health?.close());

async function ready(checks: Record<string, Check>) {
  health = await startHealth({ host: '127.0.0.1', port: 0, checks });
  const response = await fetch(`${health.url}/readyz`);
  return { status: response.status, body: await response.json() };
}

it('is ready when every check is', async () => {
  expect(await ready({ redis: () => null, slack: async () => null })).toEqual({ status: 200, body: { ready: true, reasons: [] } });
});

it('says each reason why it is not, and no more than the check says itself', async () => {
  const found = await ready({
    config: () => null,
    redis: async () => {
      throw new Error('connect ECONNREFUSED redis://me:secret@10.0.0.1');
    },
    slack: () => 'not connected yet',
    slow: () => new Promise(() => {}),
  });
  expect(found).toEqual({
    status: 503,
    body: { ready: false, reasons: ['redis: the check itself failed', 'slack: not connected yet', 'slow: no answer within 1 s'] },
  });
});

it('asks Slack again only while it does not say yes, and gives its own words', async () => {
  let asked = 0;
  const check = slackCheck({
    self: async () => {
      asked += 1;
      if (asked === 1) throw new Error('Slack did not answer auth.test.');
      return { team: 'T1', user: 'U1', bot: 'B1' };
    },
  });
  expect([await Promise.all([check(), check()]), await check(), await check()]).toEqual([
    ['Slack did not answer auth.test.', 'Slack did not answer auth.test.'],
    null,
    null,
  ]);
  expect(asked).toBe(2);
});

it('takes a Slack that is slow to say yes again for one that is there, for half a minute more', async () => {
  let [at, hangs] = [0, false];
  const self = () => (hangs ? new Promise<never>(() => {}) : Promise.resolve({ team: 'T1', user: 'U1', bot: 'B1' }));
  const check = slackCheck({ self }, () => at);
  expect(await check()).toBeNull();
  hangs = true;
  at = 31_000;
  expect(await check()).toBeNull();
  at = 61_000;
  health = await startHealth({ host: '127.0.0.1', port: 0, checks: { slack: check } });
  expect(await (await fetch(`${health.url}/readyz`)).json()).toEqual({ ready: false, reasons: ['slack: no answer within 1 s'] });
});

it('is alive whatever the checks say, and knows nothing else', async () => {
  health = await startHealth({ host: '127.0.0.1', port: 0, checks: { redis: () => 'gone' } });
  expect((await fetch(`${health.url}/healthz`)).status).toBe(200);
  expect((await fetch(`${health.url}/secrets`)).status).toBe(404);
  expect((await fetch(`${health.url}/readyz`, { method: 'POST' })).status).toBe(405);
});

it('counts in the form Prometheus reads', async () => {
  const calls = createCounter('labmate_calls_total', 'Tool calls.');
  calls.add({ tool: 'compare_runs', outcome: 'ok' });
  calls.add({ outcome: 'ok', tool: 'compare_runs' }, 2);
  calls.add({ tool: 'say "hi"\n' });
  health = await startHealth({
    host: '127.0.0.1',
    port: 0,
    checks: {},
    metrics: async () => [calls.metric(), { name: 'labmate_sessions', help: 'Sessions not ended.', type: 'gauge', values: 3 }],
  });
  expect(await (await fetch(`${health.url}/metrics`)).text()).toBe(
    [
      '# HELP labmate_calls_total Tool calls.',
      '# TYPE labmate_calls_total counter',
      'labmate_calls_total{tool="compare_runs",outcome="ok"} 3',
      'labmate_calls_total{tool="say \\"hi\\"\\n"} 1',
      '# HELP labmate_sessions Sessions not ended.',
      '# TYPE labmate_sessions gauge',
      'labmate_sessions 3',
      '',
    ].join('\n'),
  );
});

it('names the variable when the port is taken', async () => {
  health = await startHealth({ host: '127.0.0.1', port: 0, checks: {} });
  const port = Number(new URL(health.url).port);
  await expect(startHealth({ host: '127.0.0.1', port, checks: {} })).rejects.toThrow(`ADMIN_PORT ${port} on 127.0.0.1 cannot be opened (EADDRINUSE)`);
});
