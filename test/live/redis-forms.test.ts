import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connect, examineRedis, PATIENT, serversOf } from '../../src/runtime/redis.ts';
import { verify } from '../../src/session/chain.ts';
import { openLink } from '../crash/link.ts';
import { SEED, seedScript } from '../stories/seed.ts';
import { openStage, type StoryStage } from '../stories/stage.ts';
import { openServers, type Server, type Servers, waitFor } from './redis-servers.ts';

// The whole job, with real gateway and worker, on a Redis whose master is killed in the middle of it: by Sentinel, and in a cluster.

const PASSWORD = 'a-long-password';
const say = (line: string) => process.stdout.write(`live: ${line}\n`);

/** A question is open, then the master dies; the click counts, the work goes on, and the record holds. `kill` answers once there is a new master. */
async function throughFailover(stage: StoryStage, kill: () => Promise<void>): Promise<void> {
  await stage.command(SEED);
  const runCard = await stage.card('approve_call');
  await kill();
  // The person clicks as one does: again, as long as one is told to.
  await stage.until(
    'the click to count',
    async () => {
      await stage.click('U2', runCard, 'approve_call').catch(() => {});
      await sleep(500);
      const session = await stage.session().catch(() => null);
      return session && [...session.approvals.values()][0]?.state !== 'pending';
    },
    120,
  );
  const pullCard = await stage.until('the card of the pull request', () =>
    stage.messages().findLast((m) => stage.button(m, 'approve_call') && m.ts !== runCard.ts),
  );
  await stage.click('U3', pullCard, 'approve_call');
  const session = await stage.ended();
  expect(session.ended?.outcome).toBe('done');
  expect(stage.launches()).toHaveLength(1);
  expect([...session.approvals.values()].map((a) => a.state)).toEqual(['used', 'used']);
  const record = await stage.reading.lines(session.id);
  expect(verify(record!.lines)).toMatchObject({ ok: true, ended: true, approvals: 2, pullRequests: 1, head: session.head });
  await stage.shows(session.head);
  stage.model.check();
}

describe('Sentinel', () => {
  let servers: Servers;
  let master: Server;
  let replicas: Server[];
  let sentinels: Server[];
  let stage: StoryStage;
  beforeAll(async () => {
    servers = await openServers();
    const write = ['--min-replicas-to-write', '1'];
    master = await servers.start('master', write, PASSWORD);
    replicas = [];
    for (const name of ['replica-1', 'replica-2'])
      replicas.push(await servers.start(name, [...write, '--replicaof', '127.0.0.1', String(master.port)], PASSWORD));
    const watching = [
      `sentinel monitor lab 127.0.0.1 ${master.port} 2`,
      `sentinel auth-pass lab ${PASSWORD}`,
      'sentinel down-after-milliseconds lab 1000',
      'sentinel failover-timeout lab 5000',
    ];
    await followed(master, 2);
    sentinels = [];
    for (const name of ['sentinel-1', 'sentinel-2', 'sentinel-3']) sentinels.push(await servers.sentinel(name, watching));
    await waitFor('the sentinels to know one another', async () => (await known(sentinels[0]!)) === 2);
    const url = `redis+sentinel://:${PASSWORD}@${sentinels.map((s) => `127.0.0.1:${s.port}`).join(',')}/lab`;
    stage = await openStage({ mode: 'socket', scripts: [seedScript().script], redisUrl: url });
  });
  afterAll(async () => {
    await stage?.close();
    await servers?.close();
  });

  test('a master that is killed under an open question is replaced, and the experiment ends as asked', async () => {
    expect(await examineRedis(stage.redis)).toEqual({ faults: [], warnings: [] });
    await throughFailover(stage, async () => {
      await master.kill();
      const { ms } = await waitFor('another master', async () => (await masterPort(sentinels[0]!)) !== master.port);
      say(`${servers.version} with 3 sentinels: another master ${ms} ms after kill -9 of the first`);
    });
    // The old one comes back as a replica, and nobody writes to it.
    await master.again();
    await waitFor('the old master to follow the new one', async () => /role:slave/.test(await master.client.info('replication')), 60);
    await expect(master.client.set('x', '1')).rejects.toThrow(/READONLY/);
  });

  test('a connection that is just asking for the master when it hears of another one asks again, and is there again', async () => {
    const [sentinel] = sentinels as [Server, ...Server[]];
    const link = await openLink(sentinel.port);
    const others = await listening(sentinel);
    const redis = connect(`redis+sentinel://:${PASSWORD}@127.0.0.1:${link.port}/lab`, PATIENT);
    redis.on('error', () => {});
    try {
      await redis.ping();
      await waitFor('its ear at the sentinel', async () => (await listening(sentinel)) > others);
      const before = await masterPort(sentinel);
      const told = heard(sentinel, '+switch-master');
      // It asks again where no answer comes in 2 s: none comes until there is another master.
      const asked = Array.from({ length: 20 }, () => link.hold(['get-master-addr-by-name'], 'after'));
      const id = await redis.client('ID');
      await [master, ...replicas].find((s) => s.port === before)!.client.client('KILL', 'ID', id);
      await asked[0]?.reached;
      await sentinel.client.call('SENTINEL', 'FAILOVER', 'lab');
      await told;
      for (const one of asked) one.release();
      expect(await redis.info()).toMatch(new RegExp(`tcp_port:${await masterPort(sentinel)}\\b[^]*role:master`));
    } finally {
      redis.disconnect();
      await link.close();
    }
  });
});

describe('a cluster', () => {
  let servers: Servers;
  let masters: Server[];
  let replicas: Server[];
  let stage: StoryStage;
  beforeAll(async () => {
    servers = await openServers();
    const flags = ['--cluster-enabled', 'yes', '--cluster-node-timeout', '2000', '--cluster-require-full-coverage', 'no'];
    masters = [];
    replicas = [];
    for (let i = 1; i <= 3; i++) masters.push(await servers.start(`node-${i}`, flags));
    for (let i = 1; i <= 3; i++) replicas.push(await servers.start(`copy-${i}`, flags));
    await formCluster(masters, replicas);
    for (const one of masters) await followed(one, 1);
    const url = `redis+cluster://${masters.map((s) => `127.0.0.1:${s.port}`).join(',')}`;
    stage = await openStage({ mode: 'socket', scripts: [seedScript().script], redisUrl: url });
  });
  afterAll(async () => {
    await stage?.close();
    await servers?.close();
  });

  test('all keys live on one node; when it is killed its replica takes over, and the experiment ends as asked', async () => {
    expect(serversOf(stage.redis)).toHaveLength(3);
    let home: Server | undefined;
    await throughFailover(stage, async () => {
      const sizes = await Promise.all(masters.map((m) => m.client.dbsize()));
      expect(sizes.filter((size) => size > 0)).toHaveLength(1);
      home = masters[sizes.findIndex((size) => size > 0)];
      const other = masters.find((m) => m !== home)!;
      await home!.kill();
      const { ms } = await waitFor('its replica to take over', async () => (await masterPorts(other)).every((port) => port !== home!.port));
      say(`${servers.version} cluster of 3 and 3: a replica took over ${ms} ms after kill -9 of the node that holds the keys`);
    });
    // Nothing of ours is anywhere else.
    const others = masters.filter((m) => m !== home);
    expect(await Promise.all(others.map((m) => m.client.dbsize()))).toEqual([0, 0]);
  });
});

/** Its replicas have its data and get all that comes: one that is still copying would take over without the session. */
async function followed(master: Server, replicas: number): Promise<void> {
  await waitFor('its replicas to be in step', async () => (await master.client.info('replication')).match(/state=online/g)?.length === replicas, 60);
}

async function known(sentinel: Server): Promise<number> {
  return ((await sentinel.client.call('SENTINEL', 'sentinels', 'lab')) as unknown[]).length;
}

async function masterPort(sentinel: Server): Promise<number> {
  const [, port] = (await sentinel.client.call('SENTINEL', 'get-master-addr-by-name', 'lab')) as [string, string];
  return Number(port);
}

/** Connections that wait for what a sentinel says. */
async function listening(sentinel: Server): Promise<number> {
  return String(await sentinel.client.call('CLIENT', 'LIST')).match(/cmd=subscribe/g)?.length ?? 0;
}

/** The next time that a sentinel says this to whoever listens. */
async function heard(sentinel: Server, channel: string): Promise<void> {
  const ear = sentinel.client.duplicate();
  await ear.subscribe(channel);
  await new Promise((resolve) => ear.once('message', resolve));
  ear.disconnect();
}

/** Ports of the nodes that serve slots and are not known to have failed. */
async function masterPorts(node: Server): Promise<number[]> {
  const lines = String(await node.client.cluster('NODES'))
    .trim()
    .split('\n');
  return lines.filter((l) => /\bmaster\b/.test(l) && !/\bfail\b/.test(l)).map((l) => Number(/:(\d+)@/.exec(l)?.[1]));
}

/** What `redis-cli --cluster create` does: slots shared out, everybody introduced, each replica given its master. */
async function formCluster(masters: readonly Server[], replicas: readonly Server[]): Promise<void> {
  const [first] = masters;
  for (const [i, { client }] of masters.entries()) {
    const from = Math.floor((16_384 * i) / masters.length);
    const to = Math.floor((16_384 * (i + 1)) / masters.length) - 1;
    await client.cluster('ADDSLOTS', ...Array.from({ length: to - from + 1 }, (_, n) => from + n));
    await client.call('CLUSTER', 'SET-CONFIG-EPOCH', String(i + 1));
  }
  for (const { client } of [...masters, ...replicas].slice(1)) await client.call('CLUSTER', 'MEET', '127.0.0.1', String(first!.port));
  for (const [i, { client }] of replicas.entries()) {
    const id = String(await masters[i]!.client.cluster('MYID'));
    await waitFor('a replica to know its master', async () => String(await client.cluster('NODES')).includes(id));
    await waitFor('a replica to follow its master', async () => (await client.call('CLUSTER', 'REPLICATE', id)) === 'OK');
  }
  for (const { client } of [...masters, ...replicas])
    await waitFor('the cluster to stand', async () => /cluster_state:ok/.test(String(await client.cluster('INFO'))));
}
