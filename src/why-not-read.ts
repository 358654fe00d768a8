const WHY: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'a part of the path is a file',
  EISDIR: 'it is a folder',
  EACCES: 'its permissions do not allow it',
  EPERM: 'its permissions do not allow it',
  ELOOP: 'its links lead in a circle',
};

/** Why a file could not be read, in words. */
export function whyNotRead(error: unknown): string {
  const { code = '' } = error as NodeJS.ErrnoException;
  return WHY[code] ?? (code || String(error));
}
