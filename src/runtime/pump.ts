import { performance } from 'node:perf_hooks';

/** Rings for every session that is due. It repairs whatever became of a bell: a crash between append and bell, a drained queue, a dead worker. */
export function startPump(deps: {
  due: (limit: number, visibilityMs: number) => Promise<string[]>;
  ring: (session: string) => Promise<void>;
  everyMs?: number;
  failed: (error: unknown) => void;
}): { stop(): void /** ms since a round was last finished, well or badly. */; idleMs(): number } {
  const everyMs = deps.everyMs ?? 500;
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  let finishedAt = performance.now();
  const round = async () => {
    try {
      for (const session of await deps.due(100, 3_000)) await deps.ring(session);
    } catch (error) {
      deps.failed(error);
    }
    finishedAt = performance.now();
    // Jitter, so that many workers do not come at the same moment.
    if (!stopped) timer = setTimeout(() => void round(), everyMs * (0.5 + Math.random()));
  };
  void round();
  return {
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
    idleMs: () => performance.now() - finishedAt,
  };
}
