import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Makes a folder, and those above it. Not with `recursive`: Node then tries for ever where a folder that is there says ENOENT to one that is to be made in it, as /proc does. */
export async function makeFolder(folder: string): Promise<void> {
  const found = (path: string) => stat(path).catch(() => null);
  if (!(await found(dirname(folder)))) await makeFolder(dirname(folder));
  await mkdir(folder).catch(async (error: unknown) => {
    if (!(await found(folder))?.isDirectory()) throw error;
  });
}

const WHY: Readonly<Record<string, string>> = {
  EEXIST: 'it is a file',
  ENOTDIR: 'a part of it is a file',
  EACCES: 'its permissions do not allow it',
  EROFS: 'its disk can only be read',
  ENOENT: 'nothing can be made there',
};

/** Why nothing can be written there, in words. */
export function whyNotWritten(error: unknown): string {
  const { code = '' } = error as NodeJS.ErrnoException;
  return WHY[code] ?? (code || String(error));
}
