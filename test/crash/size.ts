import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { interactiveElements } from '../../src/sandbox/slack/messages.ts';
import { bundle, dropBundles } from './processes.ts';
import { type CrashStage, openCrashStage } from './stage.ts';
import { promptOf } from './workload.ts';

/** Begun and ended before anything is counted: what is loaded and written once is no session's. */
const WARM = 5;
const REST_MS = 5_000;
const GIVE_UP_MS = 240_000;

/**
 * What an installation of one gateway and one worker takes, at rest and while many run the main job at once: memory and processor time by role (from /proc), and
 * what Redis keeps of a session that waits and of one that has ended. Nobody is killed.
 */
export async function size(sessions: number, say: (line: string) => void): Promise<void> {
  const program = await bundle('test/crash/product.ts', 'size');
  const programs = { gateway: program, worker: program, later: program };
  const stage = await openCrashStage({ mode: 'socket', channels: WARM + sessions, programs, workers: 1, say });
  try {
    const pids = {
      gateway: (await stage.gateway.pid()) ?? 0,
      worker: (await stage.workers[0]?.process.pid()) ?? 0,
      Redis: Number(readFileSync(join(stage.dir, 'redis', 'redis.pid'), 'utf8')),
    };
    const look = async () => ({ used: await usedMemory(stage), file: fileSize(stage), cpu: Object.values(pids).map(cpuMs) });
    const each = (from: number, to: number) => Math.round((to - from) / sessions);

    await sleep(REST_MS);
    const resting = Object.values(pids).map(cpuMs);
    await sleep(REST_MS);
    for (const [i, [role, pid]] of Object.entries(pids).entries())
      say(`at rest: ${role} ${memoryMb(pid)} MB, ${((100 * (cpuMs(pid) - (resting[i] ?? 0))) / REST_MS).toFixed(1)} % of a core`);
    await begin(stage, 0, WARM);
    await approveAll(stage);

    const before = await look();
    const known = new Set(await logs(stage));
    await begin(stage, WARM, sessions);
    await until(async () => stage.slack.world.data.messages.filter(asks).length >= sessions, 'every question to be asked');
    const ours = (await logs(stage)).filter((key) => !known.has(key));
    const waiting = await look();
    say(
      `waits for its first yes: ${each(before.used, waiting.used)} bytes of Redis' memory a session, of which its record is ${await recordBytes(stage, ours)}`,
    );

    const began = Date.now();
    await approveAll(stage);
    const seconds = (Date.now() - began) / 1_000;
    await until(async () => (await stage.redis.zcard(stage.keys.stale)) === 0, 'every thread to be up to date');
    const after = await look();
    say(`${sessions} at once ended ${seconds.toFixed(1)} s after the first yes, trainings of 1 s included`);
    say(`has ended: ${each(before.used, after.used)} bytes a session, of which its record is ${await recordBytes(stage, ours)}`);
    for (const [i, [role, pid]] of Object.entries(pids).entries())
      say(`under load: ${role} ${memoryMb(pid)} MB, ${each(before.cpu[i] ?? 0, after.cpu[i] ?? 0)} ms of processor time a session`);
    await stage.redis.bgrewriteaof();
    await until(async () => /aof_rewrite_in_progress:0/.test(await stage.redis.info('persistence')), 'the rewrite');
    const all = sessions + WARM;
    say(`append-only file: ${each(before.file, after.file)} bytes a session, ${Math.round(fileSize(stage) / all)} after a rewrite`);
    say(`Slack: ${(stage.slack.world.data.messages.length / all).toFixed(1)} messages a session`);
  } finally {
    await stage.close();
    dropBundles();
  }
}

async function begin({ slack, channels }: CrashStage, from: number, count: number): Promise<void> {
  for (const [i, channel] of channels.slice(from, from + count).entries())
    await slack.act({ as: 'U1', do: 'command', command: '/experiment', text: promptOf(`t${(from + i).toString(36)}`, 'whole'), channel });
}

/** Says yes to whatever is asked until nothing is open. */
async function approveAll({ slack, redis, keys }: CrashStage): Promise<void> {
  await until(async () => {
    for (const { channel, ts } of slack.world.data.messages.filter(asks)) await slack.act({ as: 'U2', do: 'click', channel, ts, actionId: 'approve_call' });
    return (await redis.scard(keys.liveTeam('T1'))) === 0;
  }, 'every session to end');
}

const asks = ({ blocks }: CrashStage['slack']['world']['data']['messages'][number]) =>
  interactiveElements(blocks).some(({ element }) => element['action_id'] === 'approve_call');

async function until(look: () => Promise<boolean>, what: string): Promise<void> {
  for (const giveUp = Date.now() + GIVE_UP_MS; !(await look()); await sleep(200)) if (Date.now() > giveUp) throw new Error(`waited in vain for ${what}`);
}

const logs = async ({ redis, keys }: CrashStage) => (await redis.keys('*')).filter((key) => key.startsWith(keys.log('')));

async function recordBytes({ reading, keys }: CrashStage, ours: readonly string[]): Promise<number> {
  let bytes = 0;
  for (const key of ours) for (const line of (await reading.lines(key.slice(keys.log('').length)))?.lines ?? []) bytes += Buffer.byteLength(line) + 1;
  return Math.round(bytes / ours.length);
}

const usedMemory = async ({ redis }: CrashStage) => Number(/used_memory:(\d+)/.exec(await redis.info('memory'))?.[1]);

function fileSize({ dir }: CrashStage): number {
  const folder = join(dir, 'redis', 'appendonlydir');
  return readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
}

const memoryMb = (pid: number) => Math.round(Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1_024);

/** User and system time so far; /proc counts in hundredths of a second. */
function cpuMs(pid: number): number {
  const [, rest = ''] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ');
  const fields = rest.split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}
