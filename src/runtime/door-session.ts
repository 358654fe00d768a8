import { createHash, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { canonicalJson } from '../policy/digest.ts';
import { waitsForClient } from '../session/door.ts';
import type { Outcome } from '../session/events.ts';
import type { Approval, Call, Session } from '../session/state.ts';
import type { Command, Deliver } from './commands.ts';
import { openTwin } from './open-twin.ts';
import { unlessBroken } from './read-line.ts';
import type { Reading } from './reading.ts';

/** Who calls, and where their cards and their log belong. */
export type Caller = { team: string; channel: string; door: string; name: string; user: string | null };
export type ClientCall = { client: string; tool: string; input: Record<string, unknown> };

/** Where a client's call stands when there is something to tell. */
export type Standing =
  | { is: 'finished'; outcome: Outcome }
  | { is: 'asked'; approval: Approval; session: Session; call: Call }
  | { is: 'waits'; why: string /** Until the call is made again. */; stuck?: true };

export type DoorSessions = {
  /** Makes a call, or makes an open one again, and waits a while for what comes of it. */
  act(caller: Caller, call: ClientCall, signal: AbortSignal): Promise<Standing>;
  /** Writes down a look. */
  looked(caller: Caller, call: ClientCall, outcome: Outcome): Promise<void>;
};

type Deps = {
  deliver: Deliver;
  reading: Reading;
  /** Brings a session forward in this process, unless another has it. */
  bring(session: string): Promise<void>;
};

/** Clients give up after a minute; a call that takes longer is made again, which finds this one. */
const PATIENCE_MS = 45_000;
const LOOK_EVERY_MS = 150;
const BRING_EVERY_MS = 1_000;

/** The log of one principal at one door, as long as they keep calling. */
export function doorSessions({ deliver, reading, bring }: Deps): DoorSessions {
  return { act, looked };

  async function act(caller: Caller, call: ClientCall, signal: AbortSignal): Promise<Standing> {
    const { session, id } = await stored(caller, (current) => {
      const open = openTwin(current, call);
      const made = open?.id ?? `m-${randomUUID()}`;
      return { id: made, command: open ? again(caller, current, open) : ({ do: 'ask', session: current.id, call: made, ...call } as const) };
    });
    const until = Date.now() + PATIENCE_MS;
    for (let broughtAt = 0; ; ) {
      if (Date.now() - broughtAt > BRING_EVERY_MS) {
        await bring(session);
        broughtAt = Date.now();
      }
      const now = await reading.session(session);
      const standing = now && standingOf(now, id);
      if (standing) return standing;
      if (Date.now() > until || signal.aborted) return { is: 'waits', why: 'It is not finished yet.' };
      await sleep(LOOK_EVERY_MS);
    }
  }

  async function looked(caller: Caller, call: ClientCall, outcome: Outcome): Promise<void> {
    await stored(caller, (current) => {
      const id = `m-${randomUUID()}`;
      return { id, command: { do: 'looked', session: current.id, call: id, ...call, outcome } };
    });
  }

  /** Delivers to the current session; to the next one where it ended in this moment. */
  async function stored(caller: Caller, make: (session: Session) => { id: string; command: Parameters<Deliver>[1] }) {
    for (let attempt = 0; attempt < 5; attempt++) {
      const current = await sessionOf(caller);
      const { id, command } = make(current);
      const delivered = await deliver(`${id}/${randomUUID()}`, command);
      if (delivered.is === 'stored') return { session: current.id, id };
      // Somebody has asked for the same in this moment: it is one call, and both hear of it.
      if (delivered.is === 'duplicate') return { session: current.id, id: delivered.call ?? id };
      // It is over, and its last line is about to be written or just was.
      await bring(current.id);
    }
    throw new Error('The log of this client could not be written to.');
  }

  /** The session that lives at this principal's place, or the next one. Two processes that open it at once open the same. */
  async function sessionOf(caller: Caller): Promise<Session> {
    const { team, channel, door, name, user } = caller;
    const place = createHash('sha256')
      .update(canonicalJson([team, door, name]))
      .digest('hex')
      .slice(0, 24);
    const last = await reading.ofThread(team, 'door', place);
    // A record that does not hold is over: nothing more is run from it, and whoever calls goes on in the next one.
    const living = last ? await unlessBroken(reading.session(last)) : null;
    // What has been quiet for its time is over, though nobody may have written it down yet.
    if (living && !living.ended && !living.stop) return living;
    const next = `m${createHash('sha256')
      .update(`${place}/${last ?? ''}`)
      .digest('hex')
      .slice(0, 24)}`;
    // Where the place was forgotten and its first log is still kept, ended or damaged, the next one is of no line.
    const isFree = await unlessBroken(reading.session(next).then((there) => !there?.ended));
    const session = isFree ? next : `m${randomUUID()}`;
    const by = user ?? name;
    const prompt = `Calls of an MCP client over ${door}`;
    const opened = await deliver(`door:${session}`, { do: 'open', session, team, channel, thread: null, place, by, prompt, door: 'mcp' });
    if (opened.is === 'limit')
      throw new Error(
        `There are ${opened.limit} experiments of ${opened.which === 'user' ? 'yours' : 'this team'} that have not ended; one more can't be opened.`,
      );
    const fresh = await reading.session(session);
    if (!fresh) throw new Error('The log of this client could not be opened.');
    return fresh;
  }
}

/** An open call is made again: where it has been given up until somebody wants it, this is somebody. */
function again({ user, name }: Caller, { id, attention }: Session, call: Call): Command {
  if (attention && isRetried(call)) return { do: 'tell', session: id, by: user ?? name, text: 'Try again.', ts: null, kind: 'retry', standing: 'requester' };
  return { do: 'wake', session: id, call: call.id, why: 'again' };
}

function isRetried({ status, failing }: Call): boolean {
  return status.is === 'parked' && (status.waiting.for === 'retry' || failing !== undefined);
}

/** What there is to tell of a call; null while something is about to happen. */
function standingOf(session: Session, id: string): Standing | null {
  const call = session.calls.get(id);
  if (!call) return null;
  if (call.status.is === 'finished') return { is: 'finished', outcome: call.status.outcome };
  if (call.status.is !== 'parked') return null;
  const { waiting } = call.status;
  if (waiting.for === 'retry') return { is: 'waits', why: waiting.why, ...(session.attention ? { stuck: true } : {}) };
  if (waiting.for !== 'approval') return null;
  const approval = session.approvals.get(waiting.approval);
  if (!approval) return null;
  const open = approval.state === 'pending' && Date.parse(approval.expiresAt) > Date.now();
  return open || waitsForClient(session, call) ? { is: 'asked', approval, session, call } : null;
}
