import type { TestProject } from 'vitest/node';
import { type LoadedMlflow, startRealMlflow } from './mlflow-server.ts';
import { peers } from './peers.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** A real tracking server with runs in it, and one that asks for a login; null: see peers.mlflow.skipped. */
    mlflow: LoadedMlflow | null;
  }
}

let stop: (() => Promise<void>) | undefined;

export async function setup(project: TestProject): Promise<void> {
  if (peers.mlflow.skipped !== undefined) return project.provide('mlflow', null);
  const started = await startRealMlflow(peers.mlflow);
  stop = started.stop;
  project.provide('mlflow', started.loaded);
}

export async function teardown(): Promise<void> {
  await stop?.();
}
