import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openStage, type StoryStage } from '../stories/stage.ts';
import { openServers, type Server, type Servers, waitFor } from './redis-servers.ts';

// A Redis that has much to read answers LOADING to everything, for as long as that takes: after a restart, and with connections that stand when a replica copies its master.

const train = (when: string, feature_set: string) => ({
  when,
  steps: [{ say: 'I will train.', calls: [{ tool: 'run_databricks_job', input: { job_id: '101', parameters: { feature_set } } }] }, { say: 'Started.' }],
});
/** How long Redis reads, in all: so many keys, and so long (µs) for each. */
const SLOWLY = { keys: 500, each: 10_000 };
const WITHIN_MS = 30_000;

let servers: Servers;
let redis: Server;
let stage: StoryStage;
beforeAll(async () => {
  servers = await openServers();
  // From Redis 7 on DEBUG has to be let in; before that it is, and the option is not known.
  const major = Number(/ (\d+)\./.exec(servers.version)?.[1]);
  redis = await servers.start('redis', major >= 7 ? ['--enable-debug-command', 'local'] : []);
  stage = await openStage({
    mode: 'socket',
    redisUrl: `redis://127.0.0.1:${redis.port}`,
    scripts: [train('first', 'v2'), train('second', 'v3'), train('third', 'v4')],
  });
  const fill = redis.client.pipeline();
  for (let i = 0; i < SLOWLY.keys; i++) fill.set(`filler:${i}`, 'x'.repeat(2_000));
  await fill.exec();
});
afterAll(async () => {
  await stage?.close();
  await servers?.close();
});

/** What Redis says to whoever asks it now, on a connection that is opened for it. */
async function saysNow(): Promise<string> {
  const asking = new Redis({ port: redis.port, host: '127.0.0.1', enableReadyCheck: false, lazyConnect: true, retryStrategy: () => null });
  asking.on('error', () => {});
  try {
    await asking.connect();
    return await asking.ping();
  } catch (error) {
    return String(error);
  } finally {
    asking.disconnect();
  }
}
const untilLoading = () => stage.until('Redis to answer LOADING', async () => /LOADING/.test(await saysNow()));
const readiness = (role: 'gateway' | 'worker') => fetch(`${stage.product.admin(role)}/readyz`);

test('a Redis that is started again and reads for seconds: command and click are answered with what became of them, and all goes on by itself', async () => {
  await stage.command('Train the first');
  const card = await stage.card();
  await redis.client.bgrewriteaof();
  await waitFor('the append-only file', async () =>
    /aof_rewrite_in_progress:0\r?\n[\s\S]*aof_last_bgrewrite_status:ok/.test(await redis.client.info('persistence')),
  );
  await redis.kill();
  const back = redis.again(['--key-load-delay', String(SLOWLY.each), '--loading-process-events-interval-bytes', '1024']).then(() => Date.now());
  await untilLoading();
  const unready = Promise.all((['gateway', 'worker'] as const).map(readiness));
  const [command] = await Promise.all([stage.command('Train the second'), stage.click('U2', card, 'approve_call')]);
  expect(command.response).toMatch(/could not confirm|could not store/);
  await stage.until('the approver to be told', () => stage.whispers('U2').find((w) => w.includes('My memory does not answer')));
  for (const answer of await unready) expect([answer.status, await answer.text()]).toEqual([503, expect.stringMatching(/redis/i)]);
  const loadedAt = await back;
  for (const role of ['gateway', 'worker'] as const) await stage.until(`the ${role} to be ready`, async () => (await readiness(role)).ok);
  await stage.click('U2', card, 'approve_call');
  expect((await stage.ended()).ended?.outcome).toBe('done');
  expect(Date.now() - loadedAt).toBeLessThan(WITHIN_MS);
  expect(stage.launches()).toHaveLength(1);
  // Nobody is left with "I could not confirm", and what was said is so.
  const said = await stage.until('the requester to be told what became of it', () => stage.whispers('U1').find((w) => /Please repeat it|after all/.test(w)));
  const opened = await stage.reading.list('T1');
  expect(opened).toHaveLength(said.includes('after all') ? 2 : 1);
  if (opened.length === 1) return;
  const second = await stage.until('its card', () =>
    stage.messages().findLast((m) => stage.button(m, 'approve_call') && JSON.stringify(m.blocks).includes('feature_set=v3')),
  );
  await stage.click('U2', second, 'approve_call');
  await stage.until('it to end', async () => (await Promise.all(opened.map(({ session }) => stage.reading.session(session)))).every((s) => s?.ended));
});

test('one that reads anew under connections that stand, with a step on its way: it is made once, by itself', async () => {
  await stage.begin();
  await stage.command('Train the third');
  const card = await stage.card();
  await redis.client.config('SET', 'key-load-delay', String(SLOWLY.each));
  // Databricks has started the run, and its answer arrives while Redis takes nothing.
  const launching = stage.standIns.hold('databricks', { method: 'POST', path: 'jobs/run-now', when: 'after' });
  await stage.click('U2', card, 'approve_call');
  await launching.reached;
  const loaded = redis.client.call('DEBUG', 'RELOAD').then(() => Date.now());
  await untilLoading();
  launching.release();
  const loadedAt = await loaded;
  expect((await stage.ended()).ended?.outcome).toBe('done');
  expect(Date.now() - loadedAt).toBeLessThan(WITHIN_MS);
  expect(stage.launches().filter((l) => l.parameters['feature_set'] === 'v4')).toHaveLength(1);
});
