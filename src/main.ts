import type { RequestListener } from 'node:http';
import { isDeepStrictEqual } from 'node:util';
import type { Config, Read } from './config.ts';
import { hookOf, serveHook } from './hooks.ts';
import { createLog, type Log } from './log.ts';
import { openCore } from './open-core.ts';
import { censusMetrics } from './ops/figures.ts';
import { type Check, startHealth } from './ops/health.ts';
import type { Metric } from './ops/metrics.ts';
import { openWatching, type Watching } from './ops/observe.ts';
import { reachRedis } from './ops/reach-redis.ts';
import { slackCheck } from './ops/slack-check.ts';
import { takeCensus } from './runtime/census.ts';
import type { Doorbell } from './runtime/doorbell.ts';
import { makeKeys } from './runtime/keys.ts';
import { within } from './within.ts';

/** After this long a process that is asked to stop is stopped. */
const SHUTDOWN_MS = 10_000;

/** Redis has answered a moment ago: its other connections are there soon. */
const READY_MS = 5_000;

/** So long whoever collects figures waits for those of the installation. */
const CENSUS_MS = 2_000;

/** What runs under one configuration. */
type Parts = { config: Config; checks: Record<string, Check>; census: () => ReturnType<typeof takeCensus>; doorbell: Doorbell; stop(): Promise<void> };

/** What there is of the product now: `parts` is null while none run, and `waitsFor` says on what they wait. */
type Running = { parts: Parts | null; waitsFor: string; refused: string | null };

/** What ran goes on, so the process is as ready as it was; whoever changed a token must not take the old one back. */
const REFUSED = 'config: what was read last was not taken over, and the one before is in use; the log says why';

/** Figures of the installation; none while Redis does not say them. */
async function installation({ parts }: Running): Promise<Metric[]> {
  const census = await within(CENSUS_MS, parts?.census() ?? Promise.resolve(null), () => null).catch(() => null);
  return census ? censusMetrics(census) : [];
}

/**
 * The product: runs the parts that this process' role needs, and returns when it was told to stop. SIGHUP reads the configuration again: parts with the new one take
 * the place of the old ones, and no session notices, because all that a session is lies in Redis. A configuration with faults is told and left alone.
 */
export async function start(config: Config, readAgain: () => Promise<Read<Config>>): Promise<void> {
  const log = logOf(config);
  const watching = await openWatching(config, config.role);
  const running: Running = { parts: null, waitsFor: 'Redis', refused: null };
  const board = config.queueBoard ? await openBoard(() => running.parts?.doorbell ?? null) : undefined;
  // Before the parts: whoever supervises us learns that we live, and why we are of no use yet.
  const health = await startHealth({
    ...config.admin,
    board,
    checks: () => running.parts?.checks ?? { starting: () => `waiting for ${running.waitsFor}` },
    warnings: () => (running.refused === null ? [] : [running.refused]),
    metrics: async () => [...watching.figures.metrics(), ...(await installation(running))],
  });
  try {
    running.parts = await startParts(config, log, watching, running);
  } catch (error) {
    await health.close();
    throw error;
  }
  log.info({ admin: health.url }, 'ready');

  const orders = signals();
  while ((await orders.next()) === 'read again') {
    const read = await tryTo(readAgain);
    running.refused = read.ok && (await replace(running, read.config, watching, orders.stopping)) ? null : REFUSED;
    if (!read.ok) log.error({ faults: read.faults }, 'the configuration has mistakes and was not taken over; what ran goes on as before');
  }
  log.info('stopping');
  const stopAll = async () => {
    await health.close();
    await running.parts?.stop();
    await watching.tracing?.stop();
  };
  await Promise.race([stopAll(), new Promise((r) => setTimeout(r, SHUTDOWN_MS).unref())]);
  // A socket to a Redis that is away would keep the process alive for as long as it is away.
  setTimeout(() => process.exit(0), 200).unref();
}

/** Whatever a file or a variable holds, and whatever reads it does not foresee: what runs goes on. */
async function tryTo(readAgain: () => Promise<Read<Config>>): Promise<Read<Config>> {
  try {
    return await readAgain();
  } catch (error) {
    return { ok: false, faults: [`It could not be read: ${error instanceof Error ? error.message : String(error)}`] };
  }
}

/**
 * New parts before the old ones stop, where both can be there at once: only on the same HTTP port they cannot. A configuration that cannot be started with leaves
 * the one that worked, or goes back to it. Answers whether the new one is in use; throws nothing.
 */
async function replace(running: Running, config: Config, watching: Watching, stopping: () => boolean): Promise<boolean> {
  const old = running.parts;
  if (!old) return false;
  const log = logOf(config);
  const inTheWay = portsOf(old.config).some((port) => portsOf(config).includes(port));
  if (inTheWay) {
    running.parts = null;
    await old.stop();
  }
  let wayBack = () => {};
  try {
    wayBack = await changeWay(old.config, config);
    running.parts = await startParts(config, log, watching, running);
    if (!inTheWay) await old.stop();
    log.info('the configuration was read again');
    return true;
  } catch (error) {
    wayBack();
    log.error({ err: error }, `could not start with the new configuration; ${inTheWay ? 'going back to the one before' : 'what ran goes on'}`);
    if (inTheWay) await goBack(running, old.config, watching, stopping);
    return false;
  }
}

/** The way out to the network is the process', not a part's: what is started takes the one that it finds. What comes back puts the one of before back. */
async function changeWay(from: Config, to: Config): Promise<() => void> {
  if (isDeepStrictEqual(from.proxies, to.proxies)) return () => {};
  return (await import('./proxy.ts')).useProxies(to.proxies);
}

/** Whatever keeps these parts from starting keeps everything from working, so it is tried until it passes. */
async function goBack(running: Running, config: Config, watching: Watching, stopping: () => boolean): Promise<void> {
  const log = logOf(config);
  while (!stopping()) {
    try {
      running.parts = await startParts(config, log, watching, running);
      log.warn('the configuration of before is in use again; mend the new one and send SIGHUP once more');
      return;
    } catch (error) {
      log.error({ err: error }, 'could not start with the configuration of before either; trying again');
      await new Promise((r) => setTimeout(r, 2_000));
    }
  }
}

/** Where nobody else can listen while we do. */
function portsOf({ role, slack, port, databricksWebhookSecret, mcpHttp }: Config): number[] {
  if (role === 'worker') return [];
  return [...(slack.transport.mode === 'http' || databricksWebhookSecret !== null ? [port] : []), ...(mcpHttp ? [mcpHttp.port] : [])];
}

async function startParts(config: Config, log: Log, watching: Watching, waiting: Pick<Running, 'waitsFor'>): Promise<Parts> {
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

/** Of whichever bell there is at the time: it changes when the configuration is read again. */
async function openBoard(doorbell: () => Doorbell | null) {
  const { BOARD_PATH, queueBoard } = await import('./ops/queue-board.ts').catch((cause: unknown) => {
    throw new Error('QUEUE_BOARD is on, but its packages are not installed: npm install --include=optional, or unset it.', { cause });
  });
  let shown: { of: Doorbell; answer: RequestListener } | null = null;
  const answer: RequestListener = (request, response) => {
    const bell = doorbell();
    if (bell === null) return void response.writeHead(503).end('starting\n');
    if (shown?.of !== bell) shown = { of: bell, answer: queueBoard(bell) };
    shown.answer(request, response);
  };
  return { path: BOARD_PATH, answer };
}

function logOf(config: Config): Log {
  return createLog({ level: config.logLevel, secrets: config.secrets, role: config.role });
}

/** What the operator orders, in order. A second order to stop ends the process at once. */
function signals(): { next(): Promise<'stop' | 'read again'>; stopping(): boolean } {
  let stopping = false;
  let again = false;
  let heard = () => {};
  // Who closes a terminal wants what runs in it to end.
  const ends = ['SIGTERM', 'SIGINT', ...(process.stderr.isTTY ? (['SIGHUP'] as const) : [])] as const;
  for (const signal of ends) {
    process.on(signal, () => {
      if (stopping) process.exit(130);
      stopping = true;
      heard();
    });
  }
  if (!process.stderr.isTTY)
    process.on('SIGHUP', () => {
      again = true;
      heard();
    });
  return {
    stopping: () => stopping,
    async next() {
      while (!stopping && !again)
        await new Promise<void>((resolve) => {
          heard = resolve;
        });
      if (stopping) return 'stop';
      again = false;
      return 'read again';
    },
  };
}
