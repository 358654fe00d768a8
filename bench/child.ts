import { fork } from 'node:child_process';

/** A program of ours in a process of its own, asked over its channel. */
export type Child = {
  pid: number;
  /** What it said when it was ready. */
  hello: Record<string, unknown>;
  ask<T>(what: string, args?: Record<string, unknown>): Promise<T>;
  /** As by kill -9. */
  kill(): void;
  stop(): Promise<void>;
};

type Answer = { id?: number; result?: unknown; error?: string };

export async function startChild(
  program: string,
  options: { env?: Record<string, string>; execArgv?: string[] /** Its log goes to /dev/null. */; quiet?: boolean } = {},
): Promise<Child> {
  const env = { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '', NODE_ENV: 'production', ...options.env };
  const child = fork(program, [], {
    env,
    execArgv: options.execArgv ?? [],
    stdio: ['ignore', 'inherit', options.quiet ? 'ignore' : 'inherit', 'ipc'],
    serialization: 'advanced',
  });
  const waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  let counter = 0;
  const gone = new Promise<number | null>((resolve) => child.once('exit', resolve));
  void gone.then((code) => {
    for (const w of waiting.values()) w.reject(new Error(`${program} ended with ${code}`));
  });
  const hello = await new Promise<Record<string, unknown>>((resolve, reject) => {
    child.once('message', (message) => resolve(message as Record<string, unknown>));
    void gone.then((code) => reject(new Error(`${program} ended with ${code} before it was ready`)));
  });
  child.on('message', ({ id, result, error }: Answer) => {
    const asked = id === undefined ? undefined : waiting.get(id);
    if (id === undefined || !asked) return;
    waiting.delete(id);
    if (error === undefined) asked.resolve(result);
    else asked.reject(new Error(`${program}: ${error}`));
  });
  return {
    pid: child.pid ?? 0,
    hello,
    ask: <T>(what: string, args: Record<string, unknown> = {}) =>
      new Promise<T>((resolve, reject) => {
        const id = ++counter;
        waiting.set(id, { resolve: resolve as (value: unknown) => void, reject });
        child.send({ id, do: what, ...args });
      }),
    kill: () => void child.kill('SIGKILL'),
    async stop() {
      if (child.connected) child.disconnect();
      const late = setTimeout(() => child.kill('SIGKILL'), 5_000);
      await gone;
      clearTimeout(late);
    },
  };
}

type Handlers = Record<string, (args: never) => Promise<unknown> | unknown>;

/** The other side: answers what it is asked until its parent lets go. */
export function serve(handlers: Handlers, hello: Record<string, unknown> = {}): void {
  process.on('message', (asked: { id: number; do: string }) => {
    void (async () => {
      try {
        const handler = handlers[asked.do];
        if (!handler) throw new Error(`nothing is known of ${asked.do}`);
        process.send?.({ id: asked.id, result: await handler(asked as never) });
      } catch (error) {
        process.send?.({ id: asked.id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
      }
    })();
  });
  process.on('disconnect', () => process.exit(0));
  process.send?.(hello);
}

/** How long something takes and what it costs this process. */
export async function metered(work: () => Promise<void>): Promise<{ wallMs: number; cpuMs: number }> {
  const cpu = process.cpuUsage();
  const began = performance.now();
  await work();
  const wallMs = performance.now() - began;
  const used = process.cpuUsage(cpu);
  return { wallMs, cpuMs: (used.user + used.system) / 1000 };
}

/** Runs `work` for 0..count-1, so many at once. */
export async function pool(count: number, atOnce: number, work: (i: number) => Promise<void>): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: Math.min(atOnce, count) }, async () => {
      while (next < count) await work(next++);
    }),
  );
}

/** Bytes of JavaScript's heap that nothing can let go: the least of some looks, as work that has just ended leaves something for a moment. Needs --expose-gc. */
export async function settledHeap(): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let look = 0; look < 5; look++) {
    await new Promise((r) => setTimeout(r, 200));
    for (let i = 0; i < 3; i++) globalThis.gc?.();
    least = Math.min(least, process.memoryUsage().heapUsed);
  }
  return least;
}
