import { rm } from 'node:fs/promises';
import type { TestProject } from 'vitest/node';
import { type RunningRedis, startRedis } from '../src/sandbox/redis.ts';
import { memoryFolder } from './memory-folder.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** A Redis of the test run's own; use a key prefix of your own in every file. */
    redisUrl: string;
  }
}

let redis: RunningRedis | undefined;
let dir: string | undefined;

export async function setup(project: TestProject): Promise<void> {
  dir = await memoryFolder('labmate-tests-redis-');
  redis = await startRedis({ purpose: 'the tests', dir, say: (line) => process.stderr.write(`${line}\n`) });
  project.provide('redisUrl', redis.url);
}

export async function teardown(): Promise<void> {
  await redis?.stop();
  if (dir) await rm(dir, { recursive: true, force: true });
}
