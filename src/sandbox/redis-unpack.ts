import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from './run.ts';

/** A Redis server that can be started. `libraries` is the LD_LIBRARY_PATH it needs, or null. */
export type RedisBinary = { path: string; libraries: string | null; version: string; from: string };

type Say = (line: string) => void;

/**
 * A Redis server from Debian's or Ubuntu's own packages, fetched and unpacked into `cache` without root; apt checks the signatures.
 * Null where there is no apt. The unpacked copy is used again next time.
 */
export async function unpackRedis(cache: string, say: Say): Promise<RedisBinary | null> {
  const root = join(cache, 'root');
  const kept = await binaryIn(root);
  if (kept) return kept;
  if ((await run('apt-get', ['--version']).catch(() => null)) === null || (await run('dpkg', ['--version']).catch(() => null)) === null) return null;

  say('No Redis found: fetching the distribution’s own package into .cache/redis (no root, nothing is installed)');
  // Unpacked beside it and renamed at the end, so that two first starts at once cannot see half a Redis.
  const work = join(cache, `work-${process.pid}`);
  try {
    await fetchInto(work);
    const fresh = join(work, 'root');
    if (!(await binaryIn(fresh))) throw new Error('the unpacked package does not run');
    await rename(fresh, root).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
    });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return binaryIn(root);
}

async function fetchInto(work: string): Promise<void> {
  const lists = join(work, 'lists');
  const debs = join(work, 'debs');
  const root = join(work, 'root');
  for (const folder of [join(lists, 'partial'), join(work, 'archives', 'partial'), debs, root]) await mkdir(folder, { recursive: true });
  // Its own lists and cache: the machine's are not ours to write, and without root cannot be.
  const options = ['-o', `Dir::State::lists=${lists}`, '-o', `Dir::Cache=${work}`, '-o', 'APT::Sandbox::User='];
  await run('apt-get', [...options, 'update']);

  const unpack = async (name: string) => {
    await run('apt-get', [...options, 'download', name], { cwd: debs });
    for (const deb of await readdir(debs)) {
      await run('dpkg', ['-x', join(debs, deb), root]);
      await rm(join(debs, deb));
    }
  };
  const firstThatWorks = async (names: readonly string[]) => {
    for (const name of names) {
      const done = await unpack(name).then(
        () => true,
        () => false,
      );
      if (done) return;
    }
    throw new Error(`apt offers none of ${names.join(', ')}`);
  };

  await firstThatWorks(['valkey-tools', 'redis-tools']);
  for (let round = 0; round < 5; round++) {
    const missing = await missingLibraries(root);
    if (missing.length === 0) break;
    for (const soname of missing) await firstThatWorks(packagesOf(soname));
  }
  await writeFile(join(root, 'README'), 'Unpacked by labmate for its sandbox and tests. Safe to delete.\n');
}

/**
 * The packages that may hold a library, by Debian's naming rule: `libjemalloc.so.2` is in libjemalloc2, `liblua5.1.so.0` in liblua5.1-0;
 * newer releases append t64 to some.
 */
export function packagesOf(soname: string): string[] {
  const [, name = soname, version = ''] = /^(.+)\.so\.(\d+)/.exec(soname) ?? [];
  const base = name === 'libcrypto' ? 'libssl' : name;
  const plain = /\d$/.test(base) ? `${base}-${version}` : `${base}${version}`;
  return [plain, `${plain}t64`];
}

async function missingLibraries(root: string): Promise<string[]> {
  const path = serverIn(root);
  if (!path) throw new Error('the package holds no server');
  const listed = await run('ldd', [path], { env: { LD_LIBRARY_PATH: librariesIn(root) } });
  return [...listed.matchAll(/^\s*(\S+) => not found/gm)].map((line) => line[1] ?? '');
}

/** In the packages `redis-server` is a link to the checker, which lies in the tools package: one binary, told apart by its name. */
function serverIn(root: string): string | null {
  for (const name of ['valkey-check-rdb', 'redis-check-rdb']) {
    const path = join(root, 'usr', 'bin', name);
    if (existsSync(path)) return path;
  }
  return null;
}

function librariesIn(root: string): string {
  const machine = { x64: 'x86_64-linux-gnu', arm64: 'aarch64-linux-gnu' }[process.arch as string] ?? '';
  return [join(root, 'usr', 'lib', machine), join(root, 'lib', machine)].join(':');
}

async function binaryIn(root: string): Promise<RedisBinary | null> {
  const path = serverIn(root);
  if (!path) return null;
  const libraries = librariesIn(root);
  const server = await withServerName(path);
  const banner = await run(server, ['--version'], { env: { LD_LIBRARY_PATH: libraries } }).catch(() => null);
  const version = banner === null ? null : /\bv=(\S+)/.exec(banner)?.[1];
  return version ? { path: server, libraries, version: `Redis ${version}`, from: 'unpacked in .cache/redis' } : null;
}

async function withServerName(path: string): Promise<string> {
  const server = path.replace('check-rdb', 'server');
  if (!existsSync(server)) await symlink(path.slice(path.lastIndexOf('/') + 1), server).catch(() => {});
  return server;
}
