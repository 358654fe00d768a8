import fc from 'fast-check';
import { expect, inject, test } from 'vitest';
import { aLog } from '../runtime/a-log.ts';
import { asks, replied } from '../session/logs.ts';
import { openPlay } from './play.ts';
import { type Op, schedules } from './schedules.ts';
import { tally } from './tally.ts';

/** `npm run test:approvals` asks for 10,000; the seed is in the test's name, so that a failure can be played again. */
const COUNT = Number(process.env['LABMATE_SCHEDULES'] ?? 150);
const PARTS = 4;
const SEED = Number(process.env['LABMATE_SEED'] ?? Date.now() % 1_000_000);

test(`an effect runs if and only if exactly one valid approval of exactly these bytes exists (${COUNT} schedules, seed ${SEED})`, async () => {
  const play = await openPlay(inject('redisUrl'));
  let played = 0;
  try {
    // Side by side, as most of each is waiting for Redis; every part has its own seed and, if it fails, its own counterexample.
    const part = async (i: number) => {
      const numRuns = Math.floor(COUNT / PARTS) + (i < COUNT % PARTS ? 1 : 0);
      const property = fc.asyncProperty(schedules, async (schedule) => {
        const { wrong, entries } = await play.play(schedule);
        if (wrong.length > 0) throw new Error(`${wrong.join('\n')}\n${entries.map((e) => `${e.seq} ${JSON.stringify(e.event).slice(0, 200)}`).join('\n')}`);
        played += 1;
      });
      await fc.assert(property, { numRuns, seed: SEED + i });
    };
    const parts = await Promise.allSettled(Array.from({ length: PARTS }, (_, i) => part(i)));
    const failed = parts.flatMap((p) => (p.status === 'rejected' ? [p.reason as Error] : []));
    tally({ kind: 'played', played, wrong: failed.length });
    if (failed[0]) throw failed[0];
    // A play in which nothing is ever approved and run would prove nothing.
    expect(play.ran()).toBeGreaterThan(COUNT / 4);
  } finally {
    await play.close();
  }
}, 3_600_000);

/** Second thoughts, at whichever of its acts the worker is. */
const secondThoughts: Record<string, Op[]> = {
  'a yes is taken back': [{ do: 'withdraw', by: 'U2', on: 0 }],
  'a yes is taken back and the question denied': [
    { do: 'withdraw', by: 'U2', on: 0 },
    { do: 'deny', by: 'U3', on: 0, reason: true },
  ],
  'a yes is taken back and the question edited': [
    { do: 'withdraw', by: 'U2', on: 0 },
    { do: 'edit', by: 'U3', on: 0, to: 'x' },
  ],
  'the plan is to change while somebody edits': [
    { do: 'withdraw', by: 'U2', on: 0 },
    { do: 'tell', kind: 'change', by: 'U1' },
    { do: 'edit', by: 'U3', on: 0, to: 'x' },
  ],
  'it is stopped': [{ do: 'tell', kind: 'stop', by: 'U1' }],
};

test.each(Object.entries(secondThoughts))('%s, between any two acts of the worker', async (_, ops) => {
  const play = await openPlay(inject('redisUrl'));
  const approve: Op = { do: 'approve', by: 'U2', on: 0 };
  for (let gap = 0; gap < 8; gap++) {
    for (let between = 0; between < (ops.length > 2 ? 6 : 1); between++) {
      const steps = [
        { gap: 99, op: approve },
        ...ops.map((op, i) => ({ gap: i === 0 ? gap : i === ops.length - 1 ? between : 0, op })),
        { gap: 99, op: approve },
      ];
      const { wrong, entries } = await play.play({ turns: [[{ tool: 'train', id: 'a' }]], need: 1, expiresAfterMs: 86_400_000, steps });
      expect({ gap, between, wrong, log: wrong.length > 0 ? entries.map((e) => e.event.type) : [] }).toEqual({ gap, between, wrong: [], log: [] });
    }
  }
  await play.close();
});

test('a yes after the question’s time is no yes, though nobody has written down yet that the time is over', async () => {
  const { log, deliver, open, owner, reading, close } = aLog();
  await open('s1');
  const fence = (await log.claim(owner('s1'), 5_000))!.fence;
  const past = new Date((await log.time()) - 1).toISOString();
  await log.commit(owner('s1'), fence, await log.tip('s1'), [replied(1, [{ id: 'c1', tool: 'run_databricks_job' }]), asks('c1', 's1/1', past)], { is: '' });
  expect(await deliver('click', { do: 'approve', session: 's1', approval: 's1/1', by: 'U2' }, { withinMs: 2_000 })).toMatchObject({
    is: 'decided',
    state: 'expired',
  });
  const session = await reading.session('s1');
  expect(session?.approvals.get('s1/1')).toMatchObject({ state: 'expired', votes: [] });
  await close();
});
