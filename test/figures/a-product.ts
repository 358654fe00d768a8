import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openBehind } from '../../src/sandbox/behind.ts';
import { startMessagesApi } from '../../src/sandbox/claude/messages-api.ts';
import type { Answer } from '../../src/sandbox/claude/messages-types.ts';
import type { Traffic } from '../../src/sandbox/control-types.ts';
import { spawnGuarded } from '../../src/sandbox/guarded.ts';
import { freePort } from '../../src/sandbox/redis.ts';
import { sandboxConfig } from '../../src/sandbox/sandbox-config.ts';
import { startStandIns } from '../../src/sandbox/stand-ins.ts';
import { openLink } from '../crash/link.ts';

/** The product's own processes between stand-ins, with Redis behind a link that can be slow. Every delivery that Slack's stand-in makes is timed there. */
export async function aProduct(options: { redisUrl: string; mode: 'socket' | 'http'; role: 'gateway' | 'all'; answer: Answer; channels?: string[] }) {
  const dir = await mkdtemp(join(tmpdir(), 'labmate-figures-'));
  const prefix = `figures-${randomUUID().slice(0, 8)}`;
  const [port, adminPort] = [await freePort(), await freePort()];
  const link = await openLink(Number(new URL(options.redisUrl).port));
  const seen: Traffic[] = [];
  const standIns = await startStandIns({
    mode: options.mode,
    eventsUrl: `http://127.0.0.1:${port}/slack/events`,
    real: [],
    dir,
    trainingSeconds: 1,
    ports: {},
    onTraffic: (from, exchange) => {
      if (from === 'slack' && exchange.direction === 'out') seen.push({ ...exchange, with: 'slack', n: seen.length, at: Date.now() });
    },
    startClaude: (wish) => startMessagesApi({ answer: options.answer, ...wish }) as never,
  });
  const { slack } = standIns;
  if (!slack) throw new Error('no workspace');
  for (const id of options.channels ?? []) {
    if (!slack.world.data.channels.some((c) => c.id === id)) slack.world.data.channels.push({ id, name: id.toLowerCase() });
  }
  const config = join(dir, 'labmate.json');
  await writeFile(
    config,
    JSON.stringify({ ...sandboxConfig(), ...(options.channels ? { channels: options.channels } : {}), budgets: { perUser: 100_000, perTeam: 100_000 } }),
  );
  const variables = {
    PATH: process.env['PATH'] ?? '',
    HOME: dir,
    ...standIns.variables,
    REDIS_URL: `redis://127.0.0.1:${link.port}`,
    REDIS_PREFIX: prefix,
    LABMATE_CONFIG: config,
    PORT: String(port),
    ADMIN_PORT: String(adminPort),
    ROLE: options.role,
  };
  const child = spawnGuarded(process.execPath, [join(import.meta.dirname, '..', '..', 'bin', 'labmate.mjs'), 'start'], {
    logFile: join(dir, 'product.log'),
    env: variables,
  });
  for (let i = 0; !(await fetch(`http://127.0.0.1:${adminPort}/readyz`).catch(() => null))?.ok; i++) {
    if (i > 600) throw new Error(`the product was not ready; see ${dir}/product.log`);
    await sleep(100);
  }
  const behind = openBehind(options.redisUrl, prefix, 'T1');
  return {
    slack,
    standIns,
    behind,
    link,
    /** Envelopes and signed requests so far, with how long each waited for its ack. */
    deliveries: () => seen,
    async close() {
      await behind.close();
      await child.end(3_000);
      await standIns.close();
      await link.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

export function percentile(sorted: readonly number[], p: number): number {
  return sorted[Math.min(sorted.length - 1, Math.ceil((p / 100) * sorted.length) - 1)] ?? 0;
}
