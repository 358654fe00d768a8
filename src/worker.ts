import { fileURLToPath } from 'node:url';
import { makeBreakers } from './agent/breaker.ts';
import { claude } from './agent/claude.ts';
import { systemPrompt } from './agent/prompt.ts';
import { think } from './agent/think.ts';
import type { Config } from './config.ts';
import { createLog, type Log } from './log.ts';
import { openCalls } from './open-calls.ts';
import { type Core, openCore } from './open-core.ts';
import { mountServers } from './open-mounts.ts';
import { observeSteps, observeTurns, openWatching, type Watching } from './ops/observe.ts';
import { advance, type Perform } from './runtime/advance.ts';
import { NOT_MADE, runInChild } from './runtime/alone.ts';
import { startJobWatch } from './runtime/job-watch.ts';
import { keepAbout } from './runtime/keep-about.ts';
import { makeKeys } from './runtime/keys.ts';
import { BrokenChain } from './runtime/read-line.ts';
import { connect, PATIENT } from './runtime/redis.ts';
import { startSessionWorker } from './runtime/session-worker.ts';
import { UpstreamError } from './services/http.ts';
import { sayBroken } from './slack/gone.ts';
import type { Tool } from './tools/define-tool.ts';
import { progressReader } from './tools/run-progress.ts';

/** The command that runs us. */
const ENTRY = fileURLToPath(new URL('../bin/labmate.mjs', import.meta.url));
/** How many sessions one worker brings forward at a time; each waits for the model or a backend most of the time. */
const CONCURRENCY = 32;

/** Sessions forward, and the runs they wait for. */
export async function startWorker(config: Config, core: Core, log: Log, watching: Watching): Promise<() => Promise<void>> {
  const { services, deliver, keys, redis, doorbell } = core;
  const { figures } = watching;
  const stepper = await openStepper(config, core, log, watching);
  const queueConnection = connect(config.redis.url, PATIENT);
  queueConnection.on('error', (error) => log.debug({ err: error }, 'redis'));
  const worker = startSessionWorker({
    redis,
    queueConnection,
    keys,
    doorbell,
    concurrency: CONCURRENCY,
    advance: { ...stepper.advance, alone: runInChild(ENTRY) },
    failed: (session, error) => {
      figures.trouble(error instanceof BrokenChain ? 'broken_record' : 'turn');
      log.error({ session, err: error }, 'a turn failed; the session is taken up again');
    },
    broken: async (session, lines, at) => {
      if (services.slack) await sayBroken(services.slack, session, { lines, at, root: await core.reading.root(session) }).catch(unlessForGood);
    },
    stuck: (idleMs) => {
      log.fatal({ idleMs }, 'no bell was rung for too long; ending, so that whoever supervises this process starts it anew');
      process.exit(70);
    },
  });
  const { databricks } = services;
  const unwatched = (error: unknown) => {
    figures.trouble('watch');
    log.warn({ err: error }, 'the training runs could not be asked about; tried again soon');
  };
  const watch = databricks
    ? startJobWatch({
        redis,
        keys,
        deliver,
        poll: progressReader({ databricks, mlflow: services.mlflow, settings: config.settings, failed: unwatched }),
        failed: unwatched,
      })
    : null;
  const index = keepAbout({
    redis,
    keys,
    log: core.log,
    retentionMs: config.retentionMs,
    failed: (error) => {
      figures.trouble('index');
      log.warn({ err: error }, 'the index of sessions could not be mended; tried again in some hours');
    },
  });
  return async () => {
    index.stop();
    watch?.stop();
    await worker.stop();
    await stepper.close();
    queueConnection.disconnect();
  };
}

/** Slack will not take it tomorrow either (the channel is gone, the app was put out): whatever hangs on it goes on without. */
function unlessForGood(error: unknown): void {
  if (!(error instanceof UpstreamError) || error.transient) throw error;
}

/** What it takes to make a step: the tools behind their gate, and the model. */
export async function openStepper(config: Config, core: Core, log: Log, { figures, tracing }: Watching, tools?: readonly Tool[]) {
  const { permissions, settings } = config;
  const mounting = mountServers(config, core, log, true);
  const calls = await openCalls(config, core, { breakers: figures.counting(makeBreakers()), tools, mounting });
  const { toolbox, breakers } = calls;
  const system = systemPrompt({ ...settings, actIn: permissions.actIn, mounted: config.mounted.length > 0 });
  const model = claude(config.claude);
  const image = async (sha256: string) => {
    const data = await core.blobs.get(sha256);
    return data ? Buffer.from(data).toString('base64') : null;
  };
  const perform: Perform = async (step, turn) =>
    step.do === 'think'
      ? think(turn.session, turn, {
          model,
          system,
          tools: await toolbox.specs(),
          image,
          breakers,
          random: Math.random,
          scrub: core.scrub,
          suspect: core.suspect,
        })
      : calls.perform(step.call, turn);
  const advance = { ...calls.advance, perform: observeSteps(perform, { figures, tracing, log }), turn: observeTurns({ figures, tracing, log }) };
  return { advance, close: calls.close };
}

/** One step of one session in this process, which exists for nothing else: what crashes here takes nobody along. */
export async function stepAlone(config: Config, session: string): Promise<number> {
  // When the worker that started us is gone, somebody else takes the session up.
  const orphaned = () => process.exit(1);
  process.once('disconnect', orphaned);
  // It may have died while we were still being loaded; that news is not told twice.
  if (process.connected === false) orphaned();
  const log = createLog({ level: config.logLevel, secrets: config.secrets, role: 'step' });
  const core = openCore(config, makeKeys(config.redis.prefix), log);
  const watching = await openWatching(config, 'step');
  const stepper = await openStepper(config, core, log, watching);
  let exitCode = 0;
  try {
    await advance(session, { ...stepper.advance, once: true, rested: async () => {} });
  } catch (error) {
    log.error({ session, err: error }, 'the step could not be made; the session is taken up again');
    exitCode = NOT_MADE;
  }
  await stepper.close();
  await core.close();
  await watching.tracing?.stop();
  process.off('disconnect', orphaned);
  if (process.connected) process.disconnect();
  return exitCode;
}
