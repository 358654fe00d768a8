import { basename, join } from 'node:path';
import { Redis } from 'ioredis';
import { systemPrompt } from '../src/agent/prompt.ts';
import { type RunningRedis, startRedis } from '../src/sandbox/redis.ts';
import { type Child, startChild } from './child.ts';

/** A Redis of our own with the product's settings, the model's stand-in, and a look into Redis' own counters. */
export type Stage = {
  redis: RunningRedis;
  model: Child;
  eye: Redis;
  start(program: string, more?: { env?: Record<string, string>; execArgv?: string[] }): Promise<Child>;
  usage(): Promise<Usage>;
  close(): Promise<void>;
};
/** `inBytes`: all that was sent to Redis; `aofBytes`: what it wrote to its append-only file. */
export type Usage = { cpuMs: number; inBytes: number; aofBytes: number; memory: number };

/** The product as a package carries it. */
export const SHIPPED = join(import.meta.dirname, '..', '.cache', 'bench');
export const BUILT = join(SHIPPED, 'bench');

/** `profile`: a folder that takes a processor profile of each contender. */
export async function openStage(say: (line: string) => void, profile?: string): Promise<Stage> {
  const redis = await startRedis({ purpose: 'the benchmarks', say });
  const model = await startChild(join(BUILT, 'model-process.js'));
  const eye = new Redis(redis.url);
  const system = systemPrompt({ defaults: {}, actIn: ['dev'], metrics: { val_f1: 'max' }, thresholdReading: 'relative' });
  const children = new Set<Child>([model]);
  return {
    redis,
    model,
    eye,
    async start(program, { env = {}, execArgv = [] } = {}) {
      const all = { MODEL_URL: String(model.hello['url']), REDIS_URL: redis.url, SYSTEM: system, ...env };
      const profiled = profile ? ['--cpu-prof', `--cpu-prof-dir=${profile}`, `--cpu-prof-name=${basename(program, '.js')}-${children.size}.cpuprofile`] : [];
      const child = await startChild(join(BUILT, program), { env: all, execArgv: [...execArgv, ...profiled], quiet: /labmate|gateway/.test(program) });
      children.add(child);
      return child;
    },
    async usage() {
      const info = await eye.info();
      const fact = (name: string) => Number(new RegExp(`^${name}:([\\d.]+)`, 'm').exec(info)?.[1] ?? 0);
      return {
        cpuMs: 1_000 * (fact('used_cpu_sys') + fact('used_cpu_user')),
        inBytes: fact('total_net_input_bytes'),
        aofBytes: fact('aof_current_size'),
        memory: fact('used_memory'),
      };
    },
    async close() {
      await Promise.all([...children].map((c) => c.stop()));
      eye.disconnect();
      await redis.stop();
    },
  };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? (sorted[middle] ?? Number.NaN) : ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2;
}

/**
 * One line of the table. `atMost` or `atLeast` is the target. `taken`: when, and in which run, as bench/results.json keeps it: a part's run leaves the other rows as they
 * were.
 */
export type Goal = { name: string; figure: number; target: string; met: boolean; how: string; taken?: string };

export function goal(name: string, figure: number, target: { atMost: number } | { atLeast: number }, how: string): Goal {
  const met = 'atMost' in target ? figure <= target.atMost : figure >= target.atLeast;
  return { name, figure: Number(figure.toPrecision(4)), target: 'atMost' in target ? `<= ${target.atMost}` : `>= ${target.atLeast}`, met, how };
}
