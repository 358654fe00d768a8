import { SESSION } from './sessions.ts';
import { type Goal, goal, type Stage } from './stage.ts';
import { CALLS } from './workload.ts';

/** A long session's writes, a long job's tokens, and the bytes of each request against those of the one before. */
export async function measureBytes(stage: Stage, { steps }: { steps: number }): Promise<Goal[]> {
  const plain = await stage.start('contenders/labmate.js', { env: { REDIS_PREFIX: 'long' } });
  await plain.ask('run', { ...SESSION, name: 'warm', sessions: 20 });
  const before = await stage.usage();
  await plain.ask('run', { calls: steps, ask: 0, bytes: 1_000, name: 'long', sessions: 4, atOnce: 4, lookEveryMs: 200 });
  const after = await stage.usage();
  const record = await plain.ask<number>('recordBytes', { ids: [0, 1, 2, 3].map((i) => `long-${i}`) });
  await plain.stop();
  // The watcher's clock runs fast in this one, so it asks Redis far more often than it would.
  const labmate = await stage.start('contenders/labmate.js', { env: { REDIS_PREFIX: 'bytes', WATCH: 'yes' } });

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
      after.aofBytes > before.aofBytes
        ? `append-only file ${((after.aofBytes - before.aofBytes) / record).toFixed(2)}`
        : 'append-only file not seen: Redis wrote it anew meanwhile',
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
