import { afterAll, expect, test } from 'vitest';
import { type Caller, doorSessions } from '../../src/runtime/door-session.ts';
import { aLog } from './a-log.ts';

const it = aLog();
afterAll(() => it.close());

test('two identical calls at the same moment are one, and both hear of it; made again after it is over, it is another', async () => {
  const { deliver, reading, log } = it;
  const sessions = doorSessions({ deliver, reading, bring: async () => {} });
  const caller: Caller = { team: 'T1', channel: 'C0ML', door: 'http', name: 'U1', user: 'U1' };
  await sessions.looked(caller, { client: 'c', tool: 'get_job_status', input: {} }, { status: 'ok', text: '' });
  const sid = (await reading.list('T1'))[0]?.session ?? '';
  const made = async () => [...((await reading.session(sid))?.calls.values() ?? [])].filter((c) => c.tool === 'run_databricks_job').map((c) => c.id);
  const act = (job: string) => sessions.act(caller, { client: 'c', tool: 'run_databricks_job', input: { job_id: job } }, new AbortController().signal);
  const finish = async (text: string) => {
    const call = (await made()).at(-1) ?? '';
    const lease = await log.claim(it.owner(sid), 5_000);
    const outcome = { status: 'ok' as const, text, data: {} };
    await log.commit(it.owner(sid), lease!.fence, await log.tip(sid), [{ type: 'call_finished', call, outcome }], { is: '' });
    await log.park(it.owner(sid), lease!.fence, await log.tip(sid), null);
  };

  const both = [act('101'), act('101')];
  await expect.poll(made).toHaveLength(1);
  await finish('once');
  expect(await Promise.all(both)).toMatchObject([{ outcome: { text: 'once' } }, { outcome: { text: 'once' } }]);
  expect(await made()).toHaveLength(1);

  const again = act('101');
  await expect.poll(made).toHaveLength(2);
  await finish('twice');
  expect(await again).toMatchObject({ outcome: { text: 'twice' } });
});

test('a client whose record was damaged goes on in another, and that one is left as it is', async () => {
  const { deliver, reading, redis, keys } = it;
  const sessions = doorSessions({ deliver, reading, bring: async () => {} });
  const caller: Caller = { team: 'T1', channel: 'C0ML', door: 'http', name: 'U7', user: 'U7' };
  const look = () => sessions.looked(caller, { client: 'c', tool: 'get_job_status', input: {} }, { status: 'ok', text: '' });
  const ofCaller = async () => (await reading.list('T1')).filter((about) => about.by === 'U7').map((about) => about.session);
  for (let i = 0; i < 2; i++) await look();
  const [damaged = ''] = await ofCaller();
  await redis.xdel(keys.log(damaged), '2-0');
  await look();
  expect(await ofCaller()).toHaveLength(2);
  await look();
  expect(await ofCaller()).toHaveLength(2);
  // Nobody knows any more which was the last.
  for (const key of await redis.keys(keys.thread('T1', 'door', '*'))) if ((await ofCaller()).includes(String(await redis.get(key)))) await redis.del(key);
  await look();
  await look();
  expect(await ofCaller()).toHaveLength(3);
  expect(await redis.xlen(keys.log(damaged))).toBe(2);
});
