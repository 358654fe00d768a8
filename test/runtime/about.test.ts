import { afterAll, describe, expect, test } from 'vitest';
import { aboutOf } from '../../src/runtime/about.ts';
import { rebuildAbout } from '../../src/runtime/keep-about.ts';
import { makeReading } from '../../src/runtime/read-sessions.ts';
import { writeAbout } from '../../src/runtime/write-about.ts';
import type { SessionEvent } from '../../src/session/events.ts';
import { approved, asks, finished, opened, replied, sessionOf, started } from '../session/logs.ts';
import { aLog } from './a-log.ts';

const DAY = 86_400_000;
const it = aLog();
afterAll(() => it.close());
const { redis, keys, log } = it;
const rebuild = (retentionMs = 365 * DAY) => rebuildAbout({ redis, keys, log, retentionMs });
const index = () => redis.hgetall(keys.about('T1'));

async function commit(sid: string, ...events: SessionEvent[]) {
  const lease = await log.claim(it.owner(sid), 5_000);
  if (!lease) throw new Error('no lease');
  for (const event of events) expect((await log.commit(it.owner(sid), lease.fence, await log.tip(sid), [event], { is: '' })).is).toBe('OK');
  await log.park(it.owner(sid), lease.fence, await log.tip(sid), null);
}

describe('the index of sessions', () => {
  test('is built from the logs alone: lost, wrong and orphaned entries are put right, and the same logs give the same index', async () => {
    for (const sid of ['a1', 'a2', 'a3']) await it.open(sid, `Run ${sid} with feature_set=v2`);
    await redis.hset(keys.slots('a1'), 'root', JSON.stringify({ channel: 'C0ML', ts: '1700000000.000100', hash: 'x' }));
    await commit('a2', replied(1), { type: 'ended', outcome: 'done', text: '' });
    await redis.del(keys.about('T1'));
    await rebuild();
    const before = await index();
    expect(Object.keys(before).sort()).toEqual(['a1', 'a2', 'a3']);
    expect(JSON.parse(before['a1'] ?? '{}')).toMatchObject({ thread: '1700000000.000100', state: 'thinking', prompt: 'Run a1 with feature_set=v2' });
    expect(JSON.parse(before['a2'] ?? '{}')).toMatchObject({ state: 'answered', endedAt: expect.any(String) });

    await redis.del(keys.about('T1'));
    await redis.hset(keys.about('T1'), 'ghost', before['a3'] ?? '', 'a2', before['a3'] ?? '');
    expect(await rebuild()).toEqual({ written: 3, dropped: 1, broken: 0 });
    expect(await index()).toEqual(before);
  });

  test('what came to nothing but words in a thread stands in no list; while it goes on it does', async () => {
    const after = { session: 'e-test', head: 'f'.repeat(64), report: 'It ran.' };
    const thanks = sessionOf([{ ...opened('thanks!'), after }, replied(1), { type: 'ended', outcome: 'done', text: '' }], 'd1');
    const going = sessionOf([{ ...opened('thanks!'), after }], 'd2');
    const looked = sessionOf(
      [
        { ...opened('And its loss?'), after },
        replied(1, [{ id: 'c1', tool: 'fetch_mlflow_run' }]),
        finished('c1', {}),
        replied(3),
        { type: 'ended', outcome: 'done', text: '' },
      ],
      'd3',
    );
    for (const session of [thanks, going, looked]) await writeAbout(redis, keys, session, null);
    expect(
      (await it.reading.list('T1'))
        .map((a) => a.session)
        .filter((id) => id.startsWith('d'))
        .sort(),
    ).toEqual(['d2', 'd3']);
    await redis.hdel(keys.about('T1'), 'd1', 'd2', 'd3');
  });

  test('a mend writes what is missing or behind its log, and leaves the rest alone', async () => {
    const before = await index();
    await redis.hdel(keys.about('T1'), 'a1');
    // As it was written before entries said at which line they were made.
    await redis.hset(keys.about('T1'), 'a2', (before['a2'] ?? '').replace(/"seq":\d+,/, ''));
    const newer = (before['a3'] ?? '').replace('"thinking"', '"training"');
    await redis.hset(keys.about('T1'), 'a3', newer);
    expect(await rebuild()).toMatchObject({ written: 2, dropped: 0 });
    expect(await index()).toEqual({ ...before, a3: newer });
    await redis.hset(keys.about('T1'), 'a3', before['a3'] ?? '');
  });

  test('whoever stood still and writes last takes back nothing: neither a later line, nor where the thread is', async () => {
    await it.open('c1');
    const early = await it.reading.session('c1');
    await commit('c1', replied(1), { type: 'ended', outcome: 'done', text: '' });
    const late = await it.reading.session('c1');
    if (!early || !late) throw new Error('not there');
    const entry = async () => (await it.reading.list('T1')).find((a) => a.session === 'c1');
    expect(await writeAbout(redis, keys, late, null)).toBe(true);
    expect(await writeAbout(redis, keys, early, '1.1')).toBe(false);
    expect(await entry()).toMatchObject({ seq: 3, endedAt: expect.any(String), thread: null });
    expect(await writeAbout(redis, keys, late, '1.1')).toBe(true);
    expect(await writeAbout(redis, keys, late, null)).toBe(false);
    expect(await entry()).toMatchObject({ thread: '1.1' });
    await redis.del(keys.st('c1'));
    expect(await rebuild()).toMatchObject({ dropped: 1 });
  });

  test('what ended longer ago than is kept is not listed, dropped from the index, and does not come back', async () => {
    await rebuild();
    const reading = makeReading(redis, keys, log, { retentionMs: -1_000 });
    expect((await reading.list('T1')).map((a) => a.session).sort()).toEqual(['a1', 'a3']);
    expect(await rebuild(-1_000)).toMatchObject({ dropped: 1, written: 0 });
    expect(Object.keys(await index()).sort()).toEqual(['a1', 'a3']);
    expect(await rebuild(-1_000)).toMatchObject({ written: 0 });
  });

  test('a log that does not hold, or that is no JSON, stops nobody else, and its entry stays', async () => {
    await it.open('b1');
    const entry = (await index())['b1'];
    await redis.xadd(keys.log('b1'), '2-0', 't', 'noted', 'l', '{"v":1,"seq":2,"prev":"forged"}', 'f', '0', 'm', '1');
    await redis.hset(keys.st('b1'), 'n', '2');
    await redis.xadd(keys.log('b0'), '1-0', 't', 'opened', 'l', '{"v":1,', 'f', '0', 'm', '1');
    await redis.hset(keys.st('b0'), 'status', 'broken');
    await redis.hdel(keys.about('T1'), 'a1', 'a3');
    expect(await rebuild()).toEqual({ written: 3, dropped: 0, broken: 2 });
    expect((await index())['b1']).toBe(entry);
    expect(Object.keys(await index()).sort()).toEqual(['a1', 'a2', 'a3', 'b1']);
  });
});

describe('an entry', () => {
  test('weighs at most 1 KB, whatever the session holds, and keeps the words of a long prompt', () => {
    const many = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`parameter_${i}_${'ä'.repeat(80)}`, '😀'.repeat(200)]));
    const prompt = `Run a training job with ${'care and '.repeat(100)} a rare flamingo-lr=0.013 ${'x'.repeat(5_000)} ${'😀'.repeat(4_000)}`;
    const first = sessionOf([opened(prompt)]);
    const entry = aboutOf(first, '1700000000.000100');
    expect(Buffer.byteLength(JSON.stringify(entry))).toBeLessThanOrEqual(1_024);
    expect(entry.prompt.startsWith('Run a training job')).toBe(true);
    expect(entry.words).toContain('flamingo-lr=0.013');

    const { approval: _, ...bare } = started('c1');
    const run = { ...bare, rule: 'a rule', arguments: { job_id: '101', parameters: many } };
    const all = sessionOf([
      { ...opened(prompt), by: `U${'1'.repeat(10)}` },
      replied(1, [{ id: 'c1', tool: 'run_databricks_job' }]),
      run,
      finished('c1', { run_id: '9007199254740993', run_url: 'https://dbc.example/run/9' }),
      ...Array.from({ length: 30 }, (_, i): SessionEvent => ({ type: 'told', by: `U0${i}AAAAAAAA`, text: 'x', ts: null, kind: 'message', standing: 'other' })),
    ]);
    const full = aboutOf(all, null);
    expect(Buffer.byteLength(JSON.stringify(full))).toBeLessThanOrEqual(1_024);
    expect(full.runs).toContain('9007199254740993');
    expect(Object.keys(full.parameters).length).toBeGreaterThan(0);
  });

  test('takes for the parameters of an experiment what a run was started with, and not what a mounted tool calls so', () => {
    const foreign = { ...started('c1', 'mcp__registry__tune'), arguments: { parameters: { depth: 3 } } };
    const calls = [
      { id: 'c1', tool: foreign.tool },
      { id: 'c2', tool: 'run_databricks_job' },
    ];
    const ran = { ...started('c2'), approval: 's1/2' };
    const events: SessionEvent[] = [opened(), replied(1, calls), asks('c1'), approved('c1'), foreign, asks('c2', 's1/2'), approved('c2', 'U2', 's1/2'), ran];
    expect(aboutOf(sessionOf(events), null).parameters).toEqual({ feature_set: 'v2' });
  });

  test('says the verdict with its metric and change', () => {
    const s = sessionOf([
      opened(),
      replied(1, [{ id: 'c1', tool: 'compare_runs' }]),
      finished('c1', {
        baseline: { run_id: 'b' },
        candidate: { run_id: 'c' },
        primary: { verdict: 'within_threshold', metric: 'val_f1', delta_pct: 0.42114 },
      }),
    ]);
    expect(aboutOf(s, null).verdict).toBe('not enough of a difference: val_f1 +0.4211 %');
  });
});
