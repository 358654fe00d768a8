import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { digestOf, effectKey } from '../../src/policy/digest.ts';
import { makeDeliver } from '../../src/runtime/deliver.ts';
import { makeDoorbell } from '../../src/runtime/doorbell.ts';
import { connect, PATIENT } from '../../src/runtime/redis.ts';
import type { Answer } from '../../src/sandbox/claude/messages-types.ts';
import { verify } from '../../src/session/chain.ts';
import { fold } from '../../src/session/fold.ts';
import type { Approval } from '../../src/session/state.ts';
import { openStage, type StoryStage } from '../stories/stage.ts';
import { type Effect, wrongs } from './ran-iff-approved.ts';
import { tally } from './tally.ts';

const COUNT = Number(process.env['LABMATE_KILLED'] ?? 300);
const SEED = Number(process.env['LABMATE_SEED'] ?? Date.now() % 1_000_000);
/** So many sessions live at once. */
const AT_ONCE = 8;
const EXECUTION_MS = 900_000;

type Op = 'approve' | 'approve too' | 'deny' | 'withdraw' | 'edit' | 'expire' | 'again' | 'message' | 'change' | 'stop';
type Schedule = { ops: { after: number; op: Op }[] };
const schedules: fc.Arbitrary<Schedule> = fc.record({
  ops: fc.array(
    fc.record({
      after: fc.nat(700),
      op: fc.constantFrom<Op>('approve', 'approve', 'approve', 'approve too', 'deny', 'withdraw', 'edit', 'expire', 'again', 'message', 'change', 'stop'),
    }),
    { minLength: 1, maxLength: 6 },
  ),
});

/** One gated run with parameters of its own, then the end. */
const answer: Answer = (request) => {
  if (request.messages.some((m) => m.role === 'assistant')) return { content: [{ type: 'text', text: 'That was it.' }] };
  const n = /number (\d+)/.exec(JSON.stringify(request.messages[0]))?.[1] ?? '0';
  return { content: [{ type: 'tool_use', id: `call_${n}`, name: 'run_databricks_job', input: { job_id: '101', parameters: { feature_set: `f${n}` } } }] };
};

let stage: StoryStage;
beforeAll(async () => {
  stage = await openStage({
    mode: 'http',
    scripts: [],
    answer,
    config: { approvers: { default: { users: ['U2', 'U3'] } }, budgets: { perUser: 1_000, perTeam: 1_000 } },
  });
}, 120_000);
afterAll(async () => stage?.close());

test(`with real workers and SIGKILL, too, an effect runs if and only if it is approved (${COUNT} schedules, seed ${SEED})`, async () => {
  const { keys, log, product, reading } = stage;
  const redis = connect(inject('redisUrl'), PATIENT);
  const doorbell = makeDoorbell(redis, keys);
  const deliver = makeDeliver({ redis, keys, log, ring: doorbell.ring, model: 'claude-sonnet-5-5', limits: { perUser: 1e6, perTeam: 1e6 } });
  const all = fc.sample(schedules, { numRuns: COUNT, seed: SEED });

  let over = false;
  let kills = 0;
  const killer = (async () => {
    while (!over) {
      // Counted from when it is ready, and longer than a lease now and then: workers that never get anywhere show nothing.
      await sleep(300 + ((kills * 1_733) % 7_000));
      if (over) return;
      await product.kill('worker', { stayDown: true });
      kills += 1;
      await product.start('worker');
    }
  })();

  const wrong: string[] = [];
  let played = 0;
  const play = async (i: number) => {
    const sid = `killed-${i}`;
    await deliver(`open:${sid}`, { do: 'open', session: sid, team: 'T1', channel: 'C0ML', thread: null, by: 'U1', prompt: `Run number ${i}`, door: 'command' });
    let last: Parameters<typeof deliver> | null = null;
    const send = async (key: string, command: Parameters<typeof deliver>[1]) => {
      last = [key, command];
      await deliver(key, command);
    };
    const newest = async (): Promise<Approval | undefined> => [...((await reading.session(sid))?.approvals.values() ?? [])].at(-1);
    for (let waited = 0; waited < 180_000 && !(await newest()); waited += 100) await sleep(100);
    for (const [n, { after, op }] of (all[i]?.ops ?? []).entries()) {
      await sleep(after);
      const approval = await newest();
      if (!approval) continue;
      const ref = { session: sid, approval: approval.id };
      const key = `${sid}:${n}`;
      if (op === 'again') {
        if (last) await deliver(...(last as Parameters<typeof deliver>));
      } else if (op === 'message' || op === 'change' || op === 'stop')
        await send(key, { do: 'tell', session: sid, by: 'U1', text: op, ts: null, kind: op, standing: 'requester' });
      else if (op === 'expire') await send(key, { do: 'expire', ...ref });
      else if (op === 'edit') {
        const edited = { ...approval.arguments, parameters: { feature_set: `f${i}-edited` } };
        const input = { job_id: '101', parameters: { feature_set: `f${i}-edited` } };
        const digest = digestOf('run_databricks_job', edited);
        await send(key, { do: 'edit', ...ref, by: 'U3', digest, arguments: edited, preview: approval.preview, input, expiresAfterMs: 86_400_000 });
      } else await send(key, { do: op === 'approve too' ? 'approve' : op, ...ref, by: op === 'approve too' ? 'U3' : 'U2' });
    }
    const resting = await untilItRests(sid);
    const entries = await log.read(sid);
    const verified = verify(entries.map((e) => e.line));
    if (!verified.ok) wrong.push(`${sid}: the record is broken: ${verified.why}`);
    if (!resting) wrong.push(`${sid}: it came to no rest: ${entries.map((e) => e.event.type).join(' ')}`);
    wrong.push(...wrongs(entries, effectsOf(sid, i), { executionExpiresMs: EXECUTION_MS, resting }).map((w) => `${sid}: ${w}`));
    played += 1;
  };

  /** Rests: ended, or nothing but people can move it. What was cut off again and again runs alone and may take minutes. */
  async function untilItRests(sid: string): Promise<boolean> {
    const until = Date.now() + 300_000;
    while (Date.now() < until) {
      const s = fold(sid, await log.read(sid));
      if (s?.ended) return true;
      // Stopped while its run was being started: people are asked what becomes of the run.
      if (s?.stop && s.offer) return true;
      const waiting = [...(s?.calls.values() ?? [])].filter((c) => c.status.is !== 'finished');
      const asked = waiting.map((c) => s?.approvals.get(c.approval ?? '')).filter((a) => a?.state === 'pending');
      if (waiting.length > 0 && asked.length === waiting.length && !s?.stop && s?.told.at(-1)?.kind !== 'change') return true;
      await sleep(200);
    }
    return false;
  }

  /** What Databricks has really started for this session. */
  function effectsOf(sid: string, i: number): Effect[] {
    return stage
      .launches()
      .filter((l) => [`f${i}`, `f${i}-edited`].includes(l.parameters['feature_set'] ?? ''))
      .map((l) => ({
        key: effectKey(sid, `call_${i}`),
        tool: 'run_databricks_job',
        arguments: { job_id: l.jobId, parameters: { feature_set: l.parameters['feature_set'] } },
      }));
  }

  try {
    let next = 0;
    await Promise.all(
      Array.from({ length: AT_ONCE }, async () => {
        while (next < COUNT) await play(next++);
      }),
    );
  } finally {
    over = true;
    await killer;
    await doorbell.close();
    redis.disconnect();
  }
  process.stderr.write(`${played} schedules, ${kills} workers killed, ${stage.launches().length} runs started\n`);
  tally({ kind: 'killed', played, wrong: wrong.length });
  expect(wrong).toEqual([]);
  expect(stage.launches().length).toBeGreaterThan(COUNT / 10);
  expect(kills).toBeGreaterThan(COUNT / 50);
});
