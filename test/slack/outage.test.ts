import { afterEach, expect, test } from 'vitest';
import { outagesOf, startOutageWatch } from '../../src/runtime/outages.ts';
import type { About } from '../../src/runtime/reading.ts';
import type { SessionEvent } from '../../src/session/events.ts';
import { makeTellOutage } from '../../src/slack/outages.ts';
import { replied } from '../session/logs.ts';
import { aDesk, until, whispersTo } from './a-desk.ts';

let desk: Awaited<ReturnType<typeof aDesk>>;
afterEach(() => desk?.close());

const DAY = 24 * 3_600_000;
const about = (alias: string, channel: string, waits: About['waits']): About => ({
  ...{ session: alias, alias, team: 'T1', channel, thread: null, by: 'U1', prompt: '', state: '', openedAt: '', changedAt: '', endedAt: null },
  ...{ verdict: null, people: [], parameters: {}, waits },
});

test('an outage is told after a day, once for each channel, with everybody who waits there', () => {
  const since = '2026-11-01T09:00:00.000Z';
  const later = '2026-11-02T07:00:00.000Z';
  const all = [
    about('e-1', 'C1', { upstream: 'Databricks', since }),
    about('e-2', 'C1', { upstream: 'Databricks', since: later }),
    about('e-3', 'C2', { upstream: 'Databricks', since: later }),
    about('e-4', 'C1', { upstream: 'MLflow', since: later }),
    about('e-5', 'C1', undefined),
    { ...about('e-6', 'C1', { upstream: 'Databricks', since }), endedAt: later },
  ];
  const told = (now: number) => outagesOf(all, {}, now).map((o) => [o.channel, o.upstream, o.waiting.map((w) => w.alias).join(' '), o.since]);
  expect(told(Date.parse(since) + DAY - 1)).toEqual([]);
  expect(told(Date.parse(since) + DAY)).toEqual([
    ['C1', 'Databricks', 'e-1 e-2', since],
    ['C2', 'Databricks', 'e-3', since],
  ]);
  // A try in between begins a new wait, and is no new outage.
  const kept = { 'C1 MLflow': { since, ts: '1.1', hash: '' } };
  expect(outagesOf([about('e-4', 'C1', { upstream: 'MLflow', since: later })], kept, Date.parse(later))).toMatchObject([{ since, channel: 'C1' }]);
});

test('the channel gets one message, whatever dies meanwhile; one click tries all again, for who may; when it is over it says so', async () => {
  desk = await aDesk('http');
  const { workspace, log, slack } = desk;
  const t0 = Date.now();
  let now = t0 + 2 * DAY;
  const asleep: SessionEvent = {
    type: 'call_parked',
    call: 'c1',
    waiting: { for: 'retry', at: new Date(t0).toISOString(), why: '', upstream: 'Databricks', attempt: 0, outage: true },
  };
  for (const by of ['U1', 'U1', 'U4']) {
    await workspace.act({ as: by, do: 'command', command: '/experiment', text: `Run something for ${by}`, channel: 'C0ML' });
  }
  const sessions = await until(async () => {
    const list = await log.reading.list('T1');
    return list.length === 3 ? list : undefined;
  });
  const waiting = async () => {
    const list: About[] = [];
    for (const { session } of sessions) {
      const s = await log.reading.session(session);
      const { status } = s?.calls.get('c1') ?? {};
      const out = status?.is === 'parked' && status.waiting.for === 'retry' && status.waiting.outage;
      const entry = { ...(sessions.find((a) => a.session === session) as About), ...(out ? { waits: { upstream: 'Databricks', since: status.sinceAt } } : {}) };
      await log.redis.hset(log.keys.about('T1'), session, JSON.stringify(entry));
      list.push(entry);
    }
    return list;
  };
  for (const { session } of sessions) {
    const owner = log.owner(session);
    const lease = await log.log.claim(owner, 5_000);
    await log.log.commit(owner, lease?.fence ?? 0, await log.log.tip(session), [replied(1, [{ id: 'c1', tool: 'look' }]), asleep], { is: '' });
    await log.log.park(owner, lease?.fence ?? 0, await log.log.tip(session), null);
  }
  const tell = makeTellOutage(slack);
  const watch = (die = false) =>
    startOutageWatch({
      redis: log.redis,
      keys: log.keys,
      list: waiting,
      // A gateway that dies between the post and its note.
      tell: async (...of) => {
        const told = await tell(...of);
        if (die) throw new Error('killed');
        return told;
      },
      now: () => now,
      failed: () => {},
      everyMs: 50,
    });
  const shown = () => workspace.world.data.messages.filter((m) => m.onlyFor === null && /Databricks (has not answered|did not answer)/.test(m.text));
  const dying = watch(true);
  await until(() => shown()[0]);
  dying.stop();
  await log.redis.del(log.keys.outageWatch);
  const living = watch();
  await until(async () => (await log.redis.hget(log.keys.outages, 'C0ML Databricks'))?.includes(`"ts":"${shown()[0]?.ts}"`));
  expect(shown()).toHaveLength(1);
  const [message] = shown();
  expect(message?.text).toContain('3 experiments here wait for it');

  const click = (as: string) => workspace.act({ as, do: 'click', channel: 'C0ML', ts: message?.ts ?? '', actionId: 'retry_all', value: 'outage/databricks' });
  await click('U4');
  await until(() => whispersTo(workspace, 'U4').find((w) => w.includes('Trying one experiment again. 2 are not yours to try')));
  await click('U2');
  await until(() => whispersTo(workspace, 'U2').find((w) => w.includes('Trying')));
  for (const { session } of sessions) expect((await log.reading.session(session))?.told.at(-1)).toMatchObject({ kind: 'retry' });

  // They went on: nobody waits, but only a while later is that said.
  await until(async () => (await log.redis.hget(log.keys.outages, 'C0ML Databricks'))?.includes('goneAt'));
  expect(shown()[0]?.text).toContain('has not answered');
  now += 120_000;
  await until(() => shown()[0]?.text.includes('Nobody here waits for it any more'));
  await until(async () => (await log.redis.hlen(log.keys.outages)) === 0);
  expect(shown()).toHaveLength(1);
  living.stop();
});

test('with a slow Slack no channel is told by two processes', async () => {
  desk = await aDesk('http');
  const { log } = desk;
  const since = new Date(Date.now() - 2 * DAY).toISOString();
  const told: string[] = [];
  const watch = startOutageWatch({
    redis: log.redis,
    keys: log.keys,
    list: async () => ['C1', 'C2'].map((channel) => about(`e-${channel}`, channel, { upstream: 'Databricks', since })),
    tell: async ({ channel }) => {
      told.push(channel);
      // It took so long that another has begun.
      await log.redis.set(log.keys.outageWatch, 'another', 'PX', 60_000);
      return { since, ts: '1.1', hash: '' };
    },
    now: Date.now,
    failed: () => {},
    everyMs: 20,
  });
  await until(() => told.length > 0);
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(told).toEqual(['C1']);
  watch.stop();
});

test('the click says that it tries what it tries: nothing where all of it has ended or cannot be read', async () => {
  desk = await aDesk('http');
  const { workspace, log, slack } = desk;
  await workspace.act({ as: 'U1', do: 'command', command: '/experiment', text: 'Run something', channel: 'C0ML' });
  const [one] = await until(async () => {
    const list = await log.reading.list('T1');
    return list.length === 1 ? list : undefined;
  });
  const { session } = one as About;
  const since = new Date().toISOString();
  await log.redis.hset(log.keys.about('T1'), session, JSON.stringify({ ...one, waits: { upstream: 'Databricks', since } }));
  const { ts } = await makeTellOutage(slack)({ upstream: 'Databricks', channel: 'C0ML', since, waiting: [one as About] }, null, async () => {});
  await log.redis.xadd(log.keys.log(session), '2-0', 't', 'told', 'l', '{"v":2}', 'f', '0', 'm', '1');
  await workspace.act({ as: 'U1', do: 'click', channel: 'C0ML', ts: ts ?? '', actionId: 'retry_all', value: 'outage/databricks' });
  await until(() => whispersTo(workspace, 'U1').length > 1);
  expect(whispersTo(workspace, 'U1').at(-1)).toContain('Nothing here is waiting for it any more.');
});

test('a channel that is archived keeps no other one from being told, is said once, and is asked again only now and then; nor does a note that nobody can read', async () => {
  desk = await aDesk('http');
  const { workspace, log, slack } = desk;
  let now = Date.now();
  const since = new Date(now - 2 * DAY).toISOString();
  let sessions = ['CGONE', 'C0ML'].map((channel) => about(`e-${channel}`, channel, { upstream: 'Databricks', since }));
  workspace.world.data.channels.push({ ...workspace.world.data.channels.find((c) => c.id === 'C0ML')!, id: 'CGONE', name: 'gone', archived: true });
  await log.redis.hset(log.keys.outages, 'C0DD MLflow', 'no JSON');
  const failed: unknown[] = [];
  const asked: string[] = [];
  const tell = makeTellOutage(slack);
  let rounds = 0;
  const watch = startOutageWatch({
    redis: log.redis,
    keys: log.keys,
    list: async () => {
      rounds += 1;
      return sessions;
    },
    tell: (outage, ...rest) => {
      asked.push(outage.channel);
      return tell(outage, ...rest);
    },
    now: () => now,
    failed: (error) => void failed.push(error),
    everyMs: 20,
  });
  await until(() => workspace.world.data.messages.some((m) => m.channel === 'C0ML' && m.text.includes('Databricks has not answered')));
  await until(() => rounds > 3);
  const times = () => asked.filter((channel) => channel === 'CGONE').length;
  expect(times()).toBe(1);
  now += 300_000;
  await until(() => times() === 2);
  expect(failed).toEqual([expect.objectContaining({ code: 'is_archived' })]);

  sessions = [];
  await until(async () => (await log.redis.hget(log.keys.outages, 'CGONE Databricks'))?.includes('goneAt'));
  now += 120_000;
  await until(async () => (await log.redis.hlen(log.keys.outages)) === 1);
  watch.stop();
});
