import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Random } from './random.ts';
import type { CrashStage } from './stage.ts';

/** One way to break something at one exact instant. Resolves when the damage is done and whoever died is back. */
export type Kill = { name: string; weight: number; strike(stage: CrashStage, random: Random, struck: () => void): Promise<void> };

/** After this long without the request we lie in wait for, the blow falls anyway. */
export const PATIENCE_MS = 8_000;

/** By what a script is called once Redis has it: how its call is recognised on the wire. */
export const shaOf = (script: string) => {
  const read = (name: string) => readFileSync(new URL(`../../src/runtime/scripts/${name}.lua`, import.meta.url), 'utf8');
  return createHash('sha1')
    .update(`${read('lib')}\n${read(script)}`)
    .digest('hex');
};
