import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fakeTimeLibrary, underFakeTime } from '../../src/sandbox/clock.ts';

/** One clock for Redis, the product and the stand-ins, kept in a file that all of them look at: hours pass at once, for processes that run. */
export type SharedTime = { now(): number; jump(ms: number): void; variables: Record<string, string> };

/** Why there is no such clock on this machine; null where there is. */
export const NO_TIME =
  fakeTimeLibrary() === null ? 'hours and days cannot pass here: that needs Linux with libfaketime (sudo apt-get install libfaketime)' : null;

export function openSharedTime(dir: string): SharedTime {
  const library = fakeTimeLibrary();
  if (library === null) throw new Error(NO_TIME ?? '');
  const file = join(dir, 'time');
  let seconds = 0;
  const tell = () => {
    // Renamed, so that nobody ever reads half a number.
    writeFileSync(`${file}.new`, `${seconds < 0 ? '' : '+'}${seconds}\n`);
    renameSync(`${file}.new`, file);
  };
  tell();
  return {
    now: () => Date.now() + seconds * 1_000,
    jump(ms) {
      seconds += Math.round(ms / 1_000);
      tell();
    },
    variables: { ...underFakeTime(library), FAKETIME_TIMESTAMP_FILE: file, FAKETIME_NO_CACHE: '1' },
  };
}
