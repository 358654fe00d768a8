const WHY: Readonly<Record<string, string>> = {
  ENOTDIR: 'a part of the path is a file',
  EISDIR: 'it is a folder',
  EACCES: 'its permissions do not allow it',
  EPERM: 'its permissions do not allow it',
  EROFS: 'its disk is read-only',
  ENOSPC: 'its disk is full',
  ENAMETOOLONG: 'its name is too long',
  ELOOP: 'its links lead in a circle',
};

/** Why a file could not be read, in words. */
export const whyNotRead = (error: unknown) => why(error, { ENOENT: 'there is no such file' });

/** Why nothing can be written into a folder, in words. */
export const whyNotWritten = (error: unknown) => why(error, { ENOENT: 'nothing can be made there', EEXIST: 'it is a file' });

function why(error: unknown, here: Readonly<Record<string, string>>): string {
  const { code = '' } = error as NodeJS.ErrnoException;
  return here[code] ?? WHY[code] ?? (code || String(error));
}
