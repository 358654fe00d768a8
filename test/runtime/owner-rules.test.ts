import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { aLog } from './a-log.ts';
import { invariants } from './invariants.ts';
import { type Change, type OwnerCode, ownerCode } from './owner-code.ts';
import { ownerPromises } from './owner-promises.ts';

/** One guard of the code, taken out, and the promise that it breaks. Whoever changes the code changes the words here. */
type Mutant = Change & { breaks: string };
const cut = (file: string, breaks: string, from: string, to: string): Mutant => ({ file, breaks, from, to });

const STILL = 'I10 who stood still past the lease, after the claim, sends nothing';
const TAKEN_UP = 'I4 what was cut off is taken up and not begun anew: one start, one end';
const PURE = 'I9 the key of an effect is a function of session and call alone';
const MUTANTS: Record<string, Mutant> = {
  'other steps while a call is started': cut(
    'session/next.ts',
    'I4 a call that was started comes before every other step, until it is finished',
    "open.find((c) => c.status.is === 'started')",
    'open.find(() => false)',
  ),
  'look-up at once': cut(
    'session/next.ts',
    'I4 an effect that may still be in flight is not looked up yet',
    'cutOff.status.m + cutOff.status.timeoutMs + LOOK_UP_MARGIN_MS',
    '0',
  ),
  'effect without a claim': cut(
    'tools/gate.ts',
    'I4 nothing is sent before its start stands in the log',
    'await scope.claim(start, plan.touches.own === true)',
    "'go' as string",
  ),
  'a start that is forgotten': cut(
    'tools/gate.ts',
    TAKEN_UP,
    "if (tool.kind === 'write' && scope?.started) {",
    "if (tool.kind === 'write' && scope?.started && Math.random() > 2) {",
  ),
  'an end that is not noticed': cut('session/fold.ts', TAKEN_UP, "call.status = { is: 'finished', outcome: e.outcome, at };", ''),
  'one key for all calls of a session': cut('policy/digest.ts', PURE, '`${session}/${call}`', '`${session}/`'),
  'one key for all sessions': cut('policy/digest.ts', PURE, '`${session}/${call}`', '`/${call}`'),
  'a key by chance': cut('policy/digest.ts', PURE, '`${session}/${call}`', '`${session}/${call}${Math.random()}`'),
  'another key the second time': cut(
    'tools/gate.ts',
    'I9 what is sent again after a crash carries the same key',
    'effect(tool, plan, ctx, started.key)',
    'effect(tool, plan, ctx, `${started.key}2`)',
  ),
  'no look at the lease before the wire': cut(
    'tools/gate.ts',
    STILL,
    "// The claim cost a round trip: a process that was frozen in it must not send.\n  if (!(await scope.mayAct())) return { is: 'held' };",
    '',
  ),
  'a lease that stays fresh': cut('runtime/lease.ts', STILL, 'since(renewedAt) < ttlMs * 0.6', 'true'),
  'leave to act without a lease': cut('runtime/advance.ts', STILL, 'lease.fresh() || ((await lease.renew()) && lease.fresh())', 'true'),
  'no look at the lease before sending again': cut(
    'tools/gate.ts',
    'I10 who stood still past the lease, before it takes up what was cut off, sends nothing',
    "if (!(await scope.mayAct())) return { is: 'held' };\n  return { is: 'answer', answer: await effect(tool, plan, ctx, started.key) };",
    "return { is: 'answer', answer: await effect(tool, plan, ctx, started.key) };",
  ),
  'a claim that is not waited for': cut(
    'tools/gate.ts',
    'I10 whose lease is another one’s by now is refused its claim',
    "if (claimed === 'stopped' || claimed === 'lost') return { is: 'held' };",
    "if (claimed === 'stopped' || claimed === 'lost') return start;",
  ),
  'a sleep that is not slept': cut(
    'runtime/advance.ts',
    'I11 while it waits there is no lease, and nobody is asked again before its time',
    'log.park(owner, lease.fence, session, step.until)',
    'log.park(owner, lease.fence, session, log.now())',
  ),
  'no rest where nothing came of it': cut(
    'runtime/advance.ts',
    'I11 a store that lost its questions is not asked about one of them over and over',
    'if (fenced || session.seq !== before) continue;',
    'if (true) continue;',
  ),
  'who was forgotten stays so': cut('runtime/keep-due.ts', 'I12 dropping the list of who is due loses nobody', 'await log.remind(sid)', 'true'),
  'a chain that is not compared': cut(
    'runtime/read-line.ts',
    'I13 nobody acts on a record with a changed byte',
    'if (!placeOf(line, tip.seq + 1, tip.head))',
    'if (false)',
  ),
  'a record whose owner nobody looks at': cut(
    'runtime/read-line.ts',
    'I13 nobody acts on the record of another session',
    "if (raw['session'] !== sid)",
    'if (false)',
  ),
};

describe('the owner of a session', () => {
  let it: ReturnType<typeof aLog>;
  let code: OwnerCode;
  beforeAll(async () => {
    it = aLog();
    code = await ownerCode();
  });
  afterAll(() => it.close());
  test.each(Object.entries(ownerPromises))('%s', (_, holds) => holds(it, code));
});

describe('an owner without one of its guards breaks a promise', () => {
  test.each(Object.entries(MUTANTS))('%s', async (_, { breaks, ...change }) => {
    const it = aLog();
    const fault = await ownerPromises[breaks]!(it, await ownerCode([change])).then(
      () => 'the mutant survived',
      (error: Error) => error.name,
    );
    // Some of these go on with what they should have let go of.
    await it.close().catch(() => {});
    // Killed by what the story expects; code that does not even run would prove nothing.
    expect(fault).toBe('AssertionError');
  });

  test('every promise of the owner has a mutant that breaks it, and every invariant has a promise', () => {
    const broken = new Set(Object.values(MUTANTS).map((m) => m.breaks));
    expect(Object.keys(ownerPromises).filter((name) => !broken.has(name))).toEqual([]);
    const named = new Set([...Object.keys(invariants), ...Object.keys(ownerPromises)].map((name) => name.split(' ')[0]));
    expect([...named].sort((a, b) => Number(a?.slice(1)) - Number(b?.slice(1)))).toEqual(Array.from({ length: 13 }, (_, i) => `I${i + 1}`));
  });
});
