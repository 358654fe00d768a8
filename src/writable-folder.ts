import { mkdir, mkdtemp, rmdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { whyNotWritten } from './file-faults.ts';

/** Makes a folder that files can be written into, for a command that says so at once instead of at its first file. Throws a sentence. */
export async function writableFolder(command: string, folder: string): Promise<void> {
  try {
    await makeFolder(folder);
    // Permissions do not say it of every folder: root may do all in /proc, and yet nothing can be made there.
    await rmdir(await mkdtemp(join(folder, '.labmate-')));
  } catch (cause) {
    throw new Error(`${command}: nothing can be written into ${folder} (${whyNotWritten(cause)}): name a folder that is there or can be made.`, { cause });
  }
}

/** Not with `recursive`: Node then tries for ever where a folder that is there says ENOENT to one that is to be made in it, as /proc does. */
export async function makeFolder(folder: string): Promise<void> {
  const found = (path: string) => stat(path).catch(() => null);
  if (!(await found(dirname(folder)))) await makeFolder(dirname(folder));
  await mkdir(folder).catch(async (error: unknown) => {
    if (!(await found(folder))?.isDirectory()) throw error;
  });
}
