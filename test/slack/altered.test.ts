import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { storyScenario } from '../../src/sandbox/play-story.ts';
import { snapshotOf } from '../../src/sandbox/snapshot.ts';
import { setStage } from '../../src/sandbox/stage.ts';
import { recordStories } from '../../src/sandbox/story.ts';
import type { EventOf, SessionEvent } from '../../src/session/events.ts';
import { transcript } from '../../src/session/transcript.ts';
import { asks, opened, replied, sessionOf, told, waitsForJob } from '../session/logs.ts';
import { aDesk, until, whispersTo } from './a-desk.ts';

describe('at the door', () => {
  let desk: Awaited<ReturnType<typeof aDesk>>;
  beforeEach(async () => {
    desk = await aDesk('http');
  });
  afterEach(() => desk.close());

  const { act } = { act: (...what: Parameters<typeof desk.workspace.act>) => desk.workspace.act(...what) };
  const say = async (text: string, thread?: string, as = 'U1') => (await act({ as, do: 'say', text, channel: 'C0ML', thread })).ts ?? '';
  const toldIn = async (id: string) => (await desk.log.log.read(id)).flatMap(({ event }) => (event.type === 'told' ? [event] : []));
  const open = async () => {
    const ts = await say('@labmate run job 101 with lr=0.1');
    await until(async () => (await desk.log.reading.list('T1')).length === 1);
    return { ts, id: `T1-C0ML-${ts}` };
  };

  test('an edit and a deletion of what was said to a session reach it, each once, and a link that unfolds is none', async () => {
    const { ts, id } = await open();
    const reply = await say('use seed 7', ts);
    await until(async () => (await toldIn(id)).length === 1);
    desk.workspace.fault({ target: 'slack', kind: 'redeliver', times: 2 });
    await act({ as: 'U1', do: 'edit', channel: 'C0ML', ts: reply, text: 'use seed 8' });
    await act({ as: 'U1', do: 'edit', channel: 'C0ML', ts, text: '@labmate run job 101 with lr=0.2' });
    await until(async () => (await toldIn(id)).length === 3);
    await act({ as: 'U1', do: 'edit', channel: 'C0ML', ts: reply, text: 'use seed 8' });
    await act({ as: 'U1', do: 'delete', channel: 'C0ML', ts: reply });
    const all = await until(async () => (await toldIn(id)).length > 3 && (await toldIn(id)));
    expect(all.map(({ kind, text, of, standing }) => [kind, text, of, standing])).toEqual([
      ['message', 'use seed 7', undefined, 'requester'],
      ['edit', 'use seed 8', reply, 'requester'],
      ['edit', 'run job 101 with lr=0.2', ts, 'requester'],
      ['delete', '', reply, 'requester'],
    ]);
    // Words of the thread that were never for it: another person's chat in the channel.
    const chat = await say('lunch?', undefined, 'U4');
    await act({ as: 'U4', do: 'edit', channel: 'C0ML', ts: chat, text: 'lunch!' });
    expect(await toldIn(id)).toHaveLength(4);
  });

  test('who takes back the request is told that it goes on, and how to stop it; who edits too late is told that too', async () => {
    const { ts, id } = await open();
    const reply = await say('hm', ts);
    await until(async () => (await toldIn(id)).length === 1);
    await act({ as: 'U1', do: 'delete', channel: 'C0ML', ts });
    // It has a reply, so Slack leaves a tombstone and speaks of a change.
    expect(desk.workspace.world.data.messages.find((m) => m.ts === ts)).toMatchObject({ subtype: 'tombstone', user: 'USLACKBOT' });
    await until(async () => (await toldIn(id)).length === 2);
    expect((await toldIn(id)).at(-1)).toMatchObject({ kind: 'delete', of: ts, by: 'U1', standing: 'requester' });
    await until(() => whispersTo(desk.workspace, 'U1').find((t) => /but the experiment goes on.*\/experiment stop e-/.test(t)));
    const { log } = desk.log;
    const lease = await log.claim(desk.log.owner(id), 5_000);
    await log.commit(
      desk.log.owner(id),
      lease?.fence ?? 0,
      await log.tip(id),
      [replied(3), { type: 'ended', outcome: 'done', text: '' }] satisfies SessionEvent[],
      { is: '' },
    );
    await act({ as: 'U1', do: 'edit', channel: 'C0ML', ts: reply, text: 'hm!' });
    await until(() => whispersTo(desk.workspace, 'U1').find((t) => t.includes('Nobody reads what you changed any more')));
    expect(await desk.log.reading.list('T1')).toHaveLength(1);
  });

  test('a card that somebody deletes is posted again; what only tells is not forced on them', async () => {
    const { ts: request, id } = await open();
    const { log, redis, keys } = desk.log;
    const lease = await log.claim(desk.log.owner(id), 5_000);
    const question = asks('c1', `${id}/1`, new Date(Date.now() + 3_600_000).toISOString());
    await log.commit(desk.log.owner(id), lease?.fence ?? 0, await log.tip(id), [replied(1, [{ id: 'c1', tool: 'run_databricks_job' }]), question], { is: '' });
    await desk.tell(id);
    for (const [name, slot] of Object.entries(desk.slots.now())) await redis.hset(keys.slots(id), name, JSON.stringify(slot));
    await redis.zrem(keys.stale, id);
    const { 'card:2': card, 'said:2': words } = desk.slots.now();
    await act({ as: 'U1', do: 'delete', channel: 'C0ML', ts: words?.ts ?? '' });
    await act({ as: 'U1', do: 'delete', channel: 'C0ML', ts: card?.ts ?? '' });
    await until(async () => (await redis.hget(keys.slots(id), 'card:2')) === null);
    expect(await redis.zscore(keys.stale, id)).not.toBeNull();
    expect(await redis.hget(keys.slots(id), 'said:2')).not.toBeNull();
    // Slack does not always tell what stood there: whose it was is known here.
    const gone = { type: 'message', channel: 'C0ML', channel_type: 'channel', ts: '9.1', event_ts: '9.1', hidden: true };
    const { plan } = desk.slots.now();
    const tombstone = { type: 'message', subtype: 'tombstone', user: 'USLACKBOT', text: 'This message was deleted.', ts: plan?.ts, thread_ts: request };
    desk.workspace.emit({ ...gone, subtype: 'message_changed', message: tombstone });
    desk.workspace.emit({ ...gone, subtype: 'message_deleted', deleted_ts: request });
    await until(async () => (await redis.hget(keys.slots(id), 'plan')) === null);
    const told = await until(async () => (await toldIn(id)).at(-1));
    expect(told).toMatchObject({ kind: 'delete', of: request, by: 'U1', standing: 'requester' });
  });
});

test('a thread with an edit, a deletion and a stop is kept as a story, and played again', async () => {
  const desk = await aDesk('http');
  const folder = mkdtempSync(join(tmpdir(), 'labmate-story-'));
  const recorder = recordStories(desk.workspace);
  const begun = async (ts: string) => {
    await desk.slack.agents.setStatus({ channel: 'D1', thread: ts, status: 'processing', title: 'A run', by: 'U1' });
    return ts;
  };
  const act = async (what: Parameters<typeof recorder.act>[0]) => {
    const acted = await recorder.act(what);
    expect(acted).toMatchObject({ ok: true });
    return acted.ts ?? '';
  };
  try {
    const thread = await begun(await act({ as: 'U1', do: 'say', channel: 'D1', text: 'run job 101 with lr=0.1' }));
    const reply = await act({ as: 'U1', do: 'say', channel: 'D1', thread, text: 'use seed 7' });
    await act({ as: 'U1', do: 'edit', channel: 'D1', ts: reply, text: 'use seed 8' });
    await act({ as: 'U1', do: 'delete', channel: 'D1', ts: reply });
    await act({ as: 'U1', do: 'edit', channel: 'D1', ts: thread, text: 'run job 101 with lr=0.2' });
    await act({ as: 'U1', do: 'stop', channel: 'D1', thread });
    const story = recorder.tell('D1', thread);
    expect(story.acts.map((a) => a.do)).toEqual(['say', 'say', 'edit', 'delete', 'edit', 'stop']);
    expect(story.thread).toEqual([{ user: 'U1', words: expect.stringContaining('run job 101 with lr=0.2') }]);

    const file = join(folder, 'story.json');
    writeFileSync(file, JSON.stringify(story));
    const { url, world } = desk.workspace;
    const done: string[] = [];
    const acts: typeof desk.workspace.act = async (what) => {
      const acted = await desk.workspace.act(what);
      if (acted.ok) done.push(what.do);
      return acted;
    };
    const parts = { act: acts, snapshot: () => snapshotOf(world, url, { banner: '', simulated: [] }), backends: {} as never, patienceMs: 5_000 };
    const stage = setStage(parts);
    const played = storyScenario(file).play(stage, undefined as never);
    await until(() => stage.root() !== '' && begun(stage.root()));
    await played;
    expect(done).toEqual(['say', 'say', 'edit', 'delete', 'edit', 'stop']);
    // Another end is another story.
    writeFileSync(file, JSON.stringify({ ...story, thread: [{ user: 'U1', words: 'run job 101' }] }));
    const impatient = setStage({ ...parts, patienceMs: 300 });
    const other = storyScenario(file).play(impatient, undefined as never);
    const failed = expect(other).rejects.toThrow('The thread is not the one of the story.');
    await until(() => impatient.root() !== '' && begun(impatient.root()));
    await failed;
  } finally {
    await desk.close();
    rmSync(folder, { recursive: true });
  }
});

describe('the model', () => {
  const altered = (kind: 'edit' | 'delete', of: string, text = ''): EventOf<'told'> => ({ ...told(text, kind), ts: `9.${of}`, of });
  const message = (text: string, ts: string): EventOf<'told'> => ({ ...told(text), ts });
  const lastSaid = (...events: SessionEvent[]) => {
    const last = transcript(sessionOf([opened('Run it with lr=0.1'), ...events]), () => null).at(-1);
    return last?.role === 'user' ? last.content.flatMap((c) => (c.type === 'text' ? [c.text] : [])) : [];
  };

  test('reads what it has not read yet as it stands now', () => {
    const unread = [replied(1, [], 'Hm.'), message('use 7', '1.1'), message('and 3 epochs', '1.2')];
    expect(lastSaid(...unread, altered('edit', '1.1', 'use 8'))).toEqual([
      '<message from="U1" standing="requester">\nand 3 epochs\n</message>',
      '<message from="U1" standing="requester">\nuse 8\n</message>',
    ]);
    expect(lastSaid(...unread, altered('delete', '1.2'))).toEqual([
      '<message from="U1" standing="requester">\nuse 7\n</message>',
      '<message from="U1" standing="requester">\n(taken back before you could read it)\n</message>',
    ]);
  });

  test('is told what became of what it has read', () => {
    const read = [message('use 7', '1.1'), replied(2, [], 'Hm.')];
    expect(lastSaid(...read, altered('edit', '1.1', 'use 8'))).toEqual([
      '<message from="U1" standing="requester" edits="an earlier message">\nuse 8\n</message>',
    ]);
    expect(lastSaid(...read, altered('edit', '0.1', 'Run it with lr=0.2'))).toEqual([
      '<message from="U1" standing="requester" edits="the request">\nRun it with lr=0.2\n</message>',
    ]);
    expect(lastSaid(...read, altered('delete', '1.1'))).toEqual(['<message from="U1" standing="requester" withdraws="an earlier message">\nuse 7\n</message>']);
  });

  test('is woken from the wait for a job by it, but a question stays open: nobody has answered it', () => {
    const wait = [replied(1, [{ id: 'c1', tool: 'wait_for_job', input: { run_ids: ['7'] } }]), waitsForJob('c1')];
    expect(sessionOf([opened(), ...wait, altered('edit', '0.1', 'with 3 epochs')]).calls.get('c1')?.interrupted).toBeDefined();
    const asked: SessionEvent = { type: 'call_parked', call: 'c1', waiting: { for: 'answer', question: 'Which?', options: [], to: 'U1', free_text: true } };
    const question = [replied(1, [{ id: 'c1', tool: 'ask_person' }]), asked];
    expect(sessionOf([opened(), ...question, altered('edit', '0.1', 'v3')]).calls.get('c1')?.answer).toBeUndefined();
  });
});
