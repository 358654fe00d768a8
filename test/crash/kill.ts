import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from './random.ts';
import type { CrashStage } from './stage.ts';
import type { Kind } from './workload.ts';

/** What has to happen for a kill's instant to come: somebody runs an experiment of one of these kinds, adds a thought, or says no. */
export type Needs = { kinds?: readonly Kind[]; people?: 'note' | 'deny' };

/** What is broken, as the closing lines tell recoveries apart. */
export const BROKEN = {
  worker: 'a worker killed',
  gateway: 'a gateway killed',
  'half-open': 'a half-open link to Redis',
  redis: 'Redis killed and started again',
  zombie: 'a worker stopped past its lease',
  other: 'anything else',
} as const;

/**
 * One way to break something at one exact instant. Resolves when the damage is done and whoever died is back; with `anywhere` where nobody came by the instant
 * it lay in wait for.
 */
export type Kill = {
  name: string;
  weight: number;
  breaks: keyof typeof BROKEN;
  needs?: Needs | undefined;
  /** How often it kills; once where absent. */
  blows?: number;
  /** `struck` is waited for right before the blow: it looks who holds what. */
  // biome-ignore lint/suspicious/noConfusingVoidType: most have nothing to say when they are done
  strike(stage: CrashStage, random: Random, struck: () => Promise<void>): Promise<void | 'anywhere'>;
};

/** After this long without the request we lie in wait for, the blow falls anyway. */
export const PATIENCE_MS = 8_000;

/** Waits for the instant, as long as it is worth it. */
export const inTime = (reached: Promise<void>): Promise<boolean> => Promise.race([reached.then(() => true), sleep(PATIENCE_MS).then(() => false)]);

/** How a call of a script is recognised on the wire: by its text, which a process sends first, or by its hash. */
const script = (name: string): readonly string[] => {
  const read = (file: string) => readFileSync(new URL(`../../src/runtime/scripts/${file}.lua`, import.meta.url), 'utf8');
  const text = `${read('lib')}\n${read(name)}`;
  return [createHash('sha1').update(text).digest('hex'), read(name)];
};
export const COMMIT = script('commit');
export const APPEND = script('append');
