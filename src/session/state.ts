import type { EventOf, Outcome, Preview, Usage, Waiting } from './events.ts';
import type { Failing } from './failing.ts';

export type ApprovalState = 'pending' | 'approved' | 'denied' | 'edited' | 'withdrawn' | 'expired' | 'used';

/** One question to people: may exactly these bytes be sent? */
export type Approval = {
  id: string;
  call: string;
  digest: string;
  arguments: Record<string, unknown>;
  preview: Preview;
  /** ISO time. */
  expiresAt: string;
  need: number;
  again?: string;
  /** The question this one replaces, and who changed it. */
  edits?: { approval: string; by: string };
  state: ApprovalState;
  votes: { by: string; at: string; name?: string }[];
  /** Who decided, when it is decided otherwise than by votes. */
  by?: string;
  reason?: string;
  askedAt: string;
  /** Server ms of the last decision. */
  decidedM?: number;
  decidedAt?: string;
};

export type CallStatus =
  | { is: 'asked' }
  | { is: 'parked'; waiting: Waiting; since: number; sinceAt: string }
  | { is: 'started'; key: string; m: number; timeoutMs: number; arguments: Record<string, unknown>; digest: string }
  /** `ruledOut`: labmate.json refuses it, whoever would say yes. */
  | { is: 'finished'; outcome: Outcome; at: string; ruledOut?: true };

/** One tool call of one reply of the model. */
export type Call = {
  id: string;
  tool: string;
  /** What the model asked for, or what a person changed it to. */
  input: unknown;
  /** The seq of the reply it belongs to. */
  reply: number;
  status: CallStatus;
  /** Set once it was let go; stays through retries, so that a retry does not ask twice. */
  started?: EventOf<'call_started'>;
  /** The last approval asked for; earlier ones are in `session.approvals`. */
  approval?: string;
  /** What woke it since it was parked, oldest first. */
  woken: EventOf<'woken'>[];
  /** What people were asked about it last. */
  question?: Extract<Waiting, { for: 'answer' }>;
  /** A person's answer to the question it asks. */
  answer?: { by: string; text: string; at: string };
  /** The deadline of its first wait for a job: a duration does not begin anew when the wait goes on. */
  deadline?: string;
  /** A message that interrupts the wait for a job, or came while several questions were open. */
  interrupted?: { by: string; text: string };
  attempts: number;
  failing?: Failing;
  /** A person wants it tried now, whatever is known of its backend. */
  insisted?: true;
};

export type Told = EventOf<'told'> & { seq: number; at: string };
export type Reply = EventOf<'replied'> & { seq: number; at: string };

/** A session: the fold of its log. */
export type Session = {
  id: string;
  seq: number;
  head: string;
  opened: EventOf<'opened'> & { at: string; m: number };
  told: Told[];
  replies: Reply[];
  calls: Map<string, Call>;
  approvals: Map<string, Approval>;
  notes: (EventOf<'noted'> & { seq: number; at: string; m: number })[];
  refusedDecisions: (Extract<EventOf<'refused'>, { of: 'decision' }> & { at: string })[];
  stop?: { by: string; at: string; seq: number; m: number };
  /** Runs go on after the stop, and people were asked what becomes of them. The first answer counts. */
  offer?: { text: string; seq: number; m: number; answer?: { by: string; cancel: boolean } };
  /** A stored wait of the model itself. */
  retry?: { until: string; attempt: number; upstream: string; why: string; seq: number; sinceAt: string; outage?: true; failing: Failing };
  /** Long results of replies up to this seq are left out of what the model is shown. */
  omitsTo?: number;
  /** Calls whose pictures are left out of it, as the model's service cannot read one of them. */
  omitsPictures?: readonly string[];
  /** A person wants the model asked now, whatever is known of it. */
  insisted?: true;
  attention?: { text: string; seq: number };
  /** A budget is used up and nobody has raised it yet. */
  limit?: { text: string; seq: number; m: number };
  /** How often a person has doubled the budgets. */
  raised: number;
  ended?: EventOf<'ended'> & { seq: number; at: string };
  usage: Usage;
  /** Databricks runs this session started, oldest first. */
  runs: { call: string; runId: string; url?: string }[];
  /** The last seq whose fact can change what is to be done: a note or a refused click does not. */
  lastM: number;
};

export function theCall(s: Session, id: string): Call {
  const call = s.calls.get(id);
  if (!call) throw new Error(`session ${s.id} has no call ${id}`);
  return call;
}

export function theApproval(s: Session, id: string): Approval {
  const approval = s.approvals.get(id);
  if (!approval) throw new Error(`session ${s.id} has no approval ${id}`);
  return approval;
}

/** Does the model read this? A stop and a retry are for the host. */
export function isSpoken({ kind }: EventOf<'told'>): boolean {
  return kind === 'message' || kind === 'change' || kind === 'edit' || kind === 'delete';
}

/** Calls that are not finished, in the order the model asked for them. */
export function openCalls(s: Session): Call[] {
  return [...s.calls.values()].filter((c) => c.status.is !== 'finished');
}

/** Approvals somebody can still decide; one that was asked again since is not among them. */
export function pendingApprovals(s: Session): Approval[] {
  return [...s.approvals.values()].filter((a) => a.state === 'pending' && !s.ended && s.calls.get(a.call)?.approval === a.id);
}
