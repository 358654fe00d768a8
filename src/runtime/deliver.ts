import type { Redis } from 'ioredis';
import { editedApproval } from '../session/approval-id.ts';
import { lineHash, parseEntry, ZERO_HEAD } from '../session/chain.ts';
import type { SessionEvent } from '../session/events.ts';
import { fold } from '../session/fold.ts';
import { handedOn } from '../session/handed-on.ts';
import { isShownWhole } from '../session/in-full.ts';
import { repeats } from '../session/lineage.ts';
import { isPayloadRef } from '../session/payload.ts';
import type { Approval, Session } from '../session/state.ts';
import { named } from './alias.ts';
import type { Command, Deliver, Delivered } from './commands.ts';
import type { Append, AppendMode, EventLog } from './event-log.ts';
import { eventOf, type Known } from './event-of.ts';
import type { Keys } from './keys.ts';
import type { People } from './people.ts';
import { writeAbout } from './write-about.ts';

type Deps = {
  redis: Redis;
  keys: Keys;
  log: EventLog;
  /** Rings for a session at once; the pump repairs a bell that is lost. */
  ring: (session: string) => Promise<void>;
  /** Who waits for an acknowledgement: in a crowd, what they do not wait for is done after it. */
  people?: People | undefined;
  model: string;
  limits: { perUser: number; perTeam: number };
};

/** So long a clock that was heard of is taken to go right. */
const CLOCK_MS = 2_000;

/** The only way in: everything that the world does to a session is one append, stored once by its key. */
export function makeDeliver(deps: Deps): Deliver {
  const { log } = deps;
  return async (key, command, options = {}) => {
    const { withinMs, seen } = options;
    // Not awaited here: it goes to Redis together with whatever is asked next.
    const began = performance.now();
    // The time that it takes to be told the time is part of `withinMs`.
    const deadline =
      withinMs === undefined ? Promise.resolve(undefined) : log.time(CLOCK_MS).then((now) => now + withinMs - Math.round(performance.now() - began));
    return command.do === 'open' ? await open(deps, key, command, deadline) : await tell(deps, key, command, deadline, seen);
  };
}

/**
 * The bell leaves right behind what it rings for, on the same connection: it comes after it, and the disk is waited for once for both. One that nothing was stored for
 * wakes somebody who finds nothing to do; the pump repairs one that is lost. In a crowd bells ring after it: people are answered first.
 */
function bell(deps: Deps, session: string): () => void {
  return () => afterCrowd(deps, () => deps.ring(session));
}

/** A loss is repaired by others: the bell by the pump, the index from the log. */
function afterCrowd({ people }: Deps, work: () => Promise<void>): void {
  const begin = () => void work().catch(() => {});
  if (people) people.afterCrowd(begin);
  else begin();
}

async function open(deps: Deps, key: string, command: Extract<Command, { do: 'open' }>, asked: Promise<number | undefined>): Promise<Delivered> {
  const { log } = deps;
  const { session: sid, team, channel, by, prompt, door, quoted } = command;
  const { after, rerunOf } = command;
  const [deadline, earlier, repeated] = await Promise.all([asked, after ? readSession(log, after) : null, rerunOf ? readSession(log, rerunOf.session) : null]);
  const event: Extract<SessionEvent, { type: 'opened' }> = {
    type: 'opened',
    team,
    channel,
    thread: command.thread,
    by,
    prompt,
    alias: '',
    door,
    model: door === 'mcp' ? "the client's" : deps.model,
    ...(earlier ? { after: { session: earlier.opened.alias, head: earlier.head, report: handedOn(earlier) } } : {}),
    ...(repeated ? { rerun_of: repeats(repeated, rerunOf?.changes ?? {}) } : {}),
    ...(quoted?.length ? { quoted } : {}),
  };
  const request: Append = {
    owner: { sid, team, user: by },
    key,
    mode: 'open',
    deadline,
    at: { seq: 0, head: ZERO_HEAD },
    limits: deps.limits,
    sent: bell(deps, sid),
    ...placeOf(command),
  };
  const { alias, answer } = await named(sid, async (name) => log.append({ ...request, alias: name }, async () => ({ ...event, alias: name })));
  switch (answer.is) {
    case 'OK':
      // It is stored, whatever becomes of the index: that is mended from the log, and somebody waits for our answer.
      afterCrowd(deps, () => index(deps, sid, command, answer.line));
      return { is: 'stored', session: sid, seq: answer.seq, alias };
    case 'DUP':
      return { is: 'duplicate', session: answer.session, seq: answer.seq };
    case 'OPEN':
      return tell(deps, key, { do: 'tell', session: sid, by, text: prompt, ts: null, kind: 'message', standing: 'requester' }, asked);
    case 'LATE':
      return { is: 'late' };
    case 'LIMIT':
      return { is: 'limit', which: answer.which, limit: answer.which === 'user' ? deps.limits.perUser : deps.limits.perTeam };
    case 'CLOSED':
      return { is: 'closed', session: sid };
    default:
      throw new Error(`opening ${sid} answered ${answer.is}`);
  }
}

/** Where the session is found again: its thread, or its principal's place. */
function placeOf({ thread, place, channel }: Extract<Command, { do: 'open' }>): Pick<Append, 'thread'> {
  if (place) return { thread: { channel: 'door', ts: place } };
  return thread ? { thread: { channel, ts: thread } } : {};
}

/** From the line as it was stored, so that nothing has to be read back and nothing unclean gets in. */
async function index({ log, redis, keys }: Deps, sid: string, { thread }: Extract<Command, { do: 'open' }>, line: string): Promise<void> {
  const entry = parseEntry(line);
  const whole = !Object.values(entry.event).some(isPayloadRef);
  const opened = whole ? fold(sid, [{ ...entry, line, hash: lineHash(line), m: Date.parse(entry.at), fence: 0 }]) : await readSession(log, sid);
  if (opened) await writeAbout(redis, keys, opened, thread);
}

async function readSession(log: EventLog, sid: string): Promise<Session | null> {
  return fold(sid, await log.read(sid));
}

async function tell(
  deps: Deps,
  key: string,
  command: Exclude<Command, { do: 'open' }>,
  asked: Promise<number | undefined>,
  seen?: Session,
): Promise<Delivered> {
  const { log } = deps;
  const sid = command.session;
  const [deadline, first] = await Promise.all([asked, seen?.id === sid ? seen : readSession(log, sid)]);
  const known: Known = {};
  // The owner names the sets of live sessions, which only `opened` and `ended` touch: from outside any name will do.
  const request: Append = { owner: { sid, team: 'none', user: 'none' }, key, mode: modeOf(command), deadline, at: first ?? undefined, ...decisionOf(command) };
  if (request.mode !== 'note') request.sent = bell(deps, sid);
  let expires: number | null = null;
  if (command.do === 'approve') {
    const approval = first?.approvals.get(command.approval);
    if (!approval) return { is: 'unknown' };
    // Here, where every yes comes through: a card without the button is no guard, nor is a form.
    if (!isShownWhole(approval)) return { is: 'too long' };
    request.need = approval.need;
    // A yes after its time is no yes, though nobody may have written down yet that the time is over.
    expires = Date.parse(approval.expiresAt);
    request.deadline = Math.min(deadline ?? expires, expires);
  }
  const answer = await log.append(request, async (tip) => {
    if (tip.seq === 0) return null;
    // The head, too: after a failover that lost lines another history can be as long.
    const session = tip.seq === first?.seq && tip.head === first.head ? first : await readSession(log, sid);
    // Somebody wrote between the tip and the read: the script will say MOVED, and we come again.
    if (!session) return null;
    known.session = session;
    return eventOf(session, command, known, log.now());
  });
  const session = known.session;
  switch (answer.is) {
    case 'OK':
      return {
        is: 'stored',
        session: sid,
        seq: answer.seq,
        alias: session?.opened.alias ?? '',
        ...(known.votes === undefined ? {} : { votes: known.votes }),
        ...(known.need === undefined ? {} : { need: known.need }),
      };
    case 'DUP':
      return { is: 'duplicate', session: answer.session, seq: answer.seq };
    case 'DECIDED': {
      const fresh = await readSession(log, sid);
      return decided(answer.state, 'approval' in command ? fresh?.approvals.get(command.approval) : undefined);
    }
    case 'LATE':
      if (command.do !== 'approve' || expires === null || (await log.time()) <= expires) return { is: 'late' };
      await tell(deps, `expire:${command.approval}`, { do: 'expire', session: sid, approval: command.approval }, Promise.resolve(undefined));
      return { is: 'decided', state: 'expired', by: null, at: new Date(expires).toISOString() };
    case 'CLOSED':
      return { is: 'closed', session: sid };
    case 'NOTHING':
      return known.twin === undefined ? { is: 'unknown' } : { is: 'duplicate', session: sid, seq: session?.seq ?? 0, call: known.twin };
    case 'NONE':
      return { is: 'unknown' };
    default:
      throw new Error(`delivering to ${sid} answered ${answer.is}`);
  }
}

function decided(state: string, approval: Approval | undefined): Delivered {
  const by = approval?.by ?? approval?.votes.map((v) => v.by).join(', ') ?? null;
  return { is: 'decided', state, by: by || null, at: approval?.decidedAt ?? null };
}

function modeOf(command: Exclude<Command, { do: 'open' }>): AppendMode {
  switch (command.do) {
    case 'tell':
      return command.kind === 'stop' ? 'stop' : '';
    case 'refuse':
    case 'looked':
      return 'note';
    case 'ask':
    case 'wake':
      return '';
    case 'approve':
    case 'deny':
    case 'edit':
    case 'withdraw':
    case 'expire':
      return command.do;
    default:
      return command satisfies never;
  }
}

function decisionOf(command: Exclude<Command, { do: 'open' }>): Partial<Append> {
  if (command.do === 'edit') return { approval: command.approval, voter: command.by, nextApproval: editedApproval(command.approval, command.digest) };
  return 'approval' in command && command.do !== 'refuse' ? { approval: command.approval, ...('by' in command ? { voter: command.by } : {}) } : {};
}
