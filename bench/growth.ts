import type { Child } from './child.ts';
import type { Metered } from './sessions.ts';
import type { Stage } from './stage.ts';

/** How cost grows. Figures of this machine in this minute: read them by row, against the one above. */
export type Table = { name: string; columns: string[]; rows: (string | number)[][] };

type Script = { calls: number; ask: number; bytes: number };

export async function measureGrowth(stage: Stage): Promise<Table[]> {
  return [await bySteps(stage), await byTranscript(stage), await byWorkers(stage), await bySleepers(stage)];
}

async function bySteps(stage: Stage): Promise<Table> {
  const labmate = await stage.start('contenders/labmate.js', { env: { REDIS_PREFIX: 'steps' } });
  await cost(stage, labmate, { calls: 8, ask: 0, bytes: 1_000 }, 'warm', 60);
  const rows: (string | number)[][] = [];
  for (const [calls, sessions] of [
    [10, 64],
    [100, 16],
    [1_000, 2],
  ] as const) {
    const { cpuMs, inBytes, record } = await cost(stage, labmate, { calls, ask: 0, bytes: 1_000 }, `s${calls}`, sessions);
    rows.push([calls, round(cpuMs / calls), round(inBytes / record), `${Math.round(record / 1_000)} KB`]);
  }
  await labmate.stop();
  return { name: 'Steps', columns: ['tool calls', 'CPU ms a call', 'bytes to Redis, of the record', 'record'], rows };
}

async function byTranscript(stage: Stage): Promise<Table> {
  const labmate = await stage.start('contenders/labmate.js', { env: { REDIS_PREFIX: 'size' } });
  await cost(stage, labmate, { calls: 8, ask: 0, bytes: 1_000 }, 'warm', 60);
  const rows: (string | number)[][] = [];
  // A result is shown to the model up to 24,000 characters, so a transcript of 1 MB has 44 of them.
  for (const [name, calls, bytes, sessions] of [
    ['10 KB', 8, 1_200, 64],
    ['100 KB', 8, 12_000, 32],
    ['1 MB', 44, 23_000, 4],
  ] as const) {
    const { cpuMs, inBytes, record } = await cost(stage, labmate, { calls, ask: 0, bytes }, `t${bytes}`, sessions);
    rows.push([name, calls, round(cpuMs), round(cpuMs / calls), round(inBytes / record)]);
  }
  await labmate.stop();
  return { name: 'Transcript', columns: ['transcript', 'tool calls', 'CPU ms a session', 'CPU ms a call', 'bytes to Redis, of the record'], rows };
}

async function byWorkers(stage: Stage): Promise<Table> {
  const rows: (string | number)[][] = [];
  for (const workers of [1, 2, 4]) {
    const env = { REDIS_PREFIX: `workers${workers}`, AT_ONCE: String(64 / workers) };
    const all: Child[] = [];
    for (let i = 0; i < workers; i++) all.push(await stage.start('contenders/labmate.js', { env }));
    const [first] = all;
    if (!first) throw new Error('no worker');
    const script = { calls: 8, ask: 0, bytes: 1_000 };
    await cost(stage, first, script, 'warm', 60 * workers, all);
    const { cpuMs, perSecond } = await cost(stage, first, script, 'run', 150, all);
    rows.push([workers, round(perSecond), round(cpuMs)]);
    for (const each of all) await each.stop();
  }
  return { name: 'Workers', columns: ['processes', 'sessions/s', 'CPU ms a session'], rows };
}

/** A thousand really fall asleep; the others are copies of them inside Redis, as nobody reads a sleeper's log. */
async function bySleepers(stage: Stage): Promise<Table> {
  const prefix = 'sleepers';
  const labmate = await stage.start('contenders/labmate.js', { env: { REDIS_PREFIX: prefix } });
  const before = (await stage.usage()).memory;
  await labmate.ask('park', { calls: 1, ask: 1, bytes: 100, name: 'z', sessions: 1_000, atOnce: 64 });
  await labmate.ask('drawn', { name: 'z', sessions: 1_000 });
  const rows: (string | number)[][] = [];
  let there = 1_000;
  for (const count of [1_000, 10_000, 100_000]) {
    for (; there < count; there += 1_000) await copies(stage, prefix, there);
    const { memory } = await stage.usage();
    const idle = await rest(stage, labmate, 5_000);
    rows.push([count, Math.round((memory - before) / count), round(idle), round(await ring(stage, prefix))]);
  }
  await labmate.stop();
  return { name: 'Sleepers', columns: ['asleep', 'Redis bytes each', 'CPU ms a second at rest (worker and Redis)', 'ms to ask who is due'], rows };
}

async function copies(stage: Stage, prefix: string, from: number): Promise<void> {
  const write = stage.eye.pipeline();
  const later = Date.now() + 86_400_000;
  for (let i = 0; i < 1_000; i++) {
    const name = `z-${from + i}`;
    for (const kind of ['log', 'st', 'idem']) write.copy(`{${prefix}}:${kind}:z-${i}`, `{${prefix}}:${kind}:${name}`);
    write.zadd(`{${prefix}}:due`, later, name).sadd(`{${prefix}}:live:T1`, name).sadd(`{${prefix}}:live:T1:U1`, name);
  }
  await write.exec();
}

async function rest(stage: Stage, labmate: Child, ms: number): Promise<number> {
  const [before, ours] = [await stage.usage(), await labmate.ask<number>('cpu')];
  await new Promise((r) => setTimeout(r, ms));
  const [after, then] = [await stage.usage(), await labmate.ask<number>('cpu')];
  return ((after.cpuMs - before.cpuMs + then - ours) * 1_000) / ms;
}

async function ring(stage: Stage, prefix: string): Promise<number> {
  const began = performance.now();
  for (let i = 0; i < 100; i++) await stage.eye.zrangebyscore(`{${prefix}}:due`, '-inf', Date.now(), 'LIMIT', 0, 100);
  return (performance.now() - began) / 100;
}

type Cost = { cpuMs: number; perSecond: number; inBytes: number; record: number };

/** Of one session, our processes and Redis together. */
async function cost(stage: Stage, labmate: Child, script: Script, name: string, sessions: number, all: readonly Child[] = [labmate]): Promise<Cost> {
  const cpu = async () => (await Promise.all(all.map((each) => each.ask<number>('cpu')))).reduce((sum, each) => sum + each, 0);
  const [before, ours] = [await stage.usage(), await cpu()];
  const { wallMs } = await labmate.ask<Metered>('run', { ...script, name, sessions, atOnce: 64 });
  const [after, then] = [await stage.usage(), await cpu()];
  const record = (await labmate.ask<number>('recordBytes', { ids: Array.from({ length: sessions }, (_, i) => `${name}-${i}`) })) / sessions;
  return {
    cpuMs: (after.cpuMs - before.cpuMs + then - ours) / sessions,
    perSecond: (sessions / wallMs) * 1_000,
    inBytes: (after.inBytes - before.inBytes) / sessions,
    record,
  };
}

function round(n: number): number {
  return Number(n.toPrecision(3));
}
