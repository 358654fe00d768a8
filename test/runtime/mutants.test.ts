import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { aLog } from './a-log.ts';
import { invariants } from './invariants.ts';

/** One guard of one script, taken out, and the promise that it breaks. Whoever changes the script changes the words here. */
type Mutant = { script: string; breaks: string; from: string; to: string };
const cut = (script: string, breaks: string, from: string, to: string): Mutant => ({ script, breaks, from, to });

const ENDED = 'I3 who lets go of what has ended, or keeps it, does not bring it back';
const EDIT = 'I6 an edit closes the old question and asks a new one, of its own bytes and with no votes';
const FENCED = "or redis.call('HGET', ST, 'fence') ~= ";
const MUTANTS: Record<string, Mutant> = {
  'commit without the fence': cut('commit', 'I1 who lost the lease cannot commit', 'or st[4] ~= fence', ''),
  'park without the fence': cut('park', 'I1 who lost the lease cannot let go of it', `${FENCED}ARGV[2]`, ''),
  'renew without the fence': cut('renew', 'I10 who lost the lease cannot keep it', `${FENCED}ARGV[2]`, ''),
  'claim beside a living lease': cut(
    'claim',
    'I1 a second owner gets no lease while the first one lives',
    "if tonumber(redis.call('HGET', ST, 'lease') or '0') > ms",
    'if false',
  ),
  'claim with the old fence': cut('claim', 'I2 fences grow along the log', "redis.call('HINCRBY', ST, 'fence', 1)", "redis.call('HINCRBY', ST, 'fence', 0)"),
  'claim that does not say when its lease is over': cut(
    'claim',
    'I3 whose owner died is looked at when its lease is over',
    "redis.call('ZADD', DUE, lease, ARGV[1])",
    '',
  ),
  'effect in spite of a stop': cut('commit', 'I5 nothing starts after a stop', "redis.call('HEXISTS', ST, 'stop') == 1", 'false'),
  'cancel refused by a stop': cut(
    'commit',
    'I5 after a stop the own run can still be canceled',
    "if guard == 'effect' and redis.call('HEXISTS'",
    "if guard ~= '' and redis.call('HEXISTS'",
  ),
  'effect whatever the approval says': cut('commit', 'I6 a gated call does not start before its approval', "if state ~= 'approved'", 'if false'),
  'effect with another digest': cut(
    'commit',
    'I6 what starts has the digest that was approved',
    "if redis.call('HGET', IDEM, 'g:' .. approval) ~= digest",
    'if false',
  ),
  'effect long after the approval': cut(
    'commit',
    'I6 an approval that was given too long ago starts nothing',
    'if ms - tonumber(redis.call',
    'if 0 * tonumber(redis.call',
  ),
  'approval that is not used up': cut('commit', 'I6 an approval is used once', "redis.call('HSET', IDEM, 'a:' .. approval, 'used')", ''),
  'withdrawn question that stays open': cut(
    'commit',
    'I6 a question that was withdrawn cannot be approved',
    "redis.call('HSET', IDEM, 'a:' .. asks, 'withdrawn')",
    '',
  ),
  'end over something unread': cut('commit', 'I7 a session does not end over something unread', "if guard == 'quiet' and n ~= tonumber(bound)", 'if false'),
  'commit without its operation id': cut('commit', 'I8 the same commit sent twice is once', 'if sameOp', 'if false'),
  'commit that writes before it has checked the whole batch': cut(
    'commit',
    'I2 one wrong line in a batch writes none of them',
    'at, before = at + 1, ARGV[base + 2]',
    'break',
  ),
  'ended session that stays due': cut('commit', 'I3 a session that has ended is looked at no more, but its thread is', "redis.call('ZREM', DUE, sid)", ''),
  'commit that forgets the thread': cut(
    'commit',
    'I3 a session that has ended is looked at no more, but its thread is',
    "redis.call('ZADD', STALE, 'LT', str(ms), sid)",
    '',
  ),
  'finished wait that is watched on': cut(
    'commit',
    'I12 a wait for a run is watched until its call is finished',
    "redis.call('HDEL', WAITS, sid .. ' ' .. call)",
    '',
  ),
  'chain that is not compared': cut(
    'lib',
    'I2 a commit whose line does not follow the last one is not written',
    'return version ~= nil and string.sub(line, #version + 1, #version + #place) == place',
    'return true',
  ),
  'append without the key of this session': cut(
    'append',
    'I8 the same delivery twice is one line, for as long as the session lives',
    "local known = redis.call('HGET', IDEM, 'ev:' .. key)",
    'local known = nil',
  ),
  'append without the key of all sessions': cut(
    'append',
    'I8 the same delivery to another session is a duplicate too',
    "local seen = redis.call('GET', SEEN)",
    'local seen = nil',
  ),
  'append after its deadline': cut('append', 'I1 nothing is stored after its deadline', "if deadline ~= '' and ms > tonumber(deadline)", 'if false'),
  'append to what has ended': cut(
    'append',
    'I1 nothing is written from outside once the session has ended',
    "if status ~= 'open' then return",
    'if false then return',
  ),
  'commit after the end': cut('commit', 'I1 once the session has ended its owner writes no more, and nobody gets the lease', "st[3] ~= 'open' or ", ''),
  'claim of what has ended': cut(
    'claim',
    'I1 once the session has ended its owner writes no more, and nobody gets the lease',
    "if redis.call('HGET', ST, 'status') ~= 'open' then return { 'CLOSED' } end",
    '',
  ),
  'park that brings back what has ended': cut('park', ENDED, "redis.call('HGET', ST, 'status') ~= 'open' or ", ''),
  'renew that brings back what has ended': cut('renew', ENDED, "redis.call('HGET', ST, 'owner') == '' or ", ''),
  'stop that nobody hears': cut('append', 'I5 nothing starts after a stop', "redis.call('HSETNX', ST, 'stop', str(seq))", ''),
  'denial that leaves the question open': cut(
    'append',
    'I6 what was denied cannot be approved any more',
    "redis.call('HSET', IDEM, 'a:' .. approval, 'denied')",
    '',
  ),
  'anybody who takes a vote back': cut(
    'append',
    'I6 nobody takes back a vote that was never given',
    "redis.call('HEXISTS', IDEM, 'vote:' .. approval .. ':' .. ARGV[10]) == 0",
    'false',
  ),
  'edit that leaves the old question open': cut('append', EDIT, "'a:' .. approval, 'edited', 'a:'", "'a:'"),
  'edit that keeps the old bytes': cut('append', EDIT, "'g:' .. ARGV[11], ARGV[14]", "'g:' .. ARGV[11], redis.call('HGET', IDEM, 'g:' .. approval)"),
  'edit that is approved already': cut('append', EDIT, "'a:' .. ARGV[11], 'pending'", "'a:' .. ARGV[11], 'approved', 'd:' .. ARGV[11], str(ms)"),
  'append that rings nobody': cut(
    'append',
    'I3 a session that was told something is looked at now',
    "if mode ~= 'note' then redis.call('ZADD', DUE, str(ms), sid) end",
    '',
  ),
  'append that forgets the thread': cut(
    'append',
    'I3 a thread is looked at until exactly the last line is shown',
    "redis.call('ZADD', STALE, str(ms), sid)",
    '',
  ),
  'append at a place that is taken': cut(
    'append',
    'I2 ten writers from outside and an owner make one unbroken chain',
    'if not fits(line, n + 1, head)',
    'if false',
  ),
  'question that expires and stays open': cut(
    'append',
    'I6 an approval comes too late for what has expired',
    "redis.call('HSET', IDEM, 'a:' .. approval, 'expired')",
    '',
  ),
  'second decision on one question': cut('append', 'I6 of an approval and a denial at once one counts', "elseif state ~= 'pending' then", 'elseif false then'),
  'one person who votes twice': cut('append', 'I6 a quorum of two needs two people', "if voted then return { 'DUP', sid, voted } end", ''),
  'quorum of one for all': cut('append', 'I6 a quorum of two needs two people', 'if votes >= tonumber(ARGV[9])', 'if votes >= 1'),
  'vote that cannot be taken back': cut('append', 'I6 a vote that was taken back starts nothing', "redis.call('HSET', IDEM, 'a:' .. approval, 'pending')", ''),
  'park over something unseen': cut('park', 'I3 nothing falls between the last look and the sleep', 'if n > tonumber(ARGV[3])', 'if false'),
  'park that takes another history for what was seen': cut(
    'park',
    'I3 who remembers lines that are gone puts nobody to sleep',
    'if head ~= ARGV[5]',
    'if false',
  ),
  'park that keeps the lease': cut('park', 'I11 a session that waits holds no lease', "redis.call('HSET', ST, 'owner', '', 'lease', '0')", ''),
  'park that leaves the list': cut(
    'park',
    'I3 a session that waits for nothing by time stays in the list',
    "redis.call('ZADD', DUE, ARGV[4] == '' and",
    "redis.call('ZREM', DUE, ARGV[1], ARGV[4] == '' and",
  ),
  'bell that rings once only': cut(
    'ring',
    'I12 a bell that is lost is rung again',
    "redis.call('ZADD', DUE, str(ms + tonumber(ARGV[2])), sid)",
    "redis.call('ZREM', DUE, sid)",
  ),
  'bell that rings without end': cut('ring', 'I12 a bell that is lost is rung again', "redis.call('ZADD', DUE, str(ms + tonumber(ARGV[2])), sid)", ''),
  'reminder of what has ended': cut(
    'remind',
    'I12 a list of who is due that was lost is made anew from what is open',
    "if redis.call('HGET', ST, 'status') ~= 'open'",
    'if false',
  ),
  'reminder that wakes who sleeps': cut('remind', 'I12 being reminded of makes nobody early', "DUE, 'NX', str", 'DUE, str'),
  'thread that is done before its last line': cut(
    'shown',
    'I3 a thread is looked at until exactly the last line is shown',
    'if n > tonumber(ARGV[2])',
    'if false',
  ),
  'thread that is done though somebody has it looked at anew': cut(
    'shown',
    'I3 a thread that somebody has looked at anew while it is drawn stays in the list',
    'if ARGV[4] and',
    'if false and',
  ),
};

const shipped = (name: string) => readFileSync(new URL(`../../src/runtime/scripts/${name}.lua`, import.meta.url), 'utf8');

describe('what the scripts promise', () => {
  let it: ReturnType<typeof aLog>;
  beforeAll(() => {
    it = aLog();
  });
  afterAll(() => it.close());
  test.each(Object.entries(invariants))('%s', (_, holds) => holds(it));
});

describe('a script without one of its guards breaks a promise', () => {
  test.each(Object.entries(MUTANTS))('%s', async (_, { script, breaks, from, to }) => {
    const text = shipped(script);
    expect(text, `${script}.lua does not say ${from}`).toContain(from);
    const it = aLog(undefined, (name) => (name === script ? text.replace(from, () => to) : shipped(name)));
    const fault = await invariants[breaks]!(it).then(
      () => 'the mutant survived',
      (error: Error) => error.name,
    );
    await it.close();
    // Killed by what the story expects; a script that does not even run would prove nothing.
    expect(fault).toBe('AssertionError');
  });

  test('every promise of the scripts has a mutant that breaks it', () => {
    const broken = new Set(Object.values(MUTANTS).map((m) => m.breaks));
    const unbroken = Object.keys(invariants).filter((name) => !broken.has(name));
    expect(unbroken).toEqual([]);
  });
});
