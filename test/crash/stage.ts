import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openLog } from '../../src/runtime/event-log.ts';
import { makeKeys } from '../../src/runtime/keys.ts';
import { openBlobs } from '../../src/runtime/payloads.ts';
import { makeReading } from '../../src/runtime/read-sessions.ts';
import { connect, PATIENT } from '../../src/runtime/redis.ts';
import { startMessagesApi } from '../../src/sandbox/claude/messages-api.ts';
import { freePort, type RunningRedis, startRedis } from '../../src/sandbox/redis.ts';
import { sandboxConfig } from '../../src/sandbox/sandbox-config.ts';
import { startStandIns } from '../../src/sandbox/stand-ins.ts';
import { openBalancer } from './balancer.ts';
import { type Link, openLink } from './link.ts';
import { type Supervised, supervise } from './processes.ts';
import { openSharedTime } from './time.ts';
import { answer, LONG } from './workload.ts';

/** What a worker talks to, each over a link of its own. */
export const SERVICES = {
  redis: 'REDIS_URL',
  claude: 'ANTHROPIC_BASE_URL',
  databricks: 'DATABRICKS_HOST',
  github: 'GITHUB_API_URL',
  mlflow: 'MLFLOW_TRACKING_URI',
  slack: 'SLACK_API_URL',
} as const;
export type Service = keyof typeof SERVICES;
export type Worker = { process: Supervised; links: Record<Service, Link> };
export type Heard = { envelope: string; acked: boolean };
export type CrashStage = Awaited<ReturnType<typeof openCrashStage>>;

const PREFIX = 'crash';
const LONG_MS = 3_650 * 86_400_000;
const isLong = ({ parameters }: { parameters: Record<string, string> }) => parameters['seed'] === LONG.seed;

/** The product as it would stand in production: one gateway, two workers, a Redis that syncs every write; around it stand-ins, and links that can be cut. */
export async function openCrashStage(options: {
  mode: 'socket' | 'http';
  channels: number;
  programs: { gateway: string; worker: string; later: string };
  workers: number;
  /** More than one: behind a balancer where Slack speaks HTTP; with Socket Mode each opens connections of its own. */
  gateways?: number | undefined;
  /** All of it under a clock that can be moved. */
  inTime?: boolean | undefined;
  say: (line: string) => void;
}) {
  const dir = await mkdtemp(join(tmpdir(), 'labmate-crash-'));
  const redisDir = join(dir, 'redis');
  const time = options.inTime ? openSharedTime(dir) : null;
  const launchRedis = () => startRedis({ dir: redisDir, purpose: 'the crash suite', env: time?.variables, say: options.say });
  let server: RunningRedis = await launchRedis();
  const portOf = (url: string) => Number(new URL(url).port);
  const links: Link[] = [];
  const linkTo = async (port: number) => {
    const link = await openLink(port);
    links.push(link);
    return link;
  };

  const balancer = await openBalancer();
  const heard: Heard[] = [];
  /** What the commits are called that changed one file, as GitHub took them. */
  const written: string[] = [];
  let ackListeners: { of: RegExp; tell: () => void }[] = [];
  const standIns = await startStandIns({
    mode: options.mode,
    eventsUrl: `http://127.0.0.1:${balancer.port}/slack/events`,
    real: [],
    dir,
    // In the night, or before one can look.
    trainingSeconds: time ? 3 * 3_600 : 1,
    now: time?.now,
    ports: {},
    onTraffic: (from, seen) => {
      if (from === 'databricks' && seen.what.includes('jobs/run-now'))
        for (const launch of standIns.training.launches()) if (isLong(launch)) launch.durationMs = LONG_MS;
      if (from === 'github' && seen.what.startsWith('PUT ') && (seen.status === 200 || seen.status === 201))
        written.push(String((seen.body as { message?: unknown } | null)?.message));
      if (from === 'slack' && /^(socket|POST) events_api$/.test(seen.what)) heard.push({ envelope: JSON.stringify(seen.body), acked: seen.status === 200 });
      if (from !== 'slack' || seen.status !== 200) return;
      const what = `${seen.what} ${JSON.stringify(seen.body)}`;
      for (const { of, tell } of ackListeners) if (of.test(what)) tell();
    },
    startClaude: async (wish) => (await startMessagesApi({ answer, ...wish })) as never,
  });
  const { slack } = standIns;
  if (!slack) throw new Error('the Slack stand-in did not start');
  // One channel for each person who works: Slack takes one message a second and channel.
  const channels = Array.from({ length: options.channels }, (_, i) => `C0CRASH${i}`);
  slack.world.data.channels.push(...channels.map((id) => ({ id, name: id.toLowerCase() })));
  const configFile = join(dir, 'labmate.json');
  // Nobody here answers what becomes of a run, and the oracle takes no call after a stop.
  const config = { ...sandboxConfig(), onStop: 'leave' };
  await writeFile(
    configFile,
    JSON.stringify({
      ...config,
      channels,
      allow: { experiments: ['*'], dashboards: ['*'], channels },
      budgets: { perUser: 1000, perTeam: 1000, wallTime: '3650d' },
    }),
  );

  const common = {
    PATH: process.env['PATH'] ?? '',
    HOME: dir,
    ...time?.variables,
    ...standIns.variables,
    REDIS_PREFIX: PREFIX,
    LABMATE_CONFIG: configFile,
    LOG_LEVEL: 'warn',
  };
  const overLink = (name: Service, link: Link): string => {
    if (name === 'redis') return `redis://127.0.0.1:${link.port}`;
    const url = new URL((standIns.variables as Record<string, string>)[SERVICES[name]] ?? '');
    url.port = String(link.port);
    return url.href.replace(/\/$/, name === 'slack' ? '/' : '');
  };

  const faults: string[] = [];
  const fault = (sentence: string) => void faults.push(sentence);
  const redisLinks: Link[] = [];
  const redisLink = async () => {
    const link = await linkTo(portOf(server.url));
    redisLinks.push(link);
    return link;
  };
  const gateways: { process: Supervised; link: Link; port: number }[] = [];
  for (let i = 1; i <= (options.gateways ?? 1); i++) {
    const link = await redisLink();
    const port = await freePort();
    const variables = { ...common, ROLE: 'gateway', PORT: String(port), REDIS_URL: overLink('redis', link) };
    gateways.push({ process: supervise({ name: `gateway-${i}`, program: options.programs.gateway, dir, say: options.say, fault, variables }), link, port });
  }
  balancer.lead(gateways.map((g) => g.port));
  const [first] = gateways;
  if (!first) throw new Error('at least one gateway is needed');
  const { process: gateway, link: gatewayLink } = first;
  const workers: Worker[] = [];
  for (let i = 1; i <= options.workers; i++) {
    const to = async (name: Service) => (name === 'redis' ? redisLink() : linkTo(portOf((standIns.variables as Record<string, string>)[SERVICES[name]] ?? '')));
    const own = {} as Record<Service, Link>;
    const variables: Record<string, string> = { ...common, ROLE: 'worker' };
    for (const name of Object.keys(SERVICES) as Service[]) {
      own[name] = await to(name);
      variables[SERVICES[name]] = overLink(name, own[name]);
    }
    workers.push({ process: supervise({ name: `worker-${i}`, program: options.programs.worker, dir, say: options.say, fault, variables }), links: own });
  }

  // Our own eyes look through a link too, so that they follow Redis to wherever it comes back.
  const ownLink = await redisLink();
  const redis = connect(`redis://127.0.0.1:${ownLink.port}`, PATIENT);
  redis.on('error', () => {});
  const keys = makeKeys(PREFIX);
  const blobs = openBlobs(redis, keys);
  const log = openLog(redis, keys, blobs);
  const processes = [...gateways.map((g) => g.process), ...workers.map((w) => w.process)];
  let isLater = false;
  const stage = {
    ...{ say: options.say, dir, channels, standIns, slack, gateway, gatewayLink, workers, processes, redis, keys, blobs, log, heard, written, faults, time },
    reading: makeReading(redis, keys, log),
    ready: async () => void (await Promise.all(processes.map((p) => p.ready()))),
    redisLinks,
    /** Resolves when Slack has been told that a delivery like this has arrived. */
    acknowledged: (of: RegExp) =>
      new Promise<void>((resolve) => {
        const one = { of, tell: () => resolve() };
        ackListeners.push(one);
        void new Promise((r) => setTimeout(r, 60_000).unref()).then(() => {
          ackListeners = ackListeners.filter((l) => l !== one);
        });
      }),
    isLater: () => isLater,
    /** A deploy, of today's version or of a later one: every process in turn is told to end, and the next one only when it is back. */
    async deploy(later: boolean, each: () => void = () => {}) {
      isLater = later;
      for (const who of processes) {
        who.runs(later ? options.programs.later : gateways.some((g) => g.process === who) ? options.programs.gateway : options.programs.worker);
        each();
        await who.signal('SIGTERM');
        await new Promise((r) => setTimeout(r, 500));
        await who.ready();
      }
    },
    /** kill -9 of Redis itself; it comes back with what it had synced. */
    async killRedis(downMs: number) {
      const pid = Number(await readFile(join(redisDir, 'redis.pid'), 'utf8'));
      process.kill(pid, 'SIGKILL');
      for (const link of redisLinks) link.lead(null);
      await server.stop();
      await new Promise((r) => setTimeout(r, downMs));
      server = await launchRedis();
      for (const link of redisLinks) link.lead(portOf(server.url));
    },
    async close(keep = false) {
      await Promise.all(processes.map((p) => p.stop()));
      redis.disconnect();
      await Promise.all([...links.map((l) => l.close()), balancer.close()]);
      await standIns.close();
      await server.stop();
      if (!keep) await rm(dir, { recursive: true, force: true });
    },
  };
  await stage.ready().catch(async (error: unknown) => {
    await stage.close(true);
    throw error;
  });
  return stage;
}
