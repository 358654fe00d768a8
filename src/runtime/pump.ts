import { performance } from 'node:perf_hooks';
import { every } from './every.ts';

/** Rings for every session that is due. It repairs whatever became of a bell: a crash between append and bell, a drained queue, a dead worker. */
export function startPump(deps: {
  due: (limit: number, visibilityMs: number) => Promise<string[]>;
  ring: (session: string) => Promise<void>;
  everyMs?: number;
  failed: (error: unknown) => void;
}): { stop(): void /** ms since a round was last finished, well or badly. */; idleMs(): number } {
  const everyMs = deps.everyMs ?? 500;
  let finishedAt = performance.now();
  const round = async () => {
    try {
      for (const session of await deps.due(100, 3_000)) await deps.ring(session);
    } finally {
      finishedAt = performance.now();
    }
  };
  // Jitter, so that many workers do not come at the same moment.
  const { stop } = every(() => everyMs * (0.5 + Math.random()), round, deps.failed);
  return { stop, idleMs: () => performance.now() - finishedAt };
}
