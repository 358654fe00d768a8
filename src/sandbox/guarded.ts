import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';

/** A program that never outlives us. */
export type Guarded = {
  /** The program's own process id, not the guard's. */
  pid: Promise<number>;
  /** Its exit code, once it has ended; 128 and more for a signal. */
  ended: Promise<number>;
  /** Asks it to end (SIGTERM) and waits until it has; after `graceMs` it is killed. */
  end(graceMs?: number): Promise<void>;
};

/**
 * The guard is a small shell between us and the program. Its process group is its own, so that Ctrl-C reaches us first and we decide the order;
 * and it ends the program when our end of its stdin closes, so that even a kill -9 of us leaves nothing running.
 */
const GUARD = `exec 4<&0
"$@" </dev/null 4<&- & child=$!
echo $child >&3; exec 3>&-
trap 'kill $child' TERM
{ while read -r _ <&4; do :; done; kill $child; } 2>/dev/null & watcher=$!
wait $child; code=$?
kill $watcher 2>/dev/null
exit $code`;

/** Starts a program under guard; what it prints goes to a file. */
export function spawnGuarded(program: string, args: readonly string[], options: { logFile: string; env?: Record<string, string> | undefined }): Guarded {
  const log = openSync(options.logFile, 'w');
  const guard = spawn('/bin/sh', ['-c', GUARD, 'sh', program, ...args], {
    detached: true,
    stdio: ['pipe', log, log, 'pipe'],
    ...(options.env ? { env: options.env } : {}),
  });
  closeSync(log);
  const ended = new Promise<number>((resolve) => {
    guard.once('error', () => resolve(127));
    guard.once('exit', (code) => resolve(code ?? 137));
  });
  const pid = new Promise<number>((resolve) => guard.stdio[3]?.once('data', (bytes) => resolve(Number(String(bytes)))));
  return {
    pid,
    ended,
    async end(graceMs = 12_000) {
      guard.stdin?.end();
      const late = setTimeout(() => void pid.then((id) => killQuietly(id)), graceMs);
      await ended;
      clearTimeout(late);
    },
  };
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended in the meantime.
  }
}
