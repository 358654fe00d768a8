import { describe, expect, it } from 'vitest';
import { describeVerification, lineHash, nextLine, parseEntry, recordLines, verify, ZERO_HEAD } from '../../src/session/chain.ts';
import type { SessionEvent } from '../../src/session/events.ts';
import { NewerRecord } from '../../src/session/record-version.ts';

const digest = 'd'.repeat(64);
const call = (id: string, tool: string) => ({ id, tool, input: { note: 'ünïcode 🧪 \u2028 "quoted" \ufffd' } });
const opened: SessionEvent = {
  type: 'opened',
  team: 'T1',
  channel: 'C1',
  thread: null,
  by: 'U1',
  prompt: 'Run it\nthen compare',
  alias: 'e-7k2f',
  door: 'command',
  model: 'm',
};
const usage = { input: 1, output: 2, cache_read: 0, cache_write: 0 };
const replied = (...calls: ReturnType<typeof call>[]): SessionEvent => ({
  type: 'replied',
  model: 'm',
  saw: 1,
  stop: 'tool_use',
  content: [{ type: 'text', text: 'ok' }],
  calls,
  usage,
  request_id: null,
});
const preview = { summary: 'Run job 101', facts: [], changes: [] };
const parked = (c: string, need = 1): SessionEvent => ({
  type: 'call_parked',
  call: c,
  waiting: { for: 'approval', approval: `a/${c}`, digest, arguments: {}, preview, expires_at: '2026-11-01T00:00:00Z', need },
});
const approved = (c: string, by: string, votes = 1, need = 1): SessionEvent => ({ type: 'approved', call: c, approval: `a/${c}`, by, digest, votes, need });
const started = (c: string, tool: string): SessionEvent => ({
  type: 'call_started',
  call: c,
  tool,
  key: 'k',
  digest,
  approval: `a/${c}`,
  arguments: {},
  timeout_ms: 6000,
});
const finished = (c: string, status: 'ok' | 'failed' = 'ok'): SessionEvent => ({
  type: 'call_finished',
  call: c,
  outcome: { status, text: 'done', data: { number: 7 } },
});
const ended: SessionEvent = { type: 'ended', outcome: 'done', text: 'All done.' };

const story: SessionEvent[] = [
  opened,
  replied(call('c1', 'run_databricks_job')),
  parked('c1', 2),
  approved('c1', 'U2', 1, 2),
  approved('c1', 'U3', 2, 2),
  started('c1', 'run_databricks_job'),
  finished('c1'),
  replied(call('c2', 'create_github_pr')),
  parked('c2'),
  approved('c2', 'U2'),
  started('c2', 'create_github_pr'),
  finished('c2'),
  ended,
];

function chain(events: readonly SessionEvent[], session = 's1'): string[] {
  let tip = { seq: 0, head: ZERO_HEAD };
  return events.map((event, i) => {
    const next = nextLine(tip, new Date(1_790_000_000_000 + i * 1000).toISOString(), session, event);
    tip = { seq: next.seq, head: next.hash };
    return next.line;
  });
}
const lines = chain(story);
const bytes = (ls: readonly string[]) => Buffer.from(ls.map((l) => `${l}\n`).join(''));

describe('a line', () => {
  it('begins with v, seq and prev, then at, session and type', () => {
    expect(lines[0]!.startsWith(`{"v":1,"seq":1,"prev":"${ZERO_HEAD}","at":"2026-09-21T14:13:20.000Z","session":"s1","type":"opened",`)).toBe(true);
    expect(lines[1]!.startsWith(`{"v":1,"seq":2,"prev":"${lineHash(lines[0]!)}",`)).toBe(true);
  });

  it('hashes to what sha256sum prints for its bytes', () => {
    expect(lineHash('')).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
    expect(lineHash('ü')).toBe(lineHash(Buffer.from([0xc3, 0xbc])));
  });

  it('reads back to the event it was made of', () => {
    expect(parseEntry(lines[0]!)).toEqual({ seq: 1, prev: ZERO_HEAD, at: '2026-09-21T14:13:20.000Z', session: 's1', event: opened });
  });

  it('keeps its place even if an event carries a seq of its own', () => {
    const { line } = nextLine({ seq: 4, head: digest }, '2026-01-01T00:00:00Z', 's1', { ...ended, seq: 1, prev: 'x', v: 2 } as SessionEvent);
    expect(parseEntry(line)).toMatchObject({ seq: 5, prev: digest });
  });

  it.each([
    ['it is not JSON', '{"v":1,'],
    ['it is not a JSON object', '[1]'],
    ['its version is 2', lines[0]!.replace('"v":1', '"v":2')],
    ['its seq is "1"', lines[0]!.replace('"seq":1', '"seq":"1"')],
    ['its time is "soon"', lines[0]!.replace(/"at":"[^"]*"/, '"at":"soon"')],
    ['it is no event we know', lines[0]!.replace('"type":"opened"', '"type":"opend"')],
    ['door', lines[0]!.replace('"door":"command"', '"door":"window"')],
  ])('that is wrong says: %s', (why, line) => {
    expect(() => parseEntry(line)).toThrow(why);
  });
});

describe('a word that a list of ours does not hold', () => {
  const told: SessionEvent = { type: 'told', by: 'U1', text: 'hi', ts: null, kind: 'message', standing: 'requester' };
  const lineFor = (event: object) => nextLine({ seq: 1, head: digest }, '2026-01-01T00:00:00Z', 's1', event as SessionEvent).line;

  it.each([
    ['door', { ...opened, door: 'window' }],
    ['kind', { ...told, kind: 'applause' }],
    ['why', { type: 'woken', call: 'c1', why: 'sunrise' }],
    ['waiting.for', { type: 'call_parked', call: 'c1', waiting: { for: 'full_moon', phase: 1 } }],
    ['outcome.status', { ...finished('c1'), outcome: { status: 'postponed', text: '' } }],
    ['of', { type: 'refused', of: 'payment', call: 'c1', why: 'x' }],
    ['about', { type: 'noted', about: 'weather', text: 'x' }],
  ])('was written by a newer labmate: %s', (where, event) => {
    expect(() => parseEntry(lineFor(event))).toThrow(NewerRecord);
    expect(() => parseEntry(lineFor(event))).toThrow(where);
  });

  it.each([
    ['no word', { ...told, kind: 7 }],
    ['nothing', { type: 'woken', call: 'c1' }],
    ['no word of a list', { ...told, kind: 'Messäge' }],
    ['another fault beside it', { ...told, kind: 'applause', text: 5 }],
    ['a list of one truth', { ...replied(), host: false }],
  ])('is a fault of the record where it is %s', (_, event) => {
    expect(() => parseEntry(lineFor(event))).toThrow('it is no event we know');
    expect(() => parseEntry(lineFor(event))).not.toThrow(NewerRecord);
  });
});

describe('verify', () => {
  it('accepts a finished record and counts what people approved and what was opened', () => {
    expect(verify(lines)).toEqual({
      ok: true,
      lines: 13,
      head: lineHash(lines.at(-1)!),
      ended: true,
      approvals: 2,
      pullRequests: 1,
      heads: lines.map((l) => lineHash(l)),
    });
  });

  it('does not count half a quorum or a pull request that failed', () => {
    const result = verify(
      chain([
        opened,
        replied(call('c1', 'create_github_pr')),
        parked('c1', 2),
        approved('c1', 'U2', 1, 2),
        started('c1', 'create_github_pr'),
        finished('c1', 'failed'),
      ]),
    );
    expect(result).toMatchObject({ ok: true, ended: false, approvals: 0, pullRequests: 0 });
  });

  const rehashed = (edit: (events: SessionEvent[]) => SessionEvent[]) => chain(edit([...story]));
  it.each([
    ['an empty record', [], 1, 'empty'],
    ['a record that does not begin with opened', chain([ended]), 1, 'begins with opened'],
    ['a record opened twice', rehashed((e) => [opened, ...e]), 2, 'opened twice'],
    ['a line after the end', rehashed((e) => [...e, finished('c1')]), 14, 'nothing may follow'],
    ['a missing line', lines.filter((_, i) => i !== 4), 5, 'its seq is 6 where 5 belongs'],
    ['a changed line', lines.map((l, i) => (i === 3 ? l.replace('"by":"U2"', '"by":"U9"') : l)), 5, 'its prev is not the SHA-256 of line 4'],
    ['a line of another session', [...lines.slice(0, 2), chain(story, 's2')[2]!], 3, 'its prev is not'],
    ['a line that gives its seq twice', [lines[0]!.replace('"seq":1', '"seq":7').replace(/}$/, ',"seq":1}')], 1, 'does not begin with v, seq and prev'],
    ['a first line with a prev', [lines[1]!.replace('"seq":2', '"seq":1')], 1, '64 zeros'],
  ])('refuses %s', (_, record, line, why) => {
    const result = verify(record);
    expect(result).toMatchObject({ ok: false, line });
    expect(!result.ok && result.why).toContain(why);
  });

  it('accepts a large payload that is kept beside the record, and still holds the rest of its line to the schema', () => {
    const kept = { sha256: 'e'.repeat(64), bytes: 40_000, media_type: 'application/json' };
    const large = { ...opened, prompt: kept } as unknown as SessionEvent;
    expect(verify(chain([large, ended]))).toMatchObject({ ok: true, lines: 2, ended: true });
    expect(verify(chain([{ ...large, door: 'window' } as unknown as SessionEvent]))).toMatchObject({
      ok: false,
      line: 1,
      why: expect.stringContaining('door'),
    });
    expect(verify(chain([{ ...opened, prompt: { ...kept, sha256: 'x' } } as unknown as SessionEvent]))).toMatchObject({ ok: false, line: 1 });
  });

  it('refuses a line of another session even where the hashes fit', () => {
    const first = nextLine({ seq: 0, head: ZERO_HEAD }, '2026-01-01T00:00:00Z', 's1', opened);
    const second = nextLine({ seq: 1, head: first.hash }, '2026-01-01T00:00:00Z', 's2', ended);
    expect(verify([first.line, second.line])).toEqual({ ok: false, line: 2, why: 'it belongs to session "s2", the record to "s1"' });
  });

  it('reads a file to the same result as its lines, with or without the last newline', () => {
    const file = bytes(lines);
    expect(verify(recordLines(file))).toEqual(verify(lines));
    expect(verify(recordLines(file.subarray(0, -1)))).toEqual(verify(lines));
  });

  it('tells apart broken bytes that decode to the same text', () => {
    const file = bytes(lines);
    const at = file.indexOf(Buffer.from('\ufffd'));
    file[at] = 0xf0;
    expect(file.toString('utf8')).toBe(bytes(lines).toString('utf8'));
    expect(verify(recordLines(file))).toMatchObject({ ok: false, why: 'it is not UTF-8 text' });
  });
});

describe('against a known head', () => {
  const head = lineHash(lines.at(-1)!);
  const found = (file: Uint8Array) => describeVerification(verify(recordLines(file)), head).exitCode === 1;

  it('finds every one of 4,000 changed bytes, wherever it is', () => {
    const random = seeded(41);
    const file = bytes(lines);
    const missed: number[] = [];
    for (let i = 0; i < 4000; i++) {
      const copy = Buffer.from(file);
      const at = Math.floor(random() * (file.length - 1));
      copy[at] = copy[at]! ^ (1 + Math.floor(random() * 255));
      if (!found(copy)) missed.push(at);
    }
    expect(missed).toEqual([]);
  });

  it('finds 2,000 deletions, swaps, doublings and cuts', () => {
    const random = seeded(42);
    const missed: string[] = [];
    for (let i = 0; i < 2000; i++) {
      const edited = [...lines];
      const a = Math.floor(random() * lines.length);
      const b = (a + 1 + Math.floor(random() * (lines.length - 1))) % lines.length;
      const kind = (['delete', 'swap', 'double', 'cut'] as const)[i % 4]!;
      if (kind === 'delete') edited.splice(a, 1);
      if (kind === 'swap') [edited[a], edited[b]] = [edited[b]!, edited[a]!];
      if (kind === 'double') edited.splice(b, 0, edited[a]!);
      const file = bytes(edited);
      if (!found(kind === 'cut' ? file.subarray(0, Math.floor(random() * (file.length - 1))) : file)) missed.push(`${kind} ${a} ${b}`);
    }
    expect(missed).toEqual([]);
  });

  it('finds a record that was changed and hashed anew', () => {
    const forged = chain(story.map((e) => (e.type === 'approved' ? { ...e, by: 'U9' } : e)));
    expect(verify(forged).ok).toBe(true);
    expect(describeVerification(verify(forged), head).text).toMatch(
      /^BROKEN at line 14: no line of this record has that head; its 13 lines hold together and end with head /,
    );
  });
});

describe('what labmate verify prints', () => {
  const head = lineHash(lines.at(-1)!);
  const cut = lines.slice(0, 6);
  const early = lineHash(lines[5]!);
  it.each([
    ['a finished record', lines, undefined, `OK 13 lines, head ${head}, 2 approvals, 1 pull request`, 0],
    ['its last head', lines, head, `OK 13 lines, head ${head}, 2 approvals, 1 pull request; the given head is that of line 13, the last`, 0],
    [
      'the head of an earlier line, in capitals',
      lines,
      ` ${early.toUpperCase()}\n`,
      `OK 13 lines, head ${head}, 2 approvals, 1 pull request; the given head is that of line 6 of 13`,
      0,
    ],
    ['a session that goes on', cut, undefined, `OPEN 6 lines, head ${early}`, 0],
    [
      'a cut tail against the posted head',
      cut,
      head,
      `BROKEN at line 7: no line of this record has that head; its 6 lines hold together and end with head ${early}, so it is another record, was written anew, or lost its end`,
      1,
    ],
    ...[`${early.slice(0, 12)}…`, `${early.slice(0, 12)}...`, early.slice(0, 12)].map((given): [string, string[], string, string, number] => [
      `the first digits of a head, as Slack shows them: ${given.slice(12) || 'no dots'}`,
      lines,
      given,
      `OK 13 lines, head ${head}, 2 approvals, 1 pull request; the given head begins the head of line 6 of 13. 12 digits tell records apart and do not keep from forgery: give all 64 for that`,
      0,
    ]),
    [
      'half of a head, which nobody can forge',
      lines,
      early.slice(0, 32),
      `OK 13 lines, head ${head}, 2 approvals, 1 pull request; the given head begins the head of line 6 of 13`,
      0,
    ],
    ['a broken record', lines.slice(1), head, 'BROKEN at line 1: its seq is 2 where 1 belongs: lines are missing, doubled or in another order', 1],
    [
      'a report in place of a record',
      ['# e-7k2f', ''],
      undefined,
      'BROKEN at line 1: it is not JSON, so this is no record: that is JSON Lines, as labmate record ID prints it, and not its report in Markdown',
      1,
    ],
    ['a record whose only line is cut', [lines[0]!.slice(0, 40)], undefined, 'BROKEN at line 1: it is not JSON', 1],
    ['a record whose second line is none', [lines[0]!, '# e-7k2f'], undefined, 'BROKEN at line 2: it is not JSON', 1],
    [
      'a copy with the line ends of Windows',
      lines.map((line) => `${line}\r`),
      head,
      'BROKEN at line 1: it ends with CR and LF, where a record has LF alone: a program that copied the file changed every line end, so get it again, as it is',
      1,
    ],
    ['one line', chain([opened]), undefined, `OPEN 1 line, head ${lineHash(chain([opened])[0]!)}`, 0],
  ])('for %s', (_, record, wanted, text, exitCode) => {
    expect(describeVerification(verify(record), wanted)).toEqual({ text, exitCode });
  });
});

/** mulberry32: the same edits at every run. */
function seeded(seed: number): () => number {
  let a = seed;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
