import type { Tip } from '../session/chain.ts';
import { endAfter, ending } from '../session/end-after.ts';
import type { Entry, SessionEvent } from '../session/events.ts';
import { apply, fold } from '../session/fold.ts';
import { type Bounds, next, type Step, THE_MODEL } from '../session/next.ts';
import type { Session } from '../session/state.ts';
import { type Alone, handOver, SUSPECT } from './alone.ts';
import type { Committed, EventLog, Guard, Owner } from './event-log.ts';
import { type Lease, takeLease } from './lease.ts';
import { BrokenChain } from './read-line.ts';

/** What a step may ask of the one who holds the session. */
export type Turn = {
  session: Session;
  /** The lines so far, for the record that goes into a pull request. */
  entries: readonly Entry[];
  signal: AbortSignal;
  now: () => number;
  /** Nothing happened that is worth a line, as the backend is still away: this step is not made again before then (ms). */
  sleep(until: number): void;
  /** Is it safe to put an effect on the wire? Renews first where it is not sure. */
  mayAct(): Promise<boolean>;
  /** Commits the start of an effect; `approval` turns from approved to used in the same script. */
  claim(event: Extract<SessionEvent, { type: 'call_started' }>, approval: string | undefined, cancels: boolean): Promise<Committed>;
};

/** Performs one step and answers with what happened; stores nothing itself but through `turn.claim`. */
export type Perform = (step: Extract<Step, { do: 'think' | 'call' }>, turn: Turn) => Promise<SessionEvent[]>;

/** A worker holds a session. `before`: the fence of the last one that wrote to it, if any did. */
export type TurnHeld = { session: Session; fence: number; before: number | null };

export type AdvanceDeps = {
  log: EventLog;
  perform: Perform;
  expire: (session: string, approval: string) => Promise<void>;
  limits: Bounds;
  executionExpiresMs: number;
  /** Begins look-ups that the next step will need, while the lease is being taken. Throws nothing; it may turn out that nobody needs them. */
  foresee?: (session: Session) => void;
  /** Runs the next step of a session in a process of its own. Absent in such a process. */
  alone?: Alone;
  /** Only one step. */
  once?: boolean;
  /** Is told of a turn and runs it: for whoever measures. */
  turn?: (held: TurnHeld, work: () => Promise<void>) => Promise<void>;
  /** Called after the last line of this turn is written. */
  rested: (session: Session) => Promise<void>;
};

/** Brings a session forward until it waits, ends, or is somebody else's. Holds the lease meanwhile and nothing afterwards. */
export async function advance(sid: string, deps: AdvanceDeps): Promise<void> {
  const { log } = deps;
  const entries = await log.read(sid);
  const session = fold(sid, entries);
  if (!session) return;
  const owner: Owner = { sid, team: session.opened.team, user: session.opened.by };
  const taken = takeLease(log, owner);
  // The lease has to reach the disk, which takes its time.
  deps.foresee?.(session);
  const lease = await taken;
  if (!lease) return;
  try {
    if (deps.alone && lease.interrupted >= SUSPECT) return await handOver(session, owner, lease, log, deps.alone);
    const work = () => loop(session, entries, owner, lease, deps);
    await (deps.turn ? deps.turn({ session, fence: lease.fence, before: entries.findLast((e) => e.fence > 0)?.fence ?? null }, work) : work());
    await deps.rested(session);
  } catch (error) {
    // It may be what we remember that does not hold: a failover can lose lines that we have read. Broken is what throws from its first line on; else whoever comes next begins there.
    if (!(error instanceof BrokenChain) || error.session !== sid) throw error;
    await log.read(sid);
  } finally {
    lease.release();
  }
}

async function loop(session: Session, entries: Entry[], owner: Owner, lease: Lease, deps: AdvanceDeps): Promise<void> {
  const { log } = deps;
  const tip = (): Tip => ({ seq: session.seq, head: session.head });
  const take = (entry: Entry) => {
    entries.push(entry);
    apply(session, owner.sid, entry);
  };
  let fenced = false;
  // After `ours`, an owner's line is another one's who has our fence, as a claim can be lost with a master and be made anew: what they have begun is theirs to end.
  const catchUp = async (ours = session.seq) => {
    for (const entry of await log.read(owner.sid, tip())) {
      if (entry.seq > ours && entry.fence >= lease.fence) fenced = true;
      take(entry);
    }
  };
  // What we have just written ourselves need not be asked for, unless somebody else came in between.
  const follow = async (committed: Committed | null) => {
    if (committed?.is === 'FENCED') fenced = true;
    if (committed?.is !== 'OK') await catchUp();
    else if (committed.entries?.[0]?.seq !== session.seq + 1) await catchUp(committed.tip.seq);
    else for (const entry of committed.entries) take(entry);
  };
  const commit = async (events: readonly SessionEvent[], guard: Guard = { is: '' }) => {
    const committed = events.length > 0 ? await log.commit(owner, lease.fence, tip(), events, guard) : null;
    await follow(committed);
    return committed;
  };
  if (session.seq < lease.seq) await catchUp();
  const asleep = new Map<string, number>();
  while (!fenced && !lease.lost()) {
    const before = session.seq;
    const step = next(session, log.now(), deps.limits, asleep);
    switch (step.do) {
      case 'nothing':
        return;
      case 'settle':
        // What follows from the facts follows from these facts: an edit in this moment would leave a question whose call is over.
        await commit(step.events, { is: 'quiet', seen: before });
        break;
      case 'expire':
        await deps.expire(owner.sid, step.approval);
        await catchUp();
        break;
      case 'end':
        await commit([ending(session, step, deps.limits)], { is: 'quiet', seen: session.seq });
        break;
      case 'park':
        if ((await log.park(owner, lease.fence, session, step.until)) !== 'unseen') return;
        await catchUp();
        break;
      case 'think':
      case 'call': {
        const of = step.do === 'call' ? step.call.id : THE_MODEL;
        asleep.delete(of);
        const claims: Committed[] = [];
        const turn = turnOf(session, entries, owner, lease, deps, claims);
        const events = await deps.perform(step, { ...turn, sleep: (until) => void asleep.set(of, until) });
        for (const claimed of claims) await follow(claimed);
        if (fenced) return;
        if (asleep.has(of)) {
          await catchUp();
          continue;
        }
        const quiet: Guard = { is: 'quiet', seen: before };
        const end = endAfter(session, events, log.now(), deps.limits);
        const both = end.length > 0 ? await commit([...events, ...end], quiet) : null;
        // Somebody has said something meanwhile: it is heard before the end.
        if (!fenced && (!both || both.is === 'UNREAD')) await commit(events, events.some(asksOrRefuses) ? quiet : undefined);
        if (fenced || !deps.once || session.seq === before) break;
        await log.park(owner, lease.fence, session, log.now());
        return;
      }
      default:
        step satisfies never;
    }
    // Nothing came of it (stopped, not safe to act, a store that lost something): look again a little later rather than at once.
    if (fenced || session.seq !== before) continue;
    if ((await log.park(owner, lease.fence, session, log.now() + 1_000)) !== 'unseen') return;
    await catchUp();
  }
}

/** Nothing was done yet, so it costs little to look again where people have said something meanwhile. */
function asksOrRefuses(e: SessionEvent): boolean {
  return e.type === 'refused' || (e.type === 'call_parked' && e.waiting.for === 'approval');
}

/** `claims` takes what came of the claims of this turn: the session sees them when the step is over. */
function turnOf(
  session: Session,
  entries: readonly Entry[],
  owner: Owner,
  lease: Lease,
  { log, executionExpiresMs }: AdvanceDeps,
  claims: Committed[],
): Omit<Turn, 'sleep'> {
  return {
    session,
    entries,
    // What is still done after the stop was meant to be done then.
    signal: session.stop ? lease.held : lease.signal,
    now: log.now,
    mayAct: async () => lease.fresh() || ((await lease.renew()) && lease.fresh()),
    claim: async (event, approval, cancels) => {
      const guard: Guard = { is: cancels ? 'cancel' : 'effect', approval, executionExpiresMs };
      const claimed = await log.commit(owner, lease.fence, { seq: session.seq, head: session.head }, [event], guard);
      claims.push(claimed);
      return claimed;
    },
  };
}
