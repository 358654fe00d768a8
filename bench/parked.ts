import type { Metered } from './sessions.ts';
import { type Goal, goal, median, type Stage } from './stage.ts';
import { CALLS } from './workload.ts';

/** What it costs to be parked, and how fast many go on. */
export async function measureParked(stage: Stage, { rounds, sessions }: { rounds: number; sessions: number }): Promise<Goal[]> {
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

  return [
    goal('Redis bytes of a parked session, of its record', median(bytes), { atMost: 1.3 }, `${sessions} sessions, used_memory`),
    goal(`${sessions} approved at once, of the naive design`, median(ratios), { atLeast: 1.4 }, 'until the last has ended'),
  ];
}
