import { constants } from 'node:fs';
import { access, mkdtemp, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Linux keeps this in memory. In a container it may hold 64 MB only. */
const IN_MEMORY = '/dev/shm';
const ENOUGH_BYTES = 512 * 1024 ** 2;

/**
 * A new folder for a Redis that syncs every write: in memory where the machine has room for it, on disk elsewhere. It outlives the processes that use it, which is
 * all that a killed process asks of a disk; and a disk that stands still for seconds, as a shared one does, makes no story late.
 */
export async function memoryFolder(name: string): Promise<string> {
  return mkdtemp(join((await hasRoom()) ? IN_MEMORY : tmpdir(), name));
}

async function hasRoom(): Promise<boolean> {
  try {
    await access(IN_MEMORY, constants.W_OK);
    const { bavail, bsize } = await statfs(IN_MEMORY);
    return bavail * bsize >= ENOUGH_BYTES;
  } catch {
    return false;
  }
}
