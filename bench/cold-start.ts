import { spawn, spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../src/sandbox/redis.ts';
import { BENCH_FILE } from './contenders/config.ts';
import { SIGNING_SECRET } from './slack-side.ts';
import { type Goal, goal, median, SHIPPED, type Stage } from './stage.ts';

/** So long after it is ready a process is at rest. */
const REST_MS = 2_000;

/** From nothing to ready, and the memory of a worker that has nothing to do, against a program that loads the same parts and does nothing. */
export async function measureColdStart(stage: Stage, { rounds }: { rounds: number }): Promise<Goal[]> {
  const dir = await mkdtemp(join(tmpdir(), 'labmate-bench-'));
  await writeFile(join(dir, 'labmate.json'), JSON.stringify(BENCH_FILE));
  try {
    const bare: { ms: number; rss: number }[] = [];
    const ours: { ms: number; rss: number }[] = [];
    const workers: { ms: number; rss: number }[] = [];
    // The first of each warms the disk.
    for (let round = 0; round <= rounds; round++) {
      const [a, b, c] = [await importing(stage), await product(stage, dir, 'all'), await product(stage, dir, 'worker')];
      if (round === 0) continue;
      bare.push(a);
      ours.push(b);
      workers.push(c);
    }
    const mb = (bytes: number) => `${(bytes / 2 ** 20).toFixed(0)} MB`;
    const of = (name: 'ms' | 'rss', list: typeof bare) => median(list.map((each) => each[name]));
    return [
      goal(
        'cold start to ready, of importing the same parts',
        median(ours.map((o, i) => o.ms / (bare[i]?.ms ?? Number.NaN))),
        { atMost: 1.5 },
        `${of('ms', ours).toFixed(0)} ms (ROLE=all: both in one process) against ${of('ms', bare).toFixed(0)} ms; Bolt, BullMQ, both SDKs`,
      ),
      goal(
        'memory of a worker at rest, of importing them',
        median(workers.map((w, i) => w.rss / (bare[i]?.rss ?? Number.NaN))),
        { atMost: 1.3 },
        `RSS ${mb(of('rss', workers))} against ${mb(of('rss', bare))}`,
      ),
    ];
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

async function importing(stage: Stage): Promise<{ ms: number; rss: number }> {
  const began = performance.now();
  const child = await stage.start('contenders/imports.js');
  const ms = performance.now() - began;
  await new Promise((r) => setTimeout(r, REST_MS));
  const rss = rssOf(child.pid);
  await child.stop();
  return { ms, rss };
}

async function product(stage: Stage, dir: string, role: 'all' | 'worker'): Promise<{ ms: number; rss: number }> {
  const [port, admin] = [await freePort(), await freePort()];
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: dir,
    NODE_ENV: 'production',
    SLACK_BOT_TOKEN: 'xoxb-bench-bench-bench',
    SLACK_SIGNING_SECRET: SIGNING_SECRET,
    SLACK_API_URL: `${stage.model.hello['url']}/api/`,
    ANTHROPIC_API_KEY: 'sk-bench-key-of-nobody',
    ANTHROPIC_BASE_URL: String(stage.model.hello['url']),
    REDIS_URL: stage.redis.url,
    REDIS_PREFIX: `start-${role}`,
    DATABRICKS_HOST: 'http://127.0.0.1:9',
    DATABRICKS_TOKEN: 'dapi-bench-token-of-nobody',
    GITHUB_TOKEN: 'ghp_bench_token_of_nobody',
    LABMATE_CONFIG: join(dir, 'labmate.json'),
    PORT: String(port),
    ADMIN_PORT: String(admin),
    ROLE: role,
  };
  const began = performance.now();
  const child = spawn(process.execPath, [join(SHIPPED, 'bin', 'labmate.mjs'), 'start'], { env, stdio: 'ignore' });
  const gone = new Promise<never>((_, reject) => child.once('exit', (code) => reject(new Error(`labmate start ended with ${code}`))));
  gone.catch(() => {});
  try {
    await Promise.race([gone, ready(`http://127.0.0.1:${admin}/readyz`)]);
    const ms = performance.now() - began;
    await new Promise((r) => setTimeout(r, REST_MS));
    return { ms, rss: rssOf(child.pid ?? 0) };
  } finally {
    child.kill('SIGKILL');
  }
}

async function ready(url: string): Promise<void> {
  for (let i = 0; i < 3_000; i++) {
    if ((await fetch(url).catch(() => null))?.ok) return;
    await new Promise((r) => setTimeout(r, 10));
  }
  throw new Error('labmate was not ready within 30 s');
}

function rssOf(pid: number): number {
  return 1_024 * Number(spawnSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' }).stdout.trim());
}
