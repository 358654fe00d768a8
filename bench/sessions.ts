import type { Child } from './child.ts';
import { type Goal, goal, median, type Stage } from './stage.ts';
import { CALLS } from './workload.ts';

type Metered = { wallMs: number; cpuMs: number };
/** What a session costs: our processes and Redis together, and how many there are in a second. */
type Cost = { cpuMs: number; perSecond: number };

export type Floors = { first: Record<string, Cost>; last: Record<string, Cost> };
const SESSION = { calls: CALLS, ask: 0, bytes: 1_000, atOnce: 64 };
const NAMES = ['bare', 'naive', 'labmate'] as const;

/** The same session by all three, in turns, so that whatever else the machine does falls on all of them. */
export async function measureSessions(stage: Stage, { rounds, sessions }: { rounds: number; sessions: number }): Promise<{ goals: Goal[]; floors: Floors }> {
  const contenders = new Map<string, Child>();
  for (const name of NAMES) contenders.set(name, await stage.start(`contenders/${name}.js`));
  const run = async (name: string, round: string, count = sessions): Promise<Cost> => {
    const before = await stage.usage();
    const { wallMs, cpuMs } = await (contenders.get(name) as Child).ask<Metered>('run', { ...SESSION, name: `e-${round}-${name}`, sessions: count });
    const after = await stage.usage();
    return { cpuMs: (cpuMs + after.cpuMs - before.cpuMs) / count, perSecond: (count / wallMs) * 1_000 };
  };
  // Until the engine has compiled what is hot.
  for (const name of NAMES) await run(name, 'warm', Math.max(100, sessions));
  const costs: Record<string, Cost>[] = [];
  for (let round = 0; round < rounds; round++) {
    const costsNow: Record<string, Cost> = {};
    for (const name of NAMES) costsNow[name] = await run(name, `r${round}`);
    costs.push(costsNow);
  }
  const last: Record<string, Cost> = {};
  for (const name of ['bare', 'naive']) last[name] = await run(name, 'last');
  for (const child of contenders.values()) await child.stop();
  const ratio = (of: keyof Cost, a: string, b: string) => median(costs.map((c) => (c[a]?.[of] ?? Number.NaN) / (c[b]?.[of] ?? Number.NaN)));
  const ms = (name: string) => median(costs.map((c) => c[name]?.cpuMs ?? Number.NaN)).toFixed(1);
  return {
    floors: { first: costs[0] ?? {}, last },
    goals: [
      goal(
        'CPU of a durable session, of the bare loop',
        ratio('cpuMs', 'labmate', 'bare'),
        { atMost: 0.85 },
        `${ms('labmate')} ms against ${ms('bare')} ms (naive ${ms('naive')} ms)`,
      ),
      goal('sessions a second, of the naive design', ratio('perSecond', 'labmate', 'naive'), { atLeast: 1.5 }, `64 at once`),
    ],
  };
}

/** What it costs to be parked, and how fast a thousand go on. */
export async function measureParked(stage: Stage, { rounds, sessions, heap }: { rounds: number; sessions: number; heap: [number, number] }): Promise<Goal[]> {
  const labmate = await stage.start('contenders/labmate.js', { env: { REDIS_PREFIX: 'parked' } });
  const naive = await stage.start('contenders/naive.js');
  const script = { calls: CALLS + 1, ask: CALLS + 1, bytes: 1_000, atOnce: 64 };
  await labmate.ask('park', { ...script, name: 'warm', sessions: 20 });
  await labmate.ask('approve', { name: 'warm', sessions: 20 });
  const ratios: number[] = [];
  const bytes: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const name = `p-${round}`;
    const before = await stage.usage();
    await labmate.ask('park', { ...script, name, sessions });
    const after = await stage.usage();
    const ids = Array.from({ length: 20 }, (_, i) => `${name}-${i}`);
    const record = (await labmate.ask<number>('recordBytes', { ids })) / ids.length;
    bytes.push((after.memory - before.memory) / sessions / record);
    await naive.ask('run', { ...script, name, sessions });
    const approved = await labmate.ask<Metered>('approve', { name, sessions });
    const naively = await naive.ask<Metered>('approve', { name, sessions });
    ratios.push(naively.wallMs / approved.wallMs);
  }
  await Promise.all([labmate.stop(), naive.stop()]);

  const holder = await stage.start('contenders/labmate.js', { env: { REDIS_PREFIX: 'heap' }, execArgv: ['--expose-gc'] });
  const short = { calls: 1, ask: 1, bytes: 100, atOnce: 64 };
  await holder.ask('park', { ...short, name: 'h0', sessions: heap[0] });
  const few = await holder.ask<number>('heap');
  await holder.ask('park', { ...short, name: 'h1', sessions: heap[1] - heap[0] });
  const many = await holder.ask<number>('heap');
  await holder.stop();
  return [
    goal('Redis bytes of a parked session, of its record', median(bytes), { atMost: 1.3 }, `${sessions} sessions, used_memory`),
    goal('heap bytes for each parked session', (many - few) / (heap[1] - heap[0]), { atMost: 64 }, `from ${heap[0]} to ${heap[1]} sessions`),
    goal(`${sessions} approved at once, of the naive design`, median(ratios), { atLeast: 1.4 }, 'until the last has ended'),
  ];
}

/** A long session's writes, a long job's tokens, and the bytes of each request against those of the one before. */
export async function measureBytes(stage: Stage, { steps }: { steps: number }): Promise<Goal[]> {
  const labmate = await stage.start('contenders/labmate.js', { env: { REDIS_PREFIX: 'bytes', WATCH: 'yes' } });
  await labmate.ask('run', { ...SESSION, name: 'warm', sessions: 5 });
  const before = await stage.usage();
  await labmate.ask('run', { calls: steps, ask: 0, bytes: 1_000, name: 'long', sessions: 4, atOnce: 4 });
  const after = await stage.usage();
  const record = await labmate.ask<number>('recordBytes', { ids: [0, 1, 2, 3].map((i) => `long-${i}`) });

  const job = async (name: string, ms: number) => {
    await labmate.ask('runsLast', { ms });
    await stage.model.ask('take');
    await labmate.ask('run', { calls: 4, ask: 0, wait: 2, bytes: 1_000, name, sessions: 1, atOnce: 1 });
    const seen = await stage.model.ask<{ calls: number; inputTokens: number }>('take');
    return { ...seen, looks: await labmate.ask<number>('looks') };
  };
  const instant = await job('job-0', 0);
  const long = await job('job-6', 6 * 3_600_000);

  // Two workers, a person's yes in the middle, and one of the two is killed: whoever goes on asks with the same bytes.
  await stage.model.ask('journal');
  const other = await stage.start('contenders/labmate.js', { env: { REDIS_PREFIX: 'bytes' } });
  const name = 'prefix';
  const parked = labmate.ask('park', { calls: CALLS, ask: 5, bytes: 1_000, name, sessions: 60, atOnce: 60 });
  await new Promise((r) => setTimeout(r, 150));
  other.kill();
  await parked;
  const third = await stage.start('contenders/labmate.js', { env: { REDIS_PREFIX: 'bytes' } });
  await labmate.ask('approve', { name, sessions: 60 });
  const { pairs, stable } = await stage.model.ask<{ pairs: number; stable: number }>('take');
  await Promise.all([labmate.stop(), third.stop()]);
  return [
    goal(
      `bytes sent to Redis over ${steps} steps, of the record`,
      (after.inBytes - before.inBytes) / record,
      { atMost: 1.5 },
      `append-only file ${((after.aofBytes - before.aofBytes) / record).toFixed(2)}`,
    ),
    goal(
      'model calls and input tokens, job of 6 h, of an instant one',
      Math.max(long.calls / instant.calls, long.inputTokens / instant.inputTokens),
      { atMost: 1.004 },
      `${long.calls} calls and ${long.inputTokens} tokens against ${instant.calls} and ${instant.inputTokens}; the run was looked at ${long.looks} times, on a clock 3,600 times as fast`,
    ),
    goal(
      'requests that begin with the one before',
      stable / pairs,
      { atLeast: 1 },
      `${stable} of ${pairs} pairs, over a park, a killed worker and another one`,
    ),
  ];
}
