import { hash } from 'node:crypto';
import { countOf } from '../analysis/numbers.ts';
import { eventSchema, type SessionEvent } from './events.ts';
import { isPayloadRef } from './payload.ts';
import { checkVersion, checkWords, placeOf, RECORD_VERSION } from './record-version.ts';

/** What stands as `prev` on line 1. */
export const ZERO_HEAD = '0'.repeat(64);

/** Where a log ends: the seq and the hash of its last line; `{seq: 0, head: ZERO_HEAD}` before the first. */
export type Tip = { seq: number; head: string };

/** Builds the line that may follow `tip`. `v`, `seq` and `prev` stand first, in this order: the store compares these bytes before it appends. */
export function nextLine(tip: Tip, at: string, session: string, event: SessionEvent): { line: string; hash: string; seq: number } {
  return lineOf(tip, at, session, bodyOf(event));
}

/** An event as JSON, without what only its place in the chain may say. */
export function bodyOf(event: SessionEvent): string {
  if (!PLACE.some((key) => Object.hasOwn(event, key))) return JSON.stringify(event);
  return JSON.stringify(Object.fromEntries(Object.entries(event).filter(([key]) => !PLACE.includes(key))));
}

const PLACE: readonly string[] = ['v', 'seq', 'prev', 'at', 'session'];

/** The line that may follow `tip`, from an event's body: made anew for another tip it costs no second writing of the event. */
export function lineOf(tip: Tip, at: string, session: string, body: string): { line: string; hash: string; seq: number } {
  const seq = tip.seq + 1;
  const line = `{"v":${RECORD_VERSION},"seq":${seq},"prev":"${tip.head}","at":"${at}","session":${JSON.stringify(session)},${body.slice(1)}`;
  return { line, hash: lineHash(line), seq };
}

/** Lowercase hex SHA-256 of a line's exact bytes, without its newline. */
export function lineHash(line: string | Uint8Array): string {
  return hash('sha256', line);
}

export type Line = { seq: number; prev: string; at: string; session: string; event: SessionEvent };

/** Reads one line. Throws an Error whose message is a sentence for people, NewerRecord where a later labmate wrote it; the chain itself is `verify`'s. */
export function parseEntry(line: string | Uint8Array): Line {
  return entryOf(parseJson(typeof line === 'string' ? line : utf8(line)));
}

/** The same, of a line whose JSON was read already. */
export function entryOf(raw: Record<string, unknown>): Line {
  checkVersion(raw);
  const { seq, prev, at, session } = raw;
  if (typeof seq !== 'number' || !Number.isSafeInteger(seq) || seq < 1) throw new Error(`its seq is ${show(seq)}, not a line number`);
  if (typeof prev !== 'string' || !/^[0-9a-f]{64}$/.test(prev)) throw new Error('its prev is not a SHA-256 in lowercase hex');
  if (typeof at !== 'string' || Number.isNaN(Date.parse(at))) throw new Error(`its time is ${show(at)}`);
  if (typeof session !== 'string' || session === '') throw new Error('it names no session');
  return { seq, prev, at, session, event: eventOf(raw) };
}

/** Members whose payload is kept beside the record can't be looked into here; everything else must be as we know it. */
function eventOf(raw: Record<string, unknown>): SessionEvent {
  const parsed = eventSchema.safeParse(raw);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.filter((i) => !isPayloadRef(raw[String(i.path[0])]));
  checkWords(raw, faults);
  const [fault] = faults;
  if (fault) throw new Error(`it is no event we know: ${fault.path.join('.') || 'type'}: ${fault.message}`);
  return raw as SessionEvent;
}

export type Verification =
  | { ok: true; lines: number; head: string; ended: boolean; approvals: number; pullRequests: number /** The head after each line. */; heads: string[] }
  | { ok: false; line: number; why: string };

/** Said of a file that does not even begin as a record does: a cut one still is one. */
const NO_RECORD = ', so this is no record: that is JSON Lines, as labmate record ID prints it, and not its report in Markdown';
const REWRITTEN = 'it ends with CR and LF, where a record has LF alone: a program that copied the file changed every line end, so get it again, as it is';

/**
 * Checks a whole record: versions, contiguous numbers, every `prev` against the exact bytes before it, one session, known events, `opened` first, nothing after `ended`.
 * Give bytes where the record comes from a file: two broken UTF-8 sequences can decode to the same text. What no chain can see without a known head is a cut tail or a record hashed anew.
 */
export function verify(lines: readonly (string | Uint8Array)[]): Verification {
  const heads: string[] = [];
  const counted = counter();
  let prev = ZERO_HEAD;
  let session: string | null = null;
  let ended = false;
  for (const [i, line] of lines.entries()) {
    const broken = (why: string): Verification => ({ ok: false, line: i + 1, why });
    if (ended) return broken('the session ended on the line before, so nothing may follow');
    let entry: Line;
    try {
      entry = parseEntry(line);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      return broken(i === 0 && !isLetter('{', line[0]) ? `${why}${NO_RECORD}` : why);
    }
    if (isLetter('\r', line.at(-1))) return broken(REWRITTEN);
    if (entry.seq !== i + 1) return broken(`its seq is ${entry.seq} where ${i + 1} belongs: lines are missing, doubled or in another order`);
    if (entry.prev !== prev)
      return broken(i === 0 ? 'a record begins with prev of 64 zeros' : `its prev is not the SHA-256 of line ${i}: one of the two was changed`);
    if (!startsAsWritten(line, i + 1, prev)) return broken('it does not begin with v, seq and prev as they are written');
    session ??= entry.session;
    if (entry.session !== session) return broken(`it belongs to session ${show(entry.session)}, the record to ${show(session)}`);
    if ((entry.event.type === 'opened') !== (i === 0))
      return broken(i === 0 ? `a record begins with opened, not ${entry.event.type}` : 'the session is opened twice');
    ended = entry.event.type === 'ended';
    counted.see(entry.event);
    prev = lineHash(line);
    heads.push(prev);
  }
  if (heads.length === 0) return { ok: false, line: 1, why: 'the record is empty' };
  return { ok: true, lines: heads.length, head: prev, ended, ...counted.totals(), heads };
}

/** One place of a text or of bytes. */
function isLetter(letter: string, at: string | number | undefined): boolean {
  return at === letter || at === letter.charCodeAt(0);
}

/** Splits a file into lines at its newlines and nowhere else; the last newline ends the last line. */
export function recordLines(file: Uint8Array): Uint8Array[] {
  const lines: Uint8Array[] = [];
  let from = 0;
  while (from < file.length) {
    const end = file.indexOf(10, from);
    lines.push(file.subarray(from, end < 0 ? file.length : end));
    from = end < 0 ? file.length : end + 1;
  }
  return lines;
}

/** So many digits of a head say which line is meant: the chance that another record's head begins alike is one in four billion. */
const LEAST_DIGITS = 8;
/** With fewer, a record can be written anew until its head begins alike. */
const UNFORGEABLE_DIGITS = 32;

/** A head as it stands where somebody copied it: perhaps shortened, with dots after it. */
function digitsOf(given: string): string {
  return given
    .trim()
    .replace(/(…|\.{3})$/, '')
    .toLowerCase();
}

/** What is wrong with the words somebody gave as a head, as a sentence; null where they can be one. */
export function notAHead(given: string): string | null {
  const digits = digitsOf(given);
  if (/^[0-9a-f]{8,64}$/i.test(digits)) return null;
  return `a head is the 64 hex digits of a SHA-256, or at least its first ${LEAST_DIGITS}; this is ${countOf(digits.length, 'character')}${/^[0-9a-f]*$/i.test(digits) ? '' : ', not all of them hex digits'}`;
}

/** What `labmate verify` prints and exits with. `wantedHead` may be the head of any line, or its first digits if no other line's begins with them; one that fits none breaks the record. */
export function describeVerification(result: Verification, wantedHead?: string): { text: string; exitCode: 0 | 1 } {
  if (!result.ok) return { text: `BROKEN at line ${result.line}: ${result.why}`, exitCode: 1 };
  const { lines, head, ended } = result;
  let matched = '';
  if (wantedHead !== undefined) {
    const wanted = digitsOf(wantedHead);
    const fitting = result.heads.flatMap((h, i) => (notAHead(wanted) === null && h.startsWith(wanted) ? [i + 1] : []));
    const [line] = fitting;
    if (line === undefined || fitting.length > 1) {
      const why =
        line === undefined
          ? `no line of this record has that head; its ${countOf(lines, 'line')} hold together and end with head ${head}, so it is another record, was written anew, or lost its end`
          : `the heads of lines ${fitting.join(' and ')} both begin with these digits: give more of them`;
      // What is missing can only have stood after the last line that is here.
      return { text: `BROKEN at line ${line ?? lines + 1}: ${why}`, exitCode: 1 };
    }
    const short = wanted.length < 64 ? `begins the head of line ${line}` : `is that of line ${line}`;
    const caution = wanted.length < UNFORGEABLE_DIGITS ? `. ${wanted.length} digits tell records apart and do not keep from forgery: give all 64 for that` : '';
    matched = `; the given head ${short}${line === lines ? ', the last' : ` of ${lines}`}${caution}`;
  }
  const start = `${ended ? 'OK' : 'OPEN'} ${countOf(lines, 'line')}, head ${head}`;
  const totals = ended ? `, ${countOf(result.approvals, 'approval')}, ${countOf(result.pullRequests, 'pull request')}` : '';
  return { text: start + totals + matched, exitCode: 0 };
}

/** Counts approvals that got all their votes, and pull requests that were really opened. */
function counter() {
  const approved = new Set<string>();
  const opening = new Set<string>();
  let pullRequests = 0;
  return {
    see(event: SessionEvent): void {
      if (event.type === 'approved' && event.votes >= event.need) approved.add(event.approval);
      if (event.type === 'call_started' && event.tool === 'create_github_pr') opening.add(event.call);
      if (event.type === 'call_finished' && event.outcome?.status === 'ok' && opening.delete(event.call)) pullRequests += 1;
    },
    totals: () => ({ approvals: approved.size, pullRequests }),
  };
}

/** A JSON reader takes the last of two equal keys, the store compares the first bytes: both must see the same place in the chain. */
function startsAsWritten(line: string | Uint8Array, seq: number, prev: string): boolean {
  // What stands first is ASCII, and so is as long in bytes as in letters.
  return placeOf(typeof line === 'string' ? line : Buffer.from(line.buffer, line.byteOffset, Math.min(line.byteLength, 256)).toString('latin1'), seq, prev);
}

function parseJson(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new Error('it is not JSON', { cause });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error('it is not a JSON object');
  return value as Record<string, unknown>;
}

function utf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new Error('it is not UTF-8 text', { cause });
  }
}

function show(value: unknown): string {
  return value === undefined ? 'missing' : JSON.stringify(value).slice(0, 60);
}
