import type { Child } from './child.ts';
import { type Goal, goal, median, type Stage } from './stage.ts';
import { CALLS } from './workload.ts';

export type Metered = { wallMs: number; cpuMs: number };
/** What a session costs: our processes and Redis together, and how many there are in a second. */
type Cost = { cpuMs: number; perSecond: number; redisMs: number };

export const SESSION = { calls: CALLS, ask: 0, bytes: 1_000, atOnce: 64 };
const NAMES = ['bare', 'naive', 'labmate'] as const;

/** The same session by all three, in turns, so that whatever else the machine does falls on all of them. */
export async function measureSessions(stage: Stage, { rounds, sessions }: { rounds: number; sessions: number }): Promise<Goal[]> {
  const run = await runners(stage, NAMES);
  // Until the engine has compiled what is hot.
  for (const name of NAMES) await run.once(name, 'warm', 5 * sessions);
  const costs: Record<string, Cost>[] = [];
  for (let round = 0; round < rounds; round++) {
    const costsNow: Record<string, Cost> = {};
    for (const name of NAMES) costsNow[name] = await run.once(name, `r${round}`, sessions);
    costs.push(costsNow);
  }
  await run.stop();
  const ratio = (of: keyof Cost, a: string, b: string) => median(costs.map((c) => (c[a]?.[of] ?? Number.NaN) / (c[b]?.[of] ?? Number.NaN)));
  const ms = (name: string, of: keyof Cost = 'cpuMs') => median(costs.map((c) => c[name]?.[of] ?? Number.NaN)).toFixed(1);
  return [
    goal(
      'CPU of a durable session, of the bare loop',
      ratio('cpuMs', 'labmate', 'bare'),
      { atMost: 0.85 },
      `${ms('labmate')} ms (of it Redis ${ms('labmate', 'redisMs')}) against ${ms('bare')} ms; naive ${ms('naive')} ms (Redis ${ms('naive', 'redisMs')})`,
    ),
    goal(
      'sessions a second, of the naive design',
      ratio('perSecond', 'labmate', 'naive'),
      { atLeast: 1.5 },
      `64 at once: ${ms('labmate', 'perSecond')} against ${ms('naive', 'perSecond')}`,
    ),
  ];
}

/** What the two floors cost at this moment, as a line. */
export async function measureFloor(stage: Stage, { sessions }: { sessions: number }): Promise<string> {
  const run = await runners(stage, ['bare', 'naive']);
  const parts: string[] = [];
  for (const name of ['bare', 'naive']) {
    await run.once(name, 'warm', sessions);
    const { cpuMs, perSecond } = await run.once(name, 'floor', sessions);
    parts.push(`${name} ${cpuMs.toFixed(2)} ms CPU a session, ${perSecond.toFixed(0)} sessions/s`);
  }
  await run.stop();
  return parts.join('; ');
}

async function runners(stage: Stage, names: readonly string[]) {
  const contenders = new Map<string, Child>();
  for (const name of names) contenders.set(name, await stage.start(`contenders/${name}.js`));
  return {
    async once(name: string, round: string, count: number): Promise<Cost> {
      const before = await stage.usage();
      const { wallMs, cpuMs } = await (contenders.get(name) as Child).ask<Metered>('run', {
        ...SESSION,
        name: `e-${round}-${name}-${++runs}`,
        sessions: count,
      });
      const after = await stage.usage();
      const redisMs = (after.cpuMs - before.cpuMs) / count;
      return { cpuMs: cpuMs / count + redisMs, perSecond: (count / wallMs) * 1_000, redisMs };
    },
    stop: () => Promise.all([...contenders.values()].map((child) => child.stop())),
  };
}

/** So that no session has the name of an earlier one. */
let runs = 0;
