import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Takes a folder for this process: two Redis on the same data would destroy it. Answers how to give it back; throws where another process that lives has it. */
export async function lockFolder(folder: string): Promise<() => Promise<void>> {
  const file = join(folder, 'launcher.pid');
  const owner = Number(await readFile(file, 'utf8').catch(() => ''));
  if (owner > 0 && owner !== process.pid && lives(owner))
    throw new Error(`A sandbox of this folder is running already (process ${owner}). Use its page, or stop it first.`);
  await writeFile(file, String(process.pid));
  return () => rm(file, { force: true });
}

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
