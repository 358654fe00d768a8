import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { writableFolder } from '../writable-folder.ts';
import { openBehind } from './behind.ts';
import { startMessagesApi } from './claude/messages-api.ts';
import { planner } from './claude/planner.ts';
import { openClock } from './clock.ts';
import { startFeatureRegistry } from './feature-registry.ts';
import { lockFolder } from './lock-folder.ts';
import { startMachine } from './machine.ts';
import { aboutOf, keepStory, mustBeFree, openControl, wreak } from './open-control.ts';
import { forgetKeys, freePort, startRedis } from './redis.ts';
import { sandboxConfig, TOKENS } from './sandbox-config.ts';
import { findScenario, playInSandbox } from './scenario.ts';
import { team } from './slack/seed.ts';
import type { SlackStandIn } from './slack/slack-stand-in.ts';
import { type ServiceName, startStandIns } from './stand-ins.ts';
import { createTrafficLog } from './traffic-log.ts';

export type LaunchOptions = {
  env: Readonly<Record<string, string | undefined>>;
  mode: 'socket' | 'http';
  /** Played without a browser; null: a page for people. */
  scenario: string | null;
  real: readonly ServiceName[];
  /** Null: the usual one, or any that is free. */
  port: number | null;
  /** Where it keeps what it remembers; null: `.sandbox` of the checkout. */
  dir: string | null;
  trainingSeconds: number;
};

/** Where a checkout keeps what its sandbox remembers: messages, runs, repositories, Redis' data. */
const HOME = join(import.meta.dirname, '..', '..', '.sandbox');

/** What the product gets of our own environment, besides what points it at the stand-ins. */
const BASE = ['PATH', 'HOME', 'TMPDIR', 'LANG', 'NODE_EXTRA_CA_CERTS', 'LOG_LEVEL'];

const OF_REAL: Record<ServiceName, RegExp> = {
  slack: /^SLACK_/,
  claude: /^ANTHROPIC_/,
  databricks: /^DATABRICKS_/,
  mlflow: /^MLFLOW_/,
  github: /^GITHUB_/,
  grafana: /^GRAFANA_/,
};

/** The variables that make these services real, and the way to them. */
export function variablesOfReal(real: readonly ServiceName[], env: LaunchOptions['env']): Record<string, string> {
  return chosen(env, (name) => real.some((service) => OF_REAL[service].test(name) || /^(https?|no)_proxy$/i.test(name)));
}

/** Starts all of it, plays a scenario or prints one URL, and stops all it started. What is real must be configured. Answers the exit code. */
export async function launchSandbox(options: LaunchOptions): Promise<number> {
  const say = (line: string) => void process.stderr.write(`${line}\n`);
  const stops: (() => Promise<void>)[] = [];
  // Last started, first stopped; one that cannot stop must not keep the others.
  const stopAll = async () => {
    for (const stop of stops.splice(0).reverse()) await stop().catch((error: Error) => say(error.message));
  };
  const told = interrupted();
  const work = begin(options, stops, say);
  try {
    const outcome = await Promise.race([work, told.then(() => 'stopped' as const)]);
    if (outcome === 'stopped') {
      // What is being started now must be known before it can be stopped.
      say('Stopping');
      await stopAll();
      return 0;
    }
    if (outcome.play) return await outcome.play();
    await told;
    say('Stopping');
    return 0;
  } finally {
    await stopAll();
  }
}

async function begin(options: LaunchOptions, stops: (() => Promise<void>)[], say: (line: string) => void): Promise<{ play: (() => Promise<number>) | null }> {
  const { env, mode, scenario, real, port } = options;
  // A misspelt name and a port that is taken are told before anything is started.
  if (scenario !== null) findScenario(scenario);
  else if (port !== null) await mustBeFree(port);
  const { dir, keep } = await openFolder(options.dir ?? HOME, scenario !== null, stops);
  const prefix = scenario === null ? 'lm-sandbox' : `lm-${findScenario(scenario).name}-${process.pid}`;
  // Somebody else's Redis keeps its own time, and so must all that talks to it.
  const clock = openClock(dir, env['REDIS_URL'] ? null : undefined);
  const wish = { useUrl: env['REDIS_URL'], dir: join(dir, 'redis'), purpose: 'the sandbox', say, mayInstall: askAtTerminal };
  const redis = await startRedis({ ...wish, env: clock.environment() });
  stops.push(redis.stop);
  if (scenario !== null && env['REDIS_URL']) stops.push(() => forgetKeys(redis.url, prefix));
  say(`${redis.how}, under the prefix ${prefix}`);

  const gatewayPort = await freePort();
  const traffic = createTrafficLog();
  const standIns = await startStandIns({
    mode,
    eventsUrl: `http://127.0.0.1:${gatewayPort}/slack/events`,
    real,
    dir,
    trainingSeconds: options.trainingSeconds,
    now: clock.now,
    ports: await readPorts(dir),
    onTraffic: traffic.add,
    startClaude: ({ port, key, onTraffic }) => startMessagesApi({ answer: planner, port, key, onTraffic }),
  });
  stops.push(standIns.close);
  const registry = await startFeatureRegistry({ token: TOKENS.registry });
  stops.push(registry.close);
  await writeFile(join(dir, 'ports.json'), JSON.stringify(standIns.ports));
  say(`Stand-ins: ${standIns.simulated.join(', ')} (${mode === 'socket' ? 'Socket Mode' : 'signed HTTP'})`);

  const configFile = join(dir, 'labmate.json');
  await writeFile(configFile, JSON.stringify(sandboxConfig({ registry: true }), null, 2));
  const variables = {
    ...chosen(env, (name) => BASE.includes(name)),
    ...variablesOfReal(real, env),
    ...standIns.variables,
    FEATURE_REGISTRY_URL: registry.url,
    FEATURE_REGISTRY_TOKEN: TOKENS.registry,
    REDIS_URL: redis.url,
    REDIS_PREFIX: prefix,
    LABMATE_CONFIG: configFile,
    PORT: String(gatewayPort),
  };
  const machine = await startMachine({ redis, clock, variables, dir, say });
  stops.push(machine.stop);
  say('Gateway and worker: ready');

  // Sessions that wait for runs which no longer exist would tell of them: labmate forgets with the rest.
  const reset = () =>
    machine.anew(async () => {
      if (clock.skippedMs() > 0) {
        clock.reset();
        await redis.restart?.({});
      }
      await forgetKeys(redis.url, prefix);
      standIns.reset();
      registry.reset();
    });
  const behind = openBehind(redis.url, prefix, team.id);
  stops.push(behind.close);
  const about = aboutOf(standIns.simulated, real);
  const control = await openControl(options, {
    ...{ slack: standIns.slack, traffic, about, fault: standIns.fault, reset, behind },
    chaos: (what) => wreak(what, machine, behind),
    cannotSkip: machine.cannotSkip,
    saveStory: (name, story) => keepStory(dir, name, story),
  });
  stops.push(control.close);
  if (scenario !== null) return { play: () => play(scenario, { slack: standIns.slack, variables }, keep) };
  // Their own REDIS_URL may hold a password, and they have it.
  const itsRedis = env['REDIS_URL'] ? '' : `REDIS_URL=${redis.url} `;
  say(`A session's record, from another terminal: ${itsRedis}REDIS_PREFIX=${prefix} npx labmate record ID`);
  say('');
  // Alone on stdout, so that a script can read it.
  process.stdout.write(`${control.url}\n`);
  say(`\nCtrl-C stops all of it. What it remembers is in ${relative(process.cwd(), dir) || dir}; delete that folder to begin anew.`);
  return { play: null };
}

/** `keep`: what a scenario left behind is not thrown away. */
async function openFolder(home: string, throwaway: boolean, stops: (() => Promise<void>)[]): Promise<{ dir: string; keep: () => string }> {
  await writableFolder('labmate sandbox --dir', home);
  if (!throwaway) {
    stops.push(await lockFolder(home));
    return { dir: home, keep: () => home };
  }
  const dir = await mkdtemp(join(home, 'headless-'));
  let kept = false;
  stops.push(async () => {
    if (!kept) await rm(dir, { recursive: true, force: true });
  });
  return {
    dir,
    keep: () => {
      kept = true;
      return dir;
    },
  };
}

async function play(name: string, sandbox: { slack: SlackStandIn | null; variables: Record<string, string> }, keep: () => string): Promise<number> {
  const { slack, variables } = sandbox;
  if (!slack) throw new Error('A scenario needs the Slack of the sandbox: leave out --with slack=real.');
  if (await playInSandbox(name, { slack, variables }, (text) => void process.stdout.write(text))) return 0;
  process.stderr.write(`The logs of gateway and worker are kept in ${keep()}\n`);
  return 1;
}

async function readPorts(dir: string): Promise<Partial<Record<ServiceName, number>>> {
  try {
    return JSON.parse(await readFile(join(dir, 'ports.json'), 'utf8')) as Partial<Record<ServiceName, number>>;
  } catch {
    // None yet, or half written by one that was killed: the stand-ins take others.
    return {};
  }
}

function chosen(env: LaunchOptions['env'], wanted: (name: string) => boolean): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter((pair): pair is [string, string] => pair[1] !== undefined && wanted(pair[0])));
}

async function askAtTerminal(question: string): Promise<boolean> {
  if (!process.stdin.isTTY) return false;
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await terminal.question(`${question} [y/N] `);
  terminal.close();
  return /^y(es)?$/i.test(answer.trim());
}

/** Resolves at the first Ctrl-C; a second one ends the process at once, and the guards end what it started. */
function interrupted(): Promise<void> {
  return new Promise((resolve) => {
    let once = false;
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.on(signal, () => {
        if (once) process.exit(130);
        once = true;
        resolve();
      });
    }
  });
}
