import type { Config } from './config.ts';
import { hookOf, serveHook } from './hooks.ts';
import type { Log } from './log.ts';
import { openCore } from './open-core.ts';
import type { Check } from './ops/health.ts';
import type { Watching } from './ops/observe.ts';
import { reachRedis } from './ops/reach-redis.ts';
import { slackCheck } from './ops/slack-check.ts';
import { takeCensus } from './runtime/census.ts';
import type { Doorbell } from './runtime/doorbell.ts';
import { makeKeys } from './runtime/keys.ts';

/** Redis has answered a moment ago: its other connections are there soon. */
const READY_MS = 5_000;

/** What runs under one configuration. */
export type Parts = { config: Config; checks: Record<string, Check>; census: () => ReturnType<typeof takeCensus>; doorbell: Doorbell; stop(): Promise<void> };

/** Puts together what a process of this role is made of, and starts it. Throws where it cannot; nothing of it runs then. `waiting` is told what it waits for. */
export async function startParts(config: Config, log: Log, watching: Watching, waiting: { waitsFor: string }): Promise<Parts> {
  for (const warning of config.warnings) log.warn(warning);
  // Each role loads what it runs: half of a cold start is the other role's packages. They are loaded while Redis and Slack are being asked.
  const gateway = config.role === 'worker' ? null : import('./gateway.ts');
  const worker = config.role === 'gateway' ? null : import('./worker.ts');
  for (const loading of [gateway, worker]) loading?.catch(() => {});
  waiting.waitsFor = 'Redis';
  const checked = await reachRedis(config.redis.url, (warning) => log.warn(warning));
  checked.disconnect();
  const keys = makeKeys(config.redis.prefix);
  const stops: (() => Promise<void> | void)[] = [];
  const checks: Record<string, Check> = {};
  const stop = async () => {
    // Last started, first stopped; whatever hangs is left behind.
    for (const each of stops.splice(0).reverse()) await Promise.resolve(each()).catch((error: unknown) => log.error({ err: error }, 'could not stop a part'));
  };
  try {
    const core = openCore(config, keys, log);
    stops.push(core.close);
    await core.ready(READY_MS);
    if (config.permissions.policy.rules.length > 0 && config.mounted.length > 0) {
      const { checkMountedRules } = await import('./open-mounts.ts');
      await checkMountedRules(config, core, log);
    }
    checks['redis'] = async () => ((await core.redis.ping()) === 'PONG' ? null : 'no answer');
    if (gateway !== null) {
      const { startGateway } = await gateway;
      waiting.waitsFor = 'Slack';
      stops.push(await startGateway(config, core, log, checks, watching));
      const hook = config.slack.transport.mode === 'socket' ? hookOf(config, core) : null;
      // Another gateway of this machine may have the port: one of them is enough, and without it runs are looked at all the same.
      if (hook)
        await serveHook(config.port, hook).then(
          (close) => stops.push(close),
          (error: Error) => {
            if ((error.cause as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
            log.warn(`${error.message} Until then runs are looked at at their own pace.`);
          },
        );
    }
    if (config.role !== 'worker' && config.mcpHttp) {
      const { serveMcpHttp } = await import('./mcp-door.ts');
      stops.push(await serveMcpHttp(config, config.mcpHttp, core, log, watching));
    }
    if (worker !== null) {
      const { startWorker } = await worker;
      waiting.waitsFor = 'the worker';
      stops.push(await startWorker(config, core, log, watching));
    }
    // A worker speaks to Slack as well; a gateway has said more of it by now.
    if (core.services.slack) checks['slack'] ??= slackCheck(core.services.slack);
    return { config, checks, stop, census: () => takeCensus(core), doorbell: core.doorbell };
  } catch (error) {
    await stop();
    throw error;
  }
}
