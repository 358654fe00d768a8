import type { RequestListener } from 'node:http';
import { isDeepStrictEqual } from 'node:util';
import type { Config, Read } from './config.ts';
import { createLog, type Log } from './log.ts';
import { censusMetrics } from './ops/figures.ts';
import { startHealth } from './ops/health.ts';
import type { Metric } from './ops/metrics.ts';
import { openWatching, type Watching } from './ops/observe.ts';
import { type Parts, startParts } from './parts.ts';
import type { Doorbell } from './runtime/doorbell.ts';
import { within } from './within.ts';

/** After this long a process that is asked to stop is stopped. */
const SHUTDOWN_MS = 10_000;

/** So long whoever collects figures waits for those of the installation. */
const CENSUS_MS = 2_000;

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
