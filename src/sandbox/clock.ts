import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The sandbox's own time: the machine's, and what was skipped of it. The stand-ins ask `now`; Redis and the product get it by `environment`. */
export type SandboxClock = {
  now(): number;
  skippedMs(): number;
  /** Lets `ms` pass at once for the stand-ins; processes see it when they are started anew with `environment`. */
  skip(ms: number): void;
  /** Variables that give a program this time. None where nothing was skipped, so that most sandboxes run without the library. */
  environment(): Record<string, string>;
  /** Why time cannot be skipped here, as a sentence; null where it can. */
  readonly cannot: string | null;
  reset(): void;
};

/** Opens the clock that a folder remembers: what was skipped stays skipped over a restart, or a record would run backwards. */
export function openClock(dir: string, library = fakeTimeLibrary()): SandboxClock {
  const file = join(dir, 'clock.json');
  let skipped = library === null ? 0 : read(file);
  return {
    now: () => Date.now() + skipped,
    skippedMs: () => skipped,
    skip(ms) {
      skipped += ms;
      writeFileSync(file, JSON.stringify({ skippedMs: skipped }));
    },
    environment: () => (skipped === 0 || library === null ? {} : shifted(library, skipped)),
    cannot: library === null ? 'Skipping time needs libfaketime on this machine (sudo apt-get install libfaketime), and a sandbox started after that.' : null,
    reset() {
      skipped = 0;
      rmSync(file, { force: true });
    },
  };
}

function shifted(library: string, ms: number): Record<string, string> {
  return { ...underFakeTime(library), FAKETIME: `+${Math.round(ms / 1000)}s` };
}

/** Variables that put a program under libfaketime. */
export function underFakeTime(library: string): Record<string, string> {
  return {
    // The C library's own allocator before the server's: jemalloc asks for the time while libfaketime is still being set up, and neither comes back.
    LD_PRELOAD: `${library}:libc.so.6`,
    // Timers count on a clock that does not jump.
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
  };
}

/** libfaketime, where Debian, Fedora, Arch and a build from source put it; null where it is not. */
export function fakeTimeLibrary(): string | null {
  if (process.platform !== 'linux') return null;
  const folders = ['/usr/lib', '/usr/lib64', '/usr/local/lib'].filter((folder) => existsSync(folder));
  const within = folders.flatMap((folder) => [
    folder,
    ...readdirSync(folder)
      .filter((name) => name.endsWith('-linux-gnu'))
      .map((name) => join(folder, name)),
  ]);
  return within.map((folder) => join(folder, 'faketime', 'libfaketime.so.1')).find((path) => existsSync(path)) ?? null;
}

function read(file: string): number {
  try {
    return Number((JSON.parse(readFileSync(file, 'utf8')) as { skippedMs: number }).skippedMs) || 0;
  } catch {
    return 0;
  }
}
