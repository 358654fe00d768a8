import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from './random.ts';
import type { CrashStage } from './stage.ts';

/**
 * One way to break something at one exact instant. Resolves when the damage is done and whoever died is back; with `anywhere` where nobody came by the instant
 * it lay in wait for.
 */
export type Kill = {
  name: string;
  weight: number;
  // biome-ignore lint/suspicious/noConfusingVoidType: most have nothing to say when they are done
  strike(stage: CrashStage, random: Random, struck: () => void): Promise<void | 'anywhere'>;
};

/** After this long without the request we lie in wait for, the blow falls anyway. */
export const PATIENCE_MS = 8_000;

/** Waits for the instant, as long as it is worth it. */
export const inTime = (reached: Promise<void>): Promise<boolean> => Promise.race([reached.then(() => true), sleep(PATIENCE_MS).then(() => false)]);

/** By what a script is called once Redis has it: how its call is recognised on the wire. */
export const shaOf = (script: string) => {
  const read = (name: string) => readFileSync(new URL(`../../src/runtime/scripts/${name}.lua`, import.meta.url), 'utf8');
  return createHash('sha1')
    .update(`${read('lib')}\n${read(script)}`)
    .digest('hex');
};
