import { copyFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { redrawAll } from '../../src/ops/redraw-all.ts';
import type { Script } from '../../src/sandbox/claude/scripted.ts';
import { verify } from '../../src/session/chain.ts';
import { openServers, type Server, type Servers, waitFor } from '../live/redis-servers.ts';
import { openStage, type StoryStage } from './stage.ts';

// What docs/operations.md says of backup and restore, step by step: the data of Redis is lost with its machine, and what comes back is some minutes old.

let servers: Servers;
let redis: Server;
let stage: StoryStage;
const url = () => `redis://127.0.0.1:${redis.port}`;

/** Starts a run, waits for it, and ends. */
function training(when: string): Script {
  const wait = { run_ids: [] as string[], until: 'all' };
  return {
    when,
    steps: [
      { calls: [{ tool: 'run_databricks_job', input: { job_id: '101', parameters: { feature_set: 'v2' } } }] },
      {
        calls: [{ tool: 'wait_for_job', input: wait }],
        expect: ([started]) => {
          wait.run_ids = [String(started?.data?.['run_id'])];
        },
      },
      { say: 'It has ended.' },
    ],
  };
}

beforeAll(async () => {
  servers = await openServers();
  redis = await servers.start('redis');
  stage = await openStage({
    mode: 'socket',
    redisUrl: url(),
    trainingSeconds: 6,
    scripts: [training('asks'), training('trains')],
  });
});
afterAll(async () => {
  await stage?.close();
  await servers?.close();
});

const parked = (words: string) => async () => {
  const about = (await stage.reading.list('T1')).find((a) => a.prompt.includes(words));
  const session = about && (await stage.reading.session(about.session));
  return session && { session, waits: [...session.calls.values()].flatMap((c) => (c.status.is === 'parked' ? [c.status.waiting.for] : [])) };
};
const until = (what: string, words: string, waits: string) =>
  stage.until(what, async () => ((await parked(words)())?.waits.includes(waits as never) ? parked(words)() : null));

test('sessions that slept at the time of the backup wake after the restore; what was done since is not done twice', async () => {
  await stage.command('Run the seed; it asks');
  const first = await stage.card();
  const cardNow = () => stage.messages().find((m) => m.ts === first.ts)!;
  await stage.begin();
  await stage.command('Run the seed; it trains');
  const second = await stage.card();
  await stage.click('U2', second, 'approve_call');
  await until('the training to be waited for', 'trains', 'job');
  expect(stage.launches()).toHaveLength(1);

  // Backup.
  const before = await redis.client.lastsave();
  await redis.client.bgsave();
  await waitFor(
    'the snapshot',
    async () => (await redis.client.lastsave()) > before || /rdb_bgsave_in_progress:0/.test(await redis.client.info('persistence')),
  );
  const backup = join(redis.dir, '..', 'backup.rdb');
  await copyFile(join(redis.dir, 'dump.rdb'), backup);

  // Life goes on: the first is approved and its training starts. None of this is in the backup.
  await stage.click('U2', first, 'approve_call');
  await stage.until('the first to train too, and to say so', () => stage.launches().length === 2 && !stage.button(cardNow(), 'approve_call'));

  // The machine is gone, processes and data.
  await Promise.all((['gateway', 'worker'] as const).map((role) => stage.product.kill(role, { stayDown: true })));
  await redis.kill();
  for (const lost of ['appendonlydir', 'dump.rdb']) await rm(join(redis.dir, lost), { recursive: true, force: true });

  // Restore: the snapshot is loaded without the append-only file, which is then made from it.
  await copyFile(backup, join(redis.dir, 'dump.rdb'));
  await redis.again(['--appendonly', 'no']);
  await redis.client.config('SET', 'appendonly', 'yes');
  await waitFor('the append-only file', async () =>
    /aof_rewrite_in_progress:0[\s\S]*aof_last_bgrewrite_status:ok/.test(await redis.client.info('persistence')),
  );
  await redis.client.config('SET', 'appendfsync', 'always');
  expect(await redrawAll({ url: url(), prefix: stage.keys.due.slice(1, stage.keys.due.indexOf('}')) })).toBe(2);
  await Promise.all((['gateway', 'worker'] as const).map((role) => stage.product.start(role)));

  const ended = (words: string) =>
    stage.until(
      `the one that ${words} to end`,
      async () => {
        const session = (await parked(words)())?.session;
        return session?.ended ? session : null;
      },
      60,
    );
  const trained = await ended('trains');
  // The yes to the other was lost with the last minutes, so it counts for nothing: the card that said "approved" asks again.
  const again = await stage.until('the card to ask again', () => stage.messages().find((m) => m.ts === first.ts && stage.button(m, 'approve_call')));
  await stage.click('U2', again, 'approve_call');
  const asked = await ended('asks');

  for (const session of [trained, asked]) {
    expect(session.ended?.outcome).toBe('done');
    expect(verify((await stage.reading.lines(session.id))!.lines)).toMatchObject({ ok: true, ended: true, approvals: 1, head: session.head });
  }
  // The run that was started since the backup was found by its key, and not started a second time.
  expect(stage.launches()).toHaveLength(2);
  expect(new Set([...trained.runs, ...asked.runs].map((run) => run.runId)).size).toBe(2);
  stage.model.check();
});
